/* SPDX-License-Identifier: MIT */
/**
 * @file
 * A strict HTTP/1 response parser for transports that read from a socket themselves: the host's extension "plastiq.http1/1".
 *
 * It is fed what comes from the connection and calls the sink: on_line for each line of a head and of the trailers, on_body for what
 * the body is after framing. It decides where the response ends, whether that end is proven, and whether the connection may be used
 * again. It allocates nothing and calls nothing else. Life: begin, push.., end if the connection ends first; begin again for the next
 * response.
 *
 *     const plq_http1 *http1 = host->get_extension(host->context, PLQ_EXTENSION_HTTP1);
 *
 * Rules (RFC 9112, RFC 9110): lines end in CRLF and have at most 8192 bytes; a chunk line is 1*8HEXDIG and extensions, at most 256 bytes;
 * Content-Length comes once, Transfer-Encoding only as one "chunked" in HTTP/1.1, never both; at most 8 heads of 1xx are passed and
 * skipped, 101 is refused; 204, 304 and answers to HEAD have no body; without length and chunks the body ends with the connection. No
 * more than max_head_bytes and twice max_body_bytes is taken. The sink is asked about a line before the parser reads it; the one of the
 * core checks the grammar of each, and what it refuses ends the response there. What the parser itself relies on it checks itself.
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
  int32_t http_status;   /**< of the last status line, 1xx too; 0 before */
  int32_t http_version;  /**< 10 or 11; 0 before */
  int64_t keep_alive_ms; /**< what the server said with Keep-Alive: timeout, the least if often; -1 if it did not */
  uint64_t bytes;        /**< taken since begin */
  size_t used;           /**< by this push: how many of its bytes belong to the response; after the end the others came unasked */
  size_t reserved;
} plq_http1_progress;

#define PLQ_HTTP1_HEAD_BEGUN UINT32_C(1)   /**< a byte came */
#define PLQ_HTTP1_HEAD_DONE UINT32_C(2)    /**< the final head is complete */
#define PLQ_HTTP1_COMPLETE UINT32_C(4)     /**< the response is complete: nothing is taken any more */
/** Complete, its end does not depend on the connection's, nothing came after it, and the server did not say that it closes (RFC 9112
    section 9.3). That the request was written whole is the transport's to know. */
#define PLQ_HTTP1_REUSABLE UINT32_C(8)
#define PLQ_HTTP1_UNTIL_CLOSE UINT32_C(16) /**< the body ends with the connection */

/* How a connection ended. */
#define PLQ_HTTP1_END_CLOSED UINT32_C(1) /**< by a close_notify, or for plain TCP by FIN: the peer had nothing more to say */
#define PLQ_HTTP1_END_CUT UINT32_C(2)    /**< in any other way */

/** The table. */
typedef struct plq_http1 {
  uint32_t struct_size;
  uint32_t reserved;
  /** Bytes of memory that a parser takes, aligned as for malloc; the caller provides them, may move them between calls, and has nothing
      to free. */
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
   * Takes bytes. Calls the sink for all that is complete in them; a line that is not stays in the parser, body bytes never do. Nothing
   * is taken after the response's end, and then PLQ_HTTP1_REUSABLE is not set, if any were left.
   * @param progress  receives how far it is, on failure too; struct_size is the caller's
   * @return #PLQ_OK; a PLQ_E_PROTOCOL_* or PLQ_E_LIMIT_* status; #PLQ_E_CANCELLED: the sink refused. After a failure the connection must
   *         not be used again, and each further push and end fails alike.
   */
  int32_t (*push)(void *parser, const uint8_t *data, size_t len, plq_http1_progress *progress);
  /**
   * Says that the connection ended.
   * @param how       PLQ_HTTP1_END_*
   * @param progress  as for push; PLQ_HTTP1_REUSABLE is never set
   * @return #PLQ_OK: the response is complete; #PLQ_E_TRUNCATED_NO_RESPONSE, _HEAD, _BODY, _CHUNK (trailers too), _NO_CLOSE_NOTIFY: what is
   *         missing; what push failed with, if it did
   */
  int32_t (*end)(void *parser, uint32_t how, plq_http1_progress *progress);
} plq_http1;

PLQ_END_DECLS

#endif
