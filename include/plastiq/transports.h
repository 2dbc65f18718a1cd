/* SPDX-License-Identifier: MIT */
/**
 * @file
 * Transports: which there are, and what they say of themselves. For writing one see transport.h.
 *
 * One thread at a time per list. Since 1.0.
 */
#ifndef PLASTIQ_TRANSPORTS_H
#define PLASTIQ_TRANSPORTS_H

#include <plastiq/base.h>
#include <plastiq/error.h>
#include <plastiq/options.h>

PLQ_BEGIN_DECLS

/* Texts of a transport; "" where it could not be loaded. */
#define PLQ_TRANSPORT_NAME 1    /**< what the option `transport` takes; there also when loading failed */
#define PLQ_TRANSPORT_PATH 2    /**< its file; "" for one that is linked in */
#define PLQ_TRANSPORT_VERSION 3 /**< its own version */
#define PLQ_TRANSPORT_STACK 4   /**< the libraries under it, such as "libcurl/7.88.1 OpenSSL/3.0.22" */
#define PLQ_TRANSPORT_CLASS 5   /**< "production" or "test" */
#define PLQ_TRANSPORT_ID 6      /**< reverse-DNS name of the transport */
#define PLQ_TRANSPORT_VENDOR 7
#define PLQ_TRANSPORT_LICENSE 8
#define PLQ_TRANSPORT_CAPABILITIES 9 /**< names, separated by spaces */
#define PLQ_TRANSPORT_FAILURE 10     /**< why it could not be loaded, or "" */

/**
 * Lists the transports that are linked in or lie in the transport folder, and loads each to ask what it is. A loaded transport
 * stays loaded for the life of the process.
 * @param options         [borrowed] transport_dir and the other options about loading; NULL: as plq_options_new() with 0 makes them
 * @param out_transports  receives the list [owned], sorted by name
 * @return #PLQ_OK, also if some could not be loaded; #PLQ_E_TRANSPORT_PATH_UNSAFE: the folder could be changed by others;
 *         #PLQ_E_TRANSPORT_NOT_FOUND: there is no such folder; #PLQ_E_ARGUMENT; #PLQ_E_MEMORY
 * Any thread. Blocks for local files only.
 */
PLQ_API int32_t plq_transports_new(const plq_options *options, plq_transports **out_transports, plq_error **out_error);

/** @return how many there are; 0 for NULL */
PLQ_API uint32_t plq_transports_count(const plq_transports *transports);

/** @return one text (PLQ_TRANSPORT_NAME and the like) of transport `index`, from 0, or "" [borrowed from the list] */
PLQ_API const char *plq_transports_text(const plq_transports *transports, uint32_t index, int32_t which, size_t *out_len);

/** Frees a list. @param transports [owned] NULL does nothing */
PLQ_API void plq_transports_free(plq_transports *transports);

PLQ_END_DECLS

#endif
