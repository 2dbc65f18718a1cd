/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Options: keys and values from which a client is made. docs/options.md lists every key with type, default and meaning.
 *
 * Life: plq_options_new(), plq_options_set() for each, plq_client_new() (which copies), plq_options_free().
 * A value set here is stronger than a PLASTIQ_... environment variable, which is stronger than the file named by
 * PLASTIQ_CONFIG, which is stronger than the default.
 * A key of the form transport.key (such as curl.something) belongs to that transport and is checked when a client is made.
 * One thread at a time per object; nothing here blocks. Since 1.0.
 *
 * The environment: the option timeout_ms comes from the variable PLASTIQ_TIMEOUT_MS, and so does every option of docs/options.md that is
 * not marked as code's alone. A transport's own options have no variables. An empty variable counts as not set; one that belongs to no
 * option is ignored, since others may use the prefix too. A secret from code does not combine with an address from the environment:
 * see #PLQ_E_AMBIENT_ADDRESS at plq_client_new().
 * The file: PLASTIQ_CONFIG is the absolute path of a file with one JSON object (RFC 8259), whose members are options: numbers and bools as
 * such, lists as arrays of texts, null for what is not set. What a variable may not say, a file may not either. A mistake is a failure that
 * names the file, the line and the column. It is read when the variables are, and not followed.
 * The variables are read inside plq_options_new(), and inside plq_client_new() and plq_transports_new() if they get no options; never
 * at another time, and not at all in a process with more rights than its caller (AT_SECURE: set-user-ID, set-group-ID, capabilities).
 * As with getenv(), no other thread may change the environment meanwhile.
 */
#ifndef PLASTIQ_OPTIONS_H
#define PLASTIQ_OPTIONS_H

#include <plastiq/base.h>
#include <plastiq/error.h>

PLQ_BEGIN_DECLS

/** Flag for plq_options_new(): read neither environment nor files. Privileged processes never read them. */
#define PLQ_NO_AMBIENT UINT32_C(1)

/* Where an effective value came from; see plq_options_get(). */
#define PLQ_SOURCE_DEFAULT 0
#define PLQ_SOURCE_FILE 1
#define PLQ_SOURCE_ENVIRONMENT 2
#define PLQ_SOURCE_CODE 3

/**
 * Makes a set of options: empty, but for what the environment says.
 * @param flags        0 or #PLQ_NO_AMBIENT
 * @param out_options  receives the options [owned]
 * @param out_error    receives details of a failure [owned], may be NULL
 * @return #PLQ_OK; #PLQ_E_ARGUMENT: an unknown flag, or out_options is NULL; #PLQ_E_MEMORY; a status as from plq_options_set(): a
 *         variable has a bad value, also if code would have set that option; the error names the variable and what would be right;
 *         #PLQ_E_CONFIG_FILE or a status as from plq_options_set() for the file
 */
PLQ_API int32_t plq_options_new(uint32_t flags, plq_options **out_options, plq_error **out_error);

/**
 * Sets an option from text: numbers in decimal, bools as true or false, lists separated by commas. A later call replaces an
 * earlier one. The value is checked at once; what only makes sense together is checked by plq_client_new().
 * @param options  [borrowed]
 * @param key      [copied] the option's name
 * @param value    [copied] NULL takes back what was set here: the environment's value counts again, or the default
 * @return #PLQ_OK; #PLQ_E_OPTION_UNKNOWN: the error names the nearest option there is; #PLQ_E_OPTION_VALUE and the other config
 *         statuses: the error says what would be right; #PLQ_E_TEXT_ENCODING; #PLQ_E_ARGUMENT; #PLQ_E_MEMORY.
 *         On failure the options are as they were.
 */
PLQ_API int32_t plq_options_set(plq_options *options, const char *key, size_t key_len, const char *value, size_t value_len,
                                plq_error **out_error);

/** Sets an option from a number: int and ms options as they are, bools as 0 or 1. Otherwise as plq_options_set(). */
PLQ_API int32_t plq_options_set_number(plq_options *options, const char *key, size_t key_len, int64_t value, plq_error **out_error);

/**
 * Reads an option's effective value.
 * @param options     [borrowed]
 * @param key         [borrowed]
 * @param out_value   receives the value as text [borrowed from the options until the option is set again]; a secret reads as
 *                    "[set]"; NULL if there is neither a value nor a default
 * @param out_len     receives its length; may be NULL
 * @param out_source  receives PLQ_SOURCE_*; may be NULL
 * @return #PLQ_OK; #PLQ_E_OPTION_UNKNOWN; #PLQ_E_ARGUMENT
 */
PLQ_API int32_t plq_options_get(const plq_options *options, const char *key, size_t key_len, const char **out_value, size_t *out_len,
                                int32_t *out_source);

/** Frees options; secrets among them are wiped. @param options [owned] NULL does nothing */
PLQ_API void plq_options_free(plq_options *options);

PLQ_END_DECLS

#endif
