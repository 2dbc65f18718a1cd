/* SPDX-License-Identifier: MIT */
/**
 * @file
 * A strict HTTP/1 response parser for transports that read from a socket themselves: the host's extension "plastiq.http1/1".
 *
 * It is fed what comes from the connection and calls the sink: on_line for each line of a head and of the trailers, on_body for what
 * the body is after framing. It decides where the response ends, whether that end is proven, and whether the connection may be used
 * again. It allocates nothing and calls nothing else. Life: begin, push.., end if the connection ends first.
 *
 *     const plq_http1 *http1 = host->get_extension(host->context, PLQ_EXTENSION_HTTP1);
 *
 * Rules (RFC 9112, RFC 9110): lines end in CRLF; a chunk line is 1*8HEXDIG with extensions of at most 256 bytes; Content-Length once and
 * Transfer-Encoding only as one "chunked", never both; 1xx heads are passed and skipped, 101 is refused; 204, 304 and answers to HEAD have
 * no body; without length and chunks the body ends with the connection. The sink of the core checks each line besides; what it refuses
 * ends the response there.
 *
 * One thread at a time per parser. Nothing blocks. Since ABI 1.0.
 */
#ifndef PLASTIQ_HTTP1_H
#define PLASTIQ_HTTP1_H

#include <plastiq/transport.h>

PLQ_BEGIN_DECLS

#define PLQ_EXTENSION_HTTP1 "plastiq.http1/1"

/** How far a response is. */
typedef struct plq_http1_progress {
  uint32_t struct_size;
  uint32_t flags;        /**< PLQ_HTTP1_* */
  size_t used;           /**< of push: how many of the bytes belong to this response; the others came unasked */
  int32_t http_status;   /**< of the last head that began, 1xx too; 0 before */
  int32_t http_version;  /**< 10 or 11; 0 before */
  int64_t keep_alive_ms; /**< what the server said with Keep-Alive: timeout; -1 if it did not */
  uint64_t bytes;        /**< taken since begin */
} plq_http1_progress;

#define PLQ_HTTP1_HEAD_BEGUN UINT32_C(1)  /**< a byte of a head came */
#define PLQ_HTTP1_HEAD_DONE UINT32_C(2)   /**< the final head is complete */
#define PLQ_HTTP1_COMPLETE UINT32_C(4)    /**< the response is complete: no push follows */
#define PLQ_HTTP1_REUSABLE UINT32_C(8)    /**< complete, and neither side said that the connection ends (RFC 9112 section 9.3) */
#define PLQ_HTTP1_UNTIL_CLOSE UINT32_C(16) /**< the body ends with the connection */

/* How a connection ended. */
#define PLQ_HTTP1_END_CLOSED UINT32_C(1) /**< by a close_notify, or for plain TCP by FIN: the peer had nothing more to say */
#define PLQ_HTTP1_END_CUT UINT32_C(2)    /**< in any other way */

/** The table. */
typedef struct plq_http1 {
  uint32_t struct_size;
  uint32_t reserved;
  /** Bytes of memory that a parser takes, aligned as for malloc; the caller provides them, and there is nothing to free. */
  size_t parser_size;
  /**
   * Begins a response.
   * @param parser   parser_size bytes; what is in them does not matter
   * @param request  [borrowed for this call] its method tells whether a body comes; its limits hold: max_head_bytes for all heads and
   *                 trailers together, max_body_bytes for the body
   * @param sink     [borrowed until the last call for this response]
   */
  void (*begin)(void *parser, const plq_transport_request *request, const plq_transport_sink *sink);
  /**
   * Takes bytes. Calls the sink for all that is complete in them; a line that is not stays in the parser, body bytes never do.
   * @param progress  receives how far it is; struct_size is the caller's
   * @return #PLQ_OK; a PLQ_E_PROTOCOL_* or PLQ_E_LIMIT_* status; #PLQ_E_CANCELLED: the sink refused. After a failure the connection must
   *         not be used again, and each further push fails alike.
   */
  int32_t (*push)(void *parser, const uint8_t *data, size_t len, plq_http1_progress *progress);
  /**
   * Says that the connection ended.
   * @param how  PLQ_HTTP1_END_*
   * @return #PLQ_OK: the response is complete; #PLQ_E_TRUNCATED_NO_RESPONSE, _HEAD, _BODY, _CHUNK, _NO_CLOSE_NOTIFY: what is missing; what
   *         push failed with, if it did
   */
  int32_t (*end)(void *parser, uint32_t how, plq_http1_progress *progress);
} plq_http1;

PLQ_END_DECLS

#endif
