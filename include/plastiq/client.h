/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Clients: options that were found good, a transport, its connections, and the access token.
 *
 * Life: plq_client_new(), any number of calls by any number of threads at once, plq_client_close() to cancel and wait or
 * plq_client_free() to cancel and walk away. What calls returned (responses, secrets, errors) outlives the client.
 * Making a client does no network I/O. Calls look at the files of access_token_file and second_access_token_file, at most once a second. After fork the client works in the child, with connections of its own; the parent's
 * are left alone. Since 1.0.
 */
#ifndef PLASTIQ_CLIENT_H
#define PLASTIQ_CLIENT_H

#include <plastiq/base.h>
#include <plastiq/error.h>
#include <plastiq/options.h>

PLQ_BEGIN_DECLS

/**
 * Makes a client: checks the options together, loads the transport, reads CA certificates and keys.
 * @param options     [borrowed, copied] NULL: as plq_options_new() with 0 makes them; may be freed or changed afterwards
 * @param out_client  receives the handle; 0 on failure
 * @param out_error   receives details of a failure [owned], may be NULL; it has a load log if the transport was the trouble
 * @return #PLQ_OK, also without an access token (then calls answer #PLQ_E_TOKEN_MISSING until there is one); #PLQ_E_TOKEN_FILE; a status of the
 *         kinds config or load; #PLQ_E_RESOURCE_HANDLES; #PLQ_E_MEMORY.
 *         #PLQ_E_AMBIENT_ADDRESS: base_url, ca_file, ca_dir, pins, proxy or resolve come from the environment, and a token from code (or
 *         proxy_password from code, and proxy, ca_file or ca_dir do); the option allow_ambient_address permits that
 * Any thread. Blocks for local files only.
 */
PLQ_API int32_t plq_client_new(const plq_options *options, plq_client_id *out_client, plq_error **out_error);

/**
 * Replaces the access tokens of a live client; files of tokens are not followed any more. Attempts that were sent go on with the old ones; the next attempt uses the new.
 * @param client            the client
 * @param token             [copied] NULL: none, so that calls answer #PLQ_E_TOKEN_MISSING
 * @param second_token      [copied] tried once after a 401; NULL: none
 * @return #PLQ_OK; #PLQ_E_HANDLE; #PLQ_E_TOKEN_INVALID: nothing was replaced; #PLQ_E_AMBIENT_ADDRESS: the client's base_url, ca_file,
 *         ca_dir, pins, proxy or resolve came from the environment, and these tokens do not; nothing was replaced; #PLQ_E_MEMORY
 * Any thread; does not block. Since 1.0.
 */
PLQ_API int32_t plq_client_set_tokens(plq_client_id client, const char *token, size_t token_len, const char *second_token,
                                      size_t second_token_len, plq_error **out_error);

/**
 * Opens connections ahead of the first call: name look-up, TCP and TLS, no request. Connections that are open already count.
 * @param client          the client
 * @param count           how many connections shall be open; at most the option max_connections
 * @param timeout_ms      at most so long; -1 for ever
 * @param out_connections receives how many are open afterwards, also on failure; may be NULL
 * @return #PLQ_OK: count are open; #PLQ_E_UNSUPPORTED: the transport cannot; #PLQ_E_HANDLE; otherwise why the last one failed
 * Any thread. Blocks.
 */
PLQ_API int32_t plq_client_warm(plq_client_id client, uint32_t count, int64_t timeout_ms, uint32_t *out_connections,
                                plq_error **out_error);

/**
 * Gives the options as the client uses them: defaults filled in, `base_url` the effective one (also when it came from the
 * environment option), secrets as "[set]".
 * @param out_options  receives a copy [owned]
 * @return #PLQ_OK; #PLQ_E_HANDLE; #PLQ_E_ARGUMENT; #PLQ_E_MEMORY. Any thread; does not block.
 */
PLQ_API int32_t plq_client_options(plq_client_id client, plq_options **out_options, plq_error **out_error);

/**
 * Gives the facts of the client's transport, as a list of one. See transports.h.
 * @param out_transports  receives the list [owned]
 * @return #PLQ_OK; #PLQ_E_HANDLE; #PLQ_E_ARGUMENT; #PLQ_E_MEMORY. Any thread; does not block.
 */
PLQ_API int32_t plq_client_transport(plq_client_id client, plq_transports **out_transports, plq_error **out_error);

/**
 * Closes a client: no new call starts, running ones are cancelled, and their end is waited for. Calls in its queues are cancelled too, but
 * not waited for: their completions come from plq_queue_next(), as ever.
 * @param timeout_ms  at most so long; 0 does not wait; -1 for ever
 * @return #PLQ_OK: no call runs any more; #PLQ_E_BUSY: some still ran when the time was over (they end by themselves, and nothing
 *         leaks); #PLQ_E_HANDLE. In every case but the last the handle is gone.
 * Any thread that is not inside a call of this client. Blocks.
 */
PLQ_API int32_t plq_client_close(plq_client_id client, int64_t timeout_ms);

/**
 * Frees a client: as plq_client_close() with 0. With no call running, its connections and descriptors are gone on return;
 * otherwise when the last call, which is cancelled, has returned.
 * @param client  0 or a stale handle does nothing
 * Any thread; does not wait for the network.
 */
PLQ_API void plq_client_free(plq_client_id client);

/* Numbers of plq_client_stats(), counted since the client was made, or in a child since the fork. Further ones are only added. */
#define PLQ_STAT_CALLS 0              /**< calls that began */
#define PLQ_STAT_CALLS_SUCCEEDED 1    /**< of these: that ended well */
#define PLQ_STAT_CALLS_FAILED 2       /**< of these: that failed */
#define PLQ_STAT_CALLS_IN_FLIGHT 3    /**< of these: that run now */
#define PLQ_STAT_ATTEMPTS 4           /**< requests that a transport was asked to carry */
#define PLQ_STAT_REPEATS 5            /**< attempts that came after another one of the same call */
#define PLQ_STAT_REPEATS_DENIED 6     /**< repeats that were not made because the budget was used up */
#define PLQ_STAT_REPEATS_LEFT 7       /**< what is left of the option repeat_budget now */
#define PLQ_STAT_CONNECTIONS_OPENED 8 /**< attempts on a new connection */
#define PLQ_STAT_CONNECTIONS_REUSED 9 /**< attempts on one that was open already */
#define PLQ_STAT_CONNECTIONS_OPEN 10  /**< connections that are open now; -1: the transport does not tell */
#define PLQ_STAT_CONNECTIONS_BUSY 11  /**< of these: that carry a request now; -1: the transport does not tell */
#define PLQ_STAT_BYTES_SENT 12        /**< bytes of requests, as HTTP sees them */
#define PLQ_STAT_BYTES_RECEIVED 13    /**< bytes of responses, as HTTP sees them */
#define PLQ_STAT_TOKENS_READ 14       /**< how often a file of a token was read again because it had changed */
#define PLQ_STATS 15                  /**< how many there are in this header */

/**
 * Tells what a client has done and what it is doing.
 * @param client      the client
 * @param out_values  receives the numbers, each at its PLQ_STAT_*
 * @param count       room in out_values; numbers past it are left out, and room past those that the library has is set to -1
 * @return #PLQ_OK; #PLQ_E_HANDLE; #PLQ_E_ARGUMENT: out_values is NULL. Any thread, inside of observers too; does not block.
 */
PLQ_API int32_t plq_client_stats(plq_client_id client, int64_t *out_values, uint32_t count);

PLQ_END_DECLS

#endif
