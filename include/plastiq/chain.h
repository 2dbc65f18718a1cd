/* SPDX-License-Identifier: MIT */
/**
 * @file
 * A transport behind a transport: the host's extension "plastiq.chain/1", with which one that records or counts hands requests on to the
 * one that it is about. For transports of the class test only: the core gives the table to no other one.
 *
 *     const plq_chain *chain = host->get_extension(host->context, PLQ_EXTENSION_CHAIN);
 *
 * The transport behind is loaded as if the option transport named it: transport_allow, allow_test_transports, the checks of its file and
 * the load log hold alike. Its instance has the client's options, so a key that it needs is one that the user sets in any case: ca_file, resolve,
 * and its own. What it refuses is the client's error, word for word.
 *
 * A chain has two links. An instance has at most one other behind it, and that one none; a transport is not put behind itself.
 * The clock follows the chain: with another instance behind it, an extension "plastiq.clock/1" of the one in front is left alone, and that
 * of the one behind counts, if it is a test transport that has one.
 *
 * Since ABI 1.0.
 */
#ifndef PLASTIQ_CHAIN_H
#define PLASTIQ_CHAIN_H

#include <plastiq/transport.h>

PLQ_BEGIN_DECLS

#define PLQ_EXTENSION_CHAIN "plastiq.chain/1"

/** The instance behind. Its functions are called as the core calls those of the one in front: the rules of transport.h hold. */
typedef struct plq_chained {
  uint32_t struct_size;
  uint32_t deployment_class;                /**< PLQ_CLASS_* */
  uint64_t capabilities;                    /**< PLQ_CAP_*: what is not declared may not be called */
  const plq_transport_functions *functions; /**< lives as long as the process; destroy and abandon_after_fork are left to close */
  plq_transport_instance *instance;         /**< until close */
  const char *name;                         /**< these live as long as the process */
  const char *version;
  const char *stack;
} plq_chained;

/** The table. It lives as long as the process. */
typedef struct plq_chain {
  uint32_t struct_size;
  uint32_t reserved;
  /**
   * Loads a transport and makes an instance of it, with the client's options. Only inside create, on its thread.
   * @param context      of the host table
   * @param name         a name, or an absolute path, as for the option transport
   * @param error        receives why not; with the same status as the result of create it is not even needed: then the user gets the
   *                     whole error, with its load log
   * @param out_chained  struct_size is the caller's; the other fields are set on success
   * @return #PLQ_OK; whatever loading and create may fail with; #PLQ_E_UNSUPPORTED: it is the transport itself, or there is one behind
   *         already; #PLQ_E_REENTRANT: not inside create; #PLQ_E_ARGUMENT
   */
  int32_t (*open)(void *context, const char *name, size_t name_len, plq_transport_error *error, plq_chained *out_chained);
  /**
   * Ends the instance behind, by its destroy, or in a forked child by its abandon_after_fork. For destroy and abandon_after_fork of the
   * one in front. If create fails, or if this is forgotten, the core does it.
   * @param context  of the host table
   */
  void (*close)(void *context);
} plq_chain;

PLQ_END_DECLS

#endif
