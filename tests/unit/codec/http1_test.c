/* SPDX-License-Identifier: MIT */
/* The HTTP/1 parser: one row for each way to keep or break its rules (include/plastiq/http1.h). */
#include <plastiq/status.h>

#include "http1_rows.h"
#include "unit.h"

#define OK11 "HTTP/1.1 200 OK\r\n"
#define OK10 "HTTP/1.0 200 OK\r\n"
#define CHUNKED OK11 "Transfer-Encoding: chunked\r\n\r\n"
#define INTERIM "HTTP/1.1 102 x\r\n\r\n"
#define X8(text) text text text text text text text text
#define X64(text) X8(X8(text))

/* ---- what is complete ---- */

static const struct row lengths[] = {
    ROW(OK11 "Content-Length: 5\r\n\r\nhello", .body = "hello", .reuse = true),
    ROW(OK11 "content-length:5\r\n\r\nhello", .body = "hello", .reuse = true),
    ROW(OK11 "CONTENT-LENGTH: \t 5 \t\r\n\r\nhello", .body = "hello", .reuse = true),
    ROW(OK11 "Content-Length: 0005\r\n\r\nhello", .body = "hello", .reuse = true),
    ROW(OK11 "Content-Length: 0\r\n\r\n", .body = "", .reuse = true),
    ROW(OK11 "Content-Length: 4\r\n\r\n\r\n\r\n", .body = "\r\n\r\n", .reuse = true),
    ROW("HTTP/1.1 503 \r\nContent-Length: 1\r\n\r\nx", .body = "x", .reuse = true),
    ROW("HTTP/1.1 599\r\nContent-Length: 1\r\n\r\nx", .body = "x", .reuse = true),
    ROW("HTTP/1.1 301 Moved\r\nLocation: https://other.test/\r\nContent-Length: 0\r\n\r\n", .body = "", .reuse = true),
    ROW(OK10 "Content-Length: 5\r\n\r\nhello", .body = "hello"),
    ROW(OK10 "Connection: keep-alive\r\nContent-Length: 5\r\n\r\nhello", .body = "hello"),
    /* Names that only look like those that count. */
    ROW(OK11 "Content-Lengthy: 7\r\nX-Content-Length: 8\r\nContent-Lengt: 9\r\nContent-Type: a/b\r\nContent-Length: 1\r\n\r\nx",
        .body = "x", .reuse = true),
    ROW(OK11 "Content: 1\r\nConnection-X: close\r\nTransfer-Encodin: gzip\r\nK: v\r\nT: v\r\nC: v\r\nContent-Length: 1\r\n\r\nx",
        .body = "x", .reuse = true),
};

static const struct row chunks[] = {
    ROW(CHUNKED "0\r\n\r\n", .body = "", .reuse = true),
    ROW(CHUNKED "5\r\nhello\r\n0\r\n\r\n", .body = "hello", .reuse = true),
    ROW(CHUNKED "1\r\nh\r\n4\r\nello\r\n0\r\n\r\n", .body = "hello", .reuse = true),
    ROW(CHUNKED "a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n", .body = "01234567890123456789", .reuse = true),
    ROW(CHUNKED "00000005\r\nhello\r\n00000000\r\n\r\n", .body = "hello", .reuse = true),
    ROW(CHUNKED "4\r\n\r\n\r\n\r\n0\r\n\r\n", .body = "\r\n\r\n", .reuse = true),
    ROW(CHUNKED "2\r\n0\r\r\n0\r\n\r\n", .body = "0\r", .reuse = true),
    ROW(CHUNKED "5;name=value\r\nhello\r\n0;last\r\n\r\n", .body = "hello", .reuse = true),
    ROW(CHUNKED "5 \t; a = \"b;c\"\t;d\r\nhello\r\n0\r\n\r\n", .body = "hello", .reuse = true),
    ROW(CHUNKED "5;\xe4\xff\r\nhello\r\n0\r\n\r\n", .body = "hello", .reuse = true),
    ROW(CHUNKED "1\r\nx\r\n0\r\nTrace-Id: a\r\nContent-Length: 9\r\nConnection: close\r\n\r\n", .body = "x", .reuse = true),
    ROW(CHUNKED "0\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n", .body = "", .reuse = true),
    ROW(OK11 "transfer-encoding:\tCHUNKED \r\n\r\n0\r\n\r\n", .body = "", .reuse = true),
};

/* RFC 9112 section 6.3, items 1 and 8. */
static const struct row without[] = {
    ROW("HTTP/1.1 204 No Content\r\n\r\n", .body = "", .reuse = true),
    ROW("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", .body = "", .reuse = true),
    ROW("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", .body = ""),
    ROW("HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", .body = ""),
    ROW("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello", .body = "", .surplus = 5),
    ROW("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", .body = "", .reuse = true),
    ROW("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nhello", .body = "", .surplus = 5),
    ROW("HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n", .body = ""),
    ROW("HTTP/1.0 304 Not Modified\r\n\r\n", .body = ""),
    ROW(OK11 "Content-Length: 5\r\n\r\n", .body = "", .reuse = true, .method = "HEAD"),
    ROW(OK11 "Content-Length: 2000000\r\n\r\n", .body = "", .reuse = true, .method = "HEAD"),
    ROW(CHUNKED, .body = "", .reuse = true, .method = "HEAD"),
    ROW(OK11 "\r\n", .body = "", .reuse = true, .method = "HEAD"),
    ROW(OK11 "Content-Length: 5\r\n\r\nhello", .body = "hello", .reuse = true, .method = "head"),
    ROW(OK11 "Content-Length: 5\r\n\r\nhello", .body = "hello", .reuse = true, .method = "HEA"),
    ROW(OK11 "\r\n", .body = ""),
    ROW(OK11 "\r\nhello", .body = "hello"),
    ROW(OK10 "\r\nhello", .body = "hello"),
    ROW(OK11 "Connection: keep-alive\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", .body = "HTTP/1.1 200 OK\r\n\r\n"),
    ROW("HTTP/1.1 205 Reset Content\r\n\r\nx", .body = "x"),
};

static const struct row interims[] = {
    ROW("HTTP/1.1 100 Continue\r\n\r\n" OK11 "Content-Length: 5\r\n\r\nhello", .body = "hello", .reuse = true),
    ROW("HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n" INTERIM OK11 "Content-Length: 1\r\n\r\nx", .body = "x", .reuse = true),
    ROW("HTTP/1.0 100 Continue\r\n\r\n" OK11 "Content-Length: 1\r\n\r\nx", .body = "x", .reuse = true),
    ROW("HTTP/1.1 100 Continue\r\n\r\n" OK10 "Content-Length: 1\r\n\r\nx", .body = "x"),
    ROW("HTTP/1.1 100 Continue\r\nContent-Length: 5\r\nTransfer-Encoding: gzip\r\n\r\n" OK11 "Content-Length: 1\r\n\r\nx",
        .body = "x", .reuse = true),
    ROW("HTTP/1.1 102 x\r\nConnection: close\r\n\r\n" OK11 "Content-Length: 1\r\n\r\nx", .body = "x"),
    ROW(X8(INTERIM) OK11 "Content-Length: 1\r\n\r\nx", .body = "x", .reuse = true),
    ROW(X8(INTERIM) INTERIM OK11 "\r\n", .status = PLQ_E_LIMIT_INTERIM, .lax = PLQ_E_LIMIT_INTERIM),
    ROW("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", .status = PLQ_E_PROTOCOL_UPGRADE,
        .lax = PLQ_E_PROTOCOL_UPGRADE),
    ROW(INTERIM "HTTP/1.1 101 x\r\n\r\n", .status = PLQ_E_PROTOCOL_UPGRADE, .lax = PLQ_E_PROTOCOL_UPGRADE),
    ROW("HTTP/1.1 100 Continue\r\n\r\n", .status = PLQ_E_TRUNCATED_HEAD),
};

/* RFC 9112 section 9.3, and RFC 9110 section 7.6.1. */
static const struct row reuses[] = {
    ROW(OK11 "Connection: close\r\nContent-Length: 0\r\n\r\n", .reuse = false),
    ROW(OK11 "connection:CLOSE\r\nContent-Length: 0\r\n\r\n", .reuse = false),
    ROW(OK11 "Connection: keep-alive, Close\r\nContent-Length: 0\r\n\r\n", .reuse = false),
    ROW(OK11 "Connection: ,, x ,close,\r\nContent-Length: 0\r\n\r\n", .reuse = false),
    ROW(OK11 "Connection: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", .reuse = false),
    ROW(OK11 "Content-Length: 0\r\nConnection: close\r\nConnection: keep-alive\r\n\r\n", .reuse = false),
    ROW(OK11 "Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", .reuse = false),
    ROW(OK11 "Connection: close; x\r\nContent-Length: 0\r\n\r\n", .reuse = false),
    ROW(OK11 "Connection: close x\r\nContent-Length: 0\r\n\r\n", .reuse = false),
    ROW(OK11 "Connection: \"close\"\r\nContent-Length: 0\r\n\r\n", .reuse = false),
    ROW(OK11 "Connection: x\rclose\r\nContent-Length: 0\r\n\r\n", .status = PLQ_E_PROTOCOL_FIELD, .lax = -1),
    ROW(OK11 "Connection: closed, x-close\r\nContent-Length: 0\r\n\r\n", .reuse = true),
    ROW(OK11 "Connection: keep-alive\r\nContent-Length: 0\r\n\r\n", .reuse = true),
    ROW(OK11 "Connection:\r\nContent-Length: 0\r\n\r\n", .reuse = true),
    ROW(OK11 "X-Connection: close\r\nProxy-Connection: close\r\nContent-Length: 0\r\n\r\n", .reuse = true),
    ROW(OK11 "Content-Length: 0\r\n\r\n" OK11, .surplus = 17),
    ROW(OK11 "Content-Length: 1\r\n\r\nx\r\n", .body = "x", .surplus = 2),
    ROW(CHUNKED "0\r\n\r\n\r\n", .surplus = 2),
    ROW("HTTP/1.1 204 x\r\n\r\n0", .surplus = 1),
};

static void test_lengths(void **state) {
  (void)state, expect_rows(lengths, COUNT(lengths));
}
static void test_chunks(void **state) {
  (void)state, expect_rows(chunks, COUNT(chunks));
}
static void test_without_a_body(void **state) {
  (void)state, expect_rows(without, COUNT(without));
}
static void test_interim(void **state) {
  (void)state, expect_rows(interims, COUNT(interims));
}
static void test_reuse(void **state) {
  (void)state, expect_rows(reuses, COUNT(reuses));
}

/* ---- what is not ---- */

#define BAD_STATUS_LINE(line) \
  { S(line "Content-Length: 0\r\n\r\n"), PLQ_E_PROTOCOL_STATUS_LINE, .lax = PLQ_E_PROTOCOL_STATUS_LINE }

static const struct row status_lines[] = {
    BAD_STATUS_LINE("\r\nHTTP/1.1 200 OK\r\n"),
    BAD_STATUS_LINE(" HTTP/1.1 200 OK\r\n"),
    BAD_STATUS_LINE("HTTP/1.1 200 OK\n"),
    BAD_STATUS_LINE("HTTP/1.1 200\n"),
    BAD_STATUS_LINE("HTTP/1.1 200\r\r\n"),
    BAD_STATUS_LINE("HTTP/1.1  200 OK\r\n"),
    BAD_STATUS_LINE("HTTP/1.1\t200 OK\r\n"),
    BAD_STATUS_LINE("HTTP/1.1 200\tOK\r\n"),
    BAD_STATUS_LINE("HTTP/1.1 200OK\r\n"),
    BAD_STATUS_LINE("HTTP/1.1 20 OK\r\n"),
    BAD_STATUS_LINE("HTTP/1.1 20  OK\r\n"),
    BAD_STATUS_LINE("HTTP/1.1 2 0 OK\r\n"),
    BAD_STATUS_LINE("HTTP/1.1 2000 OK\r\n"),
    BAD_STATUS_LINE("HTTP/1.1 2x0 OK\r\n"),
    BAD_STATUS_LINE("HTTP/1.1 20x OK\r\n"),
    BAD_STATUS_LINE("HTTP/1.1 -20 OK\r\n"),
    BAD_STATUS_LINE("HTTP/1.1 099 OK\r\n"),
    BAD_STATUS_LINE("HTTP/1.1 600 OK\r\n"),
    BAD_STATUS_LINE("HTTP/1.1 \r\n"),
    BAD_STATUS_LINE("HTTP/1.1\r\n"),
    BAD_STATUS_LINE("HTTP/1.2 200 OK\r\n"),
    BAD_STATUS_LINE("HTTP/0.9 200 OK\r\n"),
    BAD_STATUS_LINE("HTTP/2.0 200 OK\r\n"),
    BAD_STATUS_LINE("HTTP/1.10 200 OK\r\n"),
    BAD_STATUS_LINE("HTTP/11 200 OK\r\n"),
    BAD_STATUS_LINE("http/1.1 200 OK\r\n"),
    BAD_STATUS_LINE("ICY 200 OK\r\n"),
    BAD_STATUS_LINE("<html>\r\n"),
    BAD_STATUS_LINE("\n"),
    ROW("HTTP/2 200 OK\r\n\r\n",
        .status = PLQ_E_PROTOCOL_STATUS_LINE), /* the validator takes it, which is for HTTP/2; the parser does not */
    ROW("HTTP/1.1 200 O\rK\r\nContent-Length: 0\r\n\r\n", .status = PLQ_E_PROTOCOL_STATUS_LINE, .lax = -1, .reuse = true),
    ROW("", .status = PLQ_E_TRUNCATED_NO_RESPONSE),
    ROW("H", .status = PLQ_E_TRUNCATED_HEAD),
    ROW("<html>", .status = PLQ_E_PROTOCOL_STATUS_LINE),
    ROW("HTTP/1.1 200 OK\r", .status = PLQ_E_TRUNCATED_HEAD),
    ROW(OK11, .status = PLQ_E_TRUNCATED_HEAD),
    ROW(OK11 "Content-Length: 5\r\n", .status = PLQ_E_TRUNCATED_HEAD),
    ROW(OK11 "Content-Length: 5\r\n\r\nhell", .status = PLQ_E_TRUNCATED_BODY, .body = "hell"),
};

/* PLQ_E_PROTOCOL_FIELD from both: the line would end, or belong, where it is not certain. */
#define BAD_LINE(lines) \
  { S(OK11 lines "\r\n"), PLQ_E_PROTOCOL_FIELD, .lax = PLQ_E_PROTOCOL_FIELD }

static const struct row fields[] = {
    BAD_LINE("A: b\n"),
    BAD_LINE("Content-Length: 5\n"),
    BAD_LINE("\n"),
    BAD_LINE("A: b\r\n c\r\n"),
    BAD_LINE("A: b\r\n\tc\r\n"),
    BAD_LINE("Content-Length: 1\r\n 5\r\n"),
    BAD_LINE("Transfer-Encoding: chunked\r\n , gzip\r\n"),
    BAD_LINE(" Content-Length: 5\r\n"),
    BAD_LINE("\0A: b\r\n"),
    BAD_LINE("Content-Length : 5\r\n"),
    BAD_LINE("Content-Length\t: 5\r\n"),
    BAD_LINE("Content-Length\0: 5\r\n"),
    BAD_LINE("Content-Length\r\n"),
    BAD_LINE("Transfer-Encoding : chunked\r\n"),
    BAD_LINE("Connection : close\r\n"),
    BAD_LINE("Keep-Alive : timeout=5\r\n"),
    BAD_LINE("Content-Length: 5\r\nTransfer-Encoding : chunked\r\n"),
    ROW(OK11 "Content-Length: 1\r\nA\r\n\r\nx", .status = PLQ_E_PROTOCOL_FIELD, .lax = -1, .reuse = true),
    ROW(OK11 "Content-Length: 1\r\n: b\r\n\r\nx", .status = PLQ_E_PROTOCOL_FIELD, .lax = -1, .reuse = true),
    ROW(OK11 "Content-Length: 1\r\nA: b\rc\r\n\r\nx", .status = PLQ_E_PROTOCOL_FIELD, .lax = -1, .reuse = true),
    ROW(OK11 "Content-Length: 1\r\nA: b\0c\r\n\r\nx", .status = PLQ_E_PROTOCOL_FIELD, .lax = -1, .reuse = true),
    ROW(OK11 "Content-Length: 1\r\nContent-Encoding: gzip\r\n\r\nx", .status = PLQ_E_PROTOCOL_ENCODING, .lax = -1, .reuse = true),
    ROW(CHUNKED "0\r\nA: b\n\r\n", .status = PLQ_E_PROTOCOL_FIELD, .lax = PLQ_E_PROTOCOL_FIELD),
    ROW(CHUNKED "0\r\n\n", .status = PLQ_E_PROTOCOL_FIELD, .lax = PLQ_E_PROTOCOL_FIELD),
    ROW(CHUNKED "0\r\nA: b\r\n c\r\n\r\n", .status = PLQ_E_PROTOCOL_FIELD, .lax = PLQ_E_PROTOCOL_FIELD),
    ROW(CHUNKED "0\r\nA b\r\n\r\n", .status = PLQ_E_PROTOCOL_FIELD, .lax = -1, .reuse = true),
    ROW(CHUNKED "0\r\nA: b\r\n", .status = PLQ_E_TRUNCATED_CHUNK),
};

#define BOTH(status_) .status = (status_), .lax = (status_)
#define BAD_LENGTH(lines) \
  { S(OK11 lines "\r\nhello"), BOTH(PLQ_E_PROTOCOL_CONTENT_LENGTH) }
#define BAD_CODING(lines) \
  { S(OK11 lines "\r\n0\r\n\r\n"), BOTH(PLQ_E_PROTOCOL_TRANSFER_ENCODING) }

static const struct row framings[] = {
    BAD_LENGTH("Content-Length:\r\n"),
    BAD_LENGTH("Content-Length: \t\r\n"),
    BAD_LENGTH("Content-Length: -5\r\n"),
    BAD_LENGTH("Content-Length: +5\r\n"),
    BAD_LENGTH("Content-Length: 0x5\r\n"),
    BAD_LENGTH("Content-Length: 5.0\r\n"),
    BAD_LENGTH("Content-Length: 5 5\r\n"),
    BAD_LENGTH("Content-Length: 5, 5\r\n"),
    BAD_LENGTH("Content-Length: 5,\r\n"),
    BAD_LENGTH("Content-Length: five\r\n"),
    BAD_LENGTH("Content-Length: 18446744073709551616\r\n"),
    BAD_LENGTH("Content-Length: 18446744073709551621\r\n"),
    BAD_LENGTH("Content-Length: 99999999999999999999999999999999\r\n"),
    BAD_LENGTH("Content-Length: 5\r\nContent-Length: 5\r\n"),
    BAD_LENGTH("Content-Length: 5\r\nContent-Length: 6\r\n"),
    BAD_LENGTH("Content-Length: 0\r\ncontent-length: 0\r\n"),
    BAD_CODING("Transfer-Encoding:\r\n"),
    BAD_CODING("Transfer-Encoding: gzip\r\n"),
    BAD_CODING("Transfer-Encoding: identity\r\n"),
    BAD_CODING("Transfer-Encoding: gzip, chunked\r\n"),
    BAD_CODING("Transfer-Encoding: chunked, gzip\r\n"),
    BAD_CODING("Transfer-Encoding: chunked, chunked\r\n"),
    BAD_CODING("Transfer-Encoding: chunked,\r\n"),
    BAD_CODING("Transfer-Encoding: chunked; q=1\r\n"),
    BAD_CODING("Transfer-Encoding: \"chunked\"\r\n"),
    BAD_CODING("Transfer-Encoding: xchunked\r\n"),
    BAD_CODING("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
    BAD_CODING("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"),
    BAD_CODING("Content-Length: 5\r\nTransfer-Encoding: gzip\r\n"),
    ROW(OK11 "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", BOTH(PLQ_E_PROTOCOL_TE_CL)),
    ROW(OK11 "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", BOTH(PLQ_E_PROTOCOL_TE_CL)),
    ROW(OK11 "Transfer-Encoding: chunked\r\nA: b\r\nContent-Length: 0\r\n\r\n0\r\n\r\n", BOTH(PLQ_E_PROTOCOL_TE_CL)),
    ROW(OK11 "Transfer-Encoding: chunked\r\nContent-Length: x\r\n\r\n0\r\n\r\n", BOTH(PLQ_E_PROTOCOL_CONTENT_LENGTH)),
    ROW("HTTP/1.1 204 x\r\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n", BOTH(PLQ_E_PROTOCOL_TE_CL)),
    ROW(OK10 "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", BOTH(PLQ_E_PROTOCOL_TRANSFER_ENCODING)),
    ROW(INTERIM OK10 "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", BOTH(PLQ_E_PROTOCOL_TRANSFER_ENCODING)),
    ROW(OK11 "Content-Length: 5\rA: b\r\n\r\nhello", .status = PLQ_E_PROTOCOL_FIELD, .lax = PLQ_E_PROTOCOL_CONTENT_LENGTH),
    ROW(OK11 "Transfer-Encoding: chunked\r\r\n\r\n0\r\n\r\n", .status = PLQ_E_PROTOCOL_FIELD,
        .lax = PLQ_E_PROTOCOL_TRANSFER_ENCODING),
    ROW(OK11 "Transfer-Encoding: \x0b"
             "chunked\r\n\r\n0\r\n\r\n",
        .status = PLQ_E_PROTOCOL_FIELD, .lax = PLQ_E_PROTOCOL_TRANSFER_ENCODING),
};

#define BAD_CHUNK(body_) ROW(CHUNKED body_, .status = PLQ_E_PROTOCOL_CHUNK)

static const struct row bad_chunks[] = {
    BAD_CHUNK("\r\n"),
    BAD_CHUNK("\n"),
    BAD_CHUNK(";a\r\n\r\n"),
    BAD_CHUNK(" ;a\r\n\r\n"),
    BAD_CHUNK("x\r\n"),
    BAD_CHUNK("0x5\r\nhello\r\n0\r\n\r\n"),
    BAD_CHUNK("+5\r\nhello\r\n0\r\n\r\n"),
    BAD_CHUNK("-5\r\nhello\r\n0\r\n\r\n"),
    BAD_CHUNK(" 5\r\nhello\r\n0\r\n\r\n"),
    BAD_CHUNK("5 \r\nhello\r\n0\r\n\r\n"),
    BAD_CHUNK("5\t\r\nhello\r\n0\r\n\r\n"),
    BAD_CHUNK("5 5\r\nhello\r\n0\r\n\r\n"),
    BAD_CHUNK("5,\r\nhello\r\n0\r\n\r\n"),
    BAD_CHUNK("5g\r\nhello\r\n0\r\n\r\n"),
    BAD_CHUNK("5\nhello\r\n0\r\n\r\n"),
    BAD_CHUNK("5;a\nhello\r\n0\r\n\r\n"),
    BAD_CHUNK("5\r\r\nhello\r\n0\r\n\r\n"),
    BAD_CHUNK("5;a\rb\r\nhello\r\n0\r\n\r\n"),
    BAD_CHUNK("5;a\0b\r\nhello\r\n0\r\n\r\n"),
    BAD_CHUNK("5;a\x7f\r\nhello\r\n0\r\n\r\n"),
    BAD_CHUNK("5\0\r\nhello\r\n0\r\n\r\n"),
    BAD_CHUNK("000000005\r\nhello\r\n0\r\n\r\n"),
    BAD_CHUNK("100000000\r\nhello\r\n0\r\n\r\n"),
    BAD_CHUNK("10000000000000005\r\nhello\r\n0\r\n\r\n"),
    BAD_CHUNK("5\r\nhello0\r\n\r\n"),
    BAD_CHUNK("5\r\nhello!!0\r\n\r\n"),
    BAD_CHUNK("5\r\nhello\r!0\r\n\r\n"),
    BAD_CHUNK("5\r\nhello!\n0\r\n\r\n"),
    BAD_CHUNK("5\r\nhello\n0\r\n\r\n"),
    BAD_CHUNK("5\r\nhello\r0\r\n\r\n"),
    BAD_CHUNK("5\r\nhello\r\r\n0\r\n\r\n"),
    BAD_CHUNK("5\r\nhello!\r\n0\r\n\r\n"),
    BAD_CHUNK("5\r\nhell\r\n0\r\n\r\n"),
    BAD_CHUNK("5\r\nhello\r\n\r\n"),
    BAD_CHUNK("5\r\nhello\r\n0\n\r\n"),
    ROW(CHUNKED, .status = PLQ_E_TRUNCATED_CHUNK),
    ROW(CHUNKED "5\r\nhell", .status = PLQ_E_TRUNCATED_CHUNK, .body = "hell"),
    ROW(CHUNKED "5\r\nhello", .status = PLQ_E_TRUNCATED_CHUNK, .body = "hello"),
    ROW(CHUNKED "5\r\nhello\r\n0", .status = PLQ_E_TRUNCATED_CHUNK, .body = "hello"),
    ROW(CHUNKED "5\r\nhello\r\n0\r\n", .status = PLQ_E_TRUNCATED_CHUNK, .body = "hello"),
};

static void test_status_lines(void **state) {
  (void)state, expect_rows(status_lines, COUNT(status_lines));
}
static void test_fields(void **state) {
  (void)state, expect_rows(fields, COUNT(fields));
}
static void test_framing(void **state) {
  (void)state, expect_rows(framings, COUNT(framings));
}
static void test_bad_chunks(void **state) {
  (void)state, expect_rows(bad_chunks, COUNT(bad_chunks));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_lengths), cmocka_unit_test(test_chunks),  cmocka_unit_test(test_without_a_body),
      cmocka_unit_test(test_interim), cmocka_unit_test(test_reuse),   cmocka_unit_test(test_status_lines),
      cmocka_unit_test(test_fields),  cmocka_unit_test(test_framing), cmocka_unit_test(test_bad_chunks),
  };
  return cmocka_run_group_tests_name("codec/http1", tests, NULL, NULL);
}
