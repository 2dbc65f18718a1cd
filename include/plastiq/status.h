/* SPDX-License-Identifier: MIT */
/* Made by tools/generate from core/tables/status.toml: change that. */

/**
 * @file
 * The vocabulary: status, kind, phase, delivery.
 *
 * A status is an int32_t: kind * 1000 + detail. Numbers are never reused. Treat one that you do not know by its kind, status / 1000.
 */
#ifndef PLASTIQ_STATUS_H
#define PLASTIQ_STATUS_H

#include <plastiq/base.h>

PLQ_BEGIN_DECLS

/* Kinds: what sort of failure. */
#define PLQ_KIND_OK 0 /**< success */
#define PLQ_KIND_USAGE 1 /**< the library was called in a way it does not allow */
#define PLQ_KIND_CONFIG 2 /**< an option is missing, unknown or wrong */
#define PLQ_KIND_INPUT 3 /**< the request breaks a rule; nothing was sent */
#define PLQ_KIND_LOAD 4 /**< a transport could not be loaded */
#define PLQ_KIND_RESOLVE 5 /**< the host name could not be resolved */
#define PLQ_KIND_CONNECT 6 /**< no connection could be made */
#define PLQ_KIND_PROXY 7 /**< the proxy did not let the connection through */
#define PLQ_KIND_TLS 8 /**< the TLS handshake failed */
#define PLQ_KIND_VERIFY 9 /**< the server could not prove who it is */
#define PLQ_KIND_IO 10 /**< the connection was lost */
#define PLQ_KIND_TRUNCATED 11 /**< the response ended before it was complete */
#define PLQ_KIND_TIMEOUT 12 /**< time ran out */
#define PLQ_KIND_PROTOCOL 13 /**< the response breaks a rule of HTTP or of the API */
#define PLQ_KIND_LIMIT 14 /**< the response is larger than allowed */
#define PLQ_KIND_HTTP 15 /**< the service answered with an error */
#define PLQ_KIND_CANCELLED 16 /**< the caller cancelled the call */
#define PLQ_KIND_RESOURCE 17 /**< the system lacks a resource */
#define PLQ_KIND_MEMORY 18 /**< out of memory */
#define PLQ_KIND_STATE 19 /**< the object is not in a state that allows this */
#define PLQ_KIND_UNSUPPORTED 20 /**< the chosen parts cannot do this */
#define PLQ_KIND_SECRET 21 /**< the secret cannot be had */
#define PLQ_KIND_INTERNAL 22 /**< a defect in the library or in a transport */

/* Phases: where in a call. */
#define PLQ_PHASE_NONE 0 /**< no phase applies */
#define PLQ_PHASE_CONFIG 1 /**< reading options, building the request */
#define PLQ_PHASE_LOAD 2 /**< loading the transport */
#define PLQ_PHASE_RESOLVE 3 /**< looking up the host name */
#define PLQ_PHASE_CONNECT 4 /**< opening the connection */
#define PLQ_PHASE_PROXY 5 /**< asking the proxy for a tunnel */
#define PLQ_PHASE_TLS 6 /**< TLS handshake and verification */
#define PLQ_PHASE_SEND 7 /**< sending the request */
#define PLQ_PHASE_WAIT 8 /**< waiting for the first byte of the response */
#define PLQ_PHASE_RECEIVE 9 /**< receiving the response */
#define PLQ_PHASE_DECODE 10 /**< reading what the response says */
#define PLQ_PHASE_BACKOFF 11 /**< waiting before a repeat */

/* Delivery: did the request reach the server. */
#define PLQ_DELIVERY_NOT_SENT 0 /**< no byte of the request left: the server cannot have seen it */
#define PLQ_DELIVERY_MAYBE_SENT 1 /**< at least a byte left and no complete response came: the server may have acted */
#define PLQ_DELIVERY_ANSWERED 2 /**< a complete response came */

/* Statuses. */
#define PLQ_OK 0 /**< success */
#define PLQ_E_ARGUMENT 1001 /**< an argument is NULL or out of range */
#define PLQ_E_HANDLE 1002 /**< the handle is stale, closed, or of another kind */
#define PLQ_E_ABI 1003 /**< this library's ABI is not the one the caller needs */
#define PLQ_E_UNKNOWN_OPERATION 1004 /**< no operation has this name */
#define PLQ_E_MESSAGE 1005 /**< the message is not a msgpack map of the expected shape */
#define PLQ_E_MESSAGE_KEY 1006 /**< the message has a key that is not known */
#define PLQ_E_MESSAGE_VERSION 1007 /**< the message has a version that is not known */
#define PLQ_E_NOT_FOUND 1008 /**< there is nothing of this name or at this index */
#define PLQ_E_BUFFER_TOO_SMALL 1009 /**< the buffer is too small; the size needed was written */
#define PLQ_E_TEXT_ENCODING 1010 /**< the text is not UTF-8 or has a NUL inside */
#define PLQ_E_OPTION_UNKNOWN 2001 /**< no option has this name */
#define PLQ_E_OPTION_VALUE 2002 /**< the option's value is of the wrong type or out of range */
#define PLQ_E_TOKEN_MISSING 2003 /**< no access token is configured */
#define PLQ_E_TOKEN_INVALID 2004 /**< the access token has a character that no bearer token may have */
#define PLQ_E_ENVIRONMENT_UNKNOWN 2005 /**< the environment is neither sandbox nor production */
#define PLQ_E_BASE_URL 2006 /**< the base URL is not usable */
#define PLQ_E_PLAIN_HTTP 2007 /**< plain http is allowed only to a loopback host and only by an explicit option */
#define PLQ_E_TRUST 2008 /**< the trusted CA certificates cannot be read */
#define PLQ_E_CLIENT_CERTIFICATE 2009 /**< the client certificate or its key cannot be used */
#define PLQ_E_PIN 2010 /**< a public-key pin is malformed */
#define PLQ_E_PROXY_URL 2011 /**< the proxy URL is not usable */
#define PLQ_E_AMBIENT_ADDRESS 2012 /**< an address or trust setting from the environment does not combine with a token or password from code */
#define PLQ_E_CAPABILITY_MISSING 2013 /**< the transport cannot do what an option asks for */
#define PLQ_E_TOKEN_FILE 2015 /**< the file of an access token cannot be read or holds none */
#define PLQ_E_CONFIG_FILE 2016 /**< the file of options cannot be read or is not what it must be */
#define PLQ_E_REVOCATION_LIST 2014 /**< the certificate revocation list cannot be read */
#define PLQ_E_CASSETTE_MISMATCH 2017 /**< the request is not the one that the cassette has next */
#define PLQ_E_FIELD_UNKNOWN 3001 /**< the operation has no field of this name */
#define PLQ_E_FIELD_VALUE 3002 /**< the field's value breaks its rule */
#define PLQ_E_FIELD_MISSING 3003 /**< a required field is missing */
#define PLQ_E_HEADER_NAME 3004 /**< the header name is not a token (RFC 9110 section 5.1) */
#define PLQ_E_HEADER_VALUE 3005 /**< the header value is empty, too long, or has a forbidden character (RFC 9110 section 5.5) */
#define PLQ_E_HEADER_OWNED 3006 /**< the library itself sets this header */
#define PLQ_E_EXTRA 3007 /**< extra members must be one JSON object */
#define PLQ_E_EXTRA_CONFLICT 3008 /**< an extra member is also set as a field */
#define PLQ_E_TRANSPORT_NAME 4001 /**< the transport's name or path is not acceptable */
#define PLQ_E_TRANSPORT_NOT_FOUND 4002 /**< there is no such transport */
#define PLQ_E_TRANSPORT_PATH_UNSAFE 4003 /**< others could replace the transport's file */
#define PLQ_E_TRANSPORT_FORMAT 4004 /**< the file is not a shared object for this machine */
#define PLQ_E_TRANSPORT_FOREIGN 4005 /**< the shared object is not a libplastiq transport */
#define PLQ_E_TRANSPORT_ABI_MAJOR 4006 /**< the transport was built for another major version of the plugin ABI */
#define PLQ_E_TRANSPORT_ABI_MINOR 4007 /**< the transport needs a newer libplastiq */
#define PLQ_E_TRANSPORT_TEST_CLASS 4008 /**< a test transport needs the option allow_test_transports */
#define PLQ_E_TRANSPORT_NOT_ALLOWED 4009 /**< the option transport_allow does not name this transport */
#define PLQ_E_TRANSPORT_REFUSED 4010 /**< the transport refused to load */
#define PLQ_E_TRANSPORT_INVALID 4011 /**< the transport's descriptor is not usable */
#define PLQ_E_TRANSPORT_DLOPEN 4012 /**< the dynamic loader refused the transport */
#define PLQ_E_TRANSPORT_CREATE 4013 /**< the transport could not be set up */
#define PLQ_E_TRANSPORT_CLASH 4014 /**< the program brings a library of its own that the transport would be bound to */
#define PLQ_E_RESOLVE_NOT_FOUND 5001 /**< the host name does not exist */
#define PLQ_E_RESOLVE_TEMPORARY 5002 /**< the name service did not answer for now */
#define PLQ_E_RESOLVE_FAILED 5003 /**< the host name could not be resolved */
#define PLQ_E_CONNECT_REFUSED 6001 /**< the server refused the connection */
#define PLQ_E_CONNECT_UNREACHABLE 6002 /**< the server cannot be reached */
#define PLQ_E_CONNECT_FAILED 6003 /**< the connection could not be opened */
#define PLQ_E_PROXY_STATUS 7001 /**< the proxy refused the tunnel */
#define PLQ_E_PROXY_UNAVAILABLE 7002 /**< the proxy answered with a 5xx status */
#define PLQ_E_PROXY_CLOSED 7003 /**< the proxy closed the connection */
#define PLQ_E_PROXY_PROTOCOL 7004 /**< the proxy's answer is not HTTP */
#define PLQ_E_PROXY_AUTHENTICATION 7005 /**< the proxy asks for other credentials */
#define PLQ_E_TLS_HANDSHAKE 8001 /**< the TLS handshake failed */
#define PLQ_E_TLS_HANDSHAKE_EOF 8002 /**< the connection ended during the TLS handshake */
#define PLQ_E_TLS_VERSION 8003 /**< the server offers no TLS version that is allowed */
#define PLQ_E_TLS_CIPHER 8004 /**< client and server share no cipher */
#define PLQ_E_TLS_ALERT 8005 /**< the server ended the handshake with an alert */
#define PLQ_E_TLS_NOT_TLS 8006 /**< the server does not speak TLS on this port */
#define PLQ_E_TLS_RECORD 8007 /**< the server sent a broken TLS record */
#define PLQ_E_VERIFY_CHAIN 9001 /**< the server's certificate is not valid */
#define PLQ_E_VERIFY_EXPIRED 9002 /**< the server's certificate has expired */
#define PLQ_E_VERIFY_NOT_YET_VALID 9003 /**< the server's certificate is not valid yet */
#define PLQ_E_VERIFY_UNTRUSTED 9004 /**< no trusted CA vouches for the server's certificate */
#define PLQ_E_VERIFY_HOST 9005 /**< the server's certificate is for another name */
#define PLQ_E_VERIFY_PIN 9006 /**< the server's public key is not one of the pinned ones */
#define PLQ_E_VERIFY_REVOKED 9007 /**< the server's certificate was revoked */
#define PLQ_E_VERIFY_FACTS 9008 /**< the transport did not vouch for the connection */
#define PLQ_E_VERIFY_PURPOSE 9009 /**< the server's certificate is not one for servers */
#define PLQ_E_VERIFY_WEAK 9010 /**< the server's certificate uses a key or signature that is too weak */
#define PLQ_E_VERIFY_NAME_CONSTRAINT 9011 /**< a CA of the chain may not vouch for this name */
#define PLQ_E_VERIFY_REVOCATION_UNKNOWN 9012 /**< the revocation list needed for the chain is missing or outdated */
#define PLQ_E_IO_RESET 10001 /**< the connection was reset */
#define PLQ_E_IO_SEND 10002 /**< the connection was lost while sending */
#define PLQ_E_IO_STALE_REUSE 10003 /**< a kept-alive connection died after the request was written */
#define PLQ_E_IO_FAILED 10004 /**< the connection failed */
#define PLQ_E_IO_REFUSED_STREAM 10005 /**< the server refused the stream before acting on it */
#define PLQ_E_TRUNCATED_NO_RESPONSE 11001 /**< the server closed the connection without an answer */
#define PLQ_E_TRUNCATED_HEAD 11002 /**< the response head was cut off */
#define PLQ_E_TRUNCATED_BODY 11003 /**< the response body was cut off */
#define PLQ_E_TRUNCATED_CHUNK 11004 /**< the chunked response body was cut off */
#define PLQ_E_TRUNCATED_NO_CLOSE_NOTIFY 11005 /**< the end of the response is not proven */
#define PLQ_E_TIMEOUT_TOTAL 12001 /**< the call's deadline passed */
#define PLQ_E_TIMEOUT_RESOLVE 12002 /**< the name look-up took too long */
#define PLQ_E_TIMEOUT_CONNECT 12003 /**< opening the connection took too long */
#define PLQ_E_TIMEOUT_PROXY 12004 /**< the proxy took too long */
#define PLQ_E_TIMEOUT_TLS 12005 /**< the TLS handshake took too long */
#define PLQ_E_TIMEOUT_SEND 12006 /**< the server stopped reading */
#define PLQ_E_TIMEOUT_FIRST_BYTE 12007 /**< the server did not answer */
#define PLQ_E_TIMEOUT_IDLE 12008 /**< the server paused for too long inside its response */
#define PLQ_E_TIMEOUT_POOL 12009 /**< no connection became free in time */
#define PLQ_E_PROTOCOL_VIOLATION 13001 /**< the response is not valid HTTP */
#define PLQ_E_PROTOCOL_STATUS_LINE 13002 /**< the status line is malformed */
#define PLQ_E_PROTOCOL_FIELD 13003 /**< a response header is malformed */
#define PLQ_E_PROTOCOL_CONTENT_LENGTH 13004 /**< Content-Length is malformed or given twice */
#define PLQ_E_PROTOCOL_TRANSFER_ENCODING 13005 /**< Transfer-Encoding is anything but one final chunked */
#define PLQ_E_PROTOCOL_TE_CL 13006 /**< Transfer-Encoding and Content-Length are both given */
#define PLQ_E_PROTOCOL_CHUNK 13007 /**< the chunked body is malformed */
#define PLQ_E_PROTOCOL_ENCODING 13008 /**< the body is compressed although identity was asked for */
#define PLQ_E_PROTOCOL_UPGRADE 13009 /**< the server switched protocols unasked */
#define PLQ_E_PROTOCOL_HTTP2 13010 /**< the server broke HTTP/2 */
#define PLQ_E_PROTOCOL_JSON 13011 /**< the success response is not one JSON object */
#define PLQ_E_PROTOCOL_MEMBER 13012 /**< the success response lacks a member that it must have */
#define PLQ_E_LIMIT_HEAD 14001 /**< the response head is too large */
#define PLQ_E_LIMIT_LINE 14002 /**< a response header line is too long */
#define PLQ_E_LIMIT_FIELDS 14003 /**< the response has too many headers */
#define PLQ_E_LIMIT_INTERIM 14004 /**< too many 1xx responses came */
#define PLQ_E_LIMIT_TRAILER 14005 /**< the trailers are too large */
#define PLQ_E_LIMIT_CHUNK_EXTENSION 14006 /**< a chunk line is too long */
#define PLQ_E_LIMIT_BODY 14007 /**< the response body is too large */
#define PLQ_E_LIMIT_WIRE 14008 /**< the response's framing is out of all proportion to its content */
#define PLQ_E_HTTP_STATUS 15001 /**< the service answered with an unexpected status */
#define PLQ_E_HTTP_REDIRECT 15002 /**< the service answered with a redirect, which is never followed */
#define PLQ_E_HTTP_CLIENT 15003 /**< the service rejected the request */
#define PLQ_E_HTTP_UNAUTHORIZED 15004 /**< the service does not accept the access token */
#define PLQ_E_HTTP_FORBIDDEN 15005 /**< the access token does not allow this */
#define PLQ_E_HTTP_NOT_FOUND 15006 /**< the service does not know this address */
#define PLQ_E_HTTP_CONFLICT 15007 /**< the request conflicts with the service's state */
#define PLQ_E_HTTP_THROTTLED 15008 /**< the service asks to slow down */
#define PLQ_E_HTTP_SERVER 15009 /**< the service failed */
#define PLQ_E_CANCELLED 16001 /**< the call was cancelled */
#define PLQ_E_RESOURCE_DESCRIPTORS 17001 /**< no file descriptor is left */
#define PLQ_E_RESOURCE_SYSTEM 17002 /**< the system lacks a resource */
#define PLQ_E_RESOURCE_HANDLES 17003 /**< no handle is left */
#define PLQ_E_MEMORY 18001 /**< out of memory */
#define PLQ_E_CLOSED 19001 /**< the client or the queue was closed */
#define PLQ_E_FORKED 19002 /**< this belongs to the process before fork */
#define PLQ_E_REENTRANT 19003 /**< not allowed from inside a callback */
#define PLQ_E_BUSY 19004 /**< this is in use by another thread */
#define PLQ_E_QUEUE_FULL 19005 /**< the queue holds as many calls as it may */
#define PLQ_E_QUEUE_EMPTY 19006 /**< the queue has no completion to give now */
#define PLQ_E_UNSUPPORTED 20001 /**< not supported by this build or transport */
#define PLQ_E_SECRET_EXPIRED 21001 /**< the secret's life is over */
#define PLQ_E_SECRET_TAKEN 21002 /**< the secret was taken before */
#define PLQ_E_INTERNAL 22001 /**< a defect in the library */
#define PLQ_E_TRANSPORT_MISBEHAVED 22002 /**< the transport broke its contract */

/**
 * Names a status.
 * @return the name in this header, such as "PLQ_E_TIMEOUT_TOTAL"; for an unknown number "PLQ_E_UNKNOWN". Static.
 * Any thread; does not block. Since 1.0, as all of these.
 */
PLQ_API const char *plq_status_name(int32_t status);

/** @return what a status means, in a few words; for an unknown number what its kind means. Static. */
PLQ_API const char *plq_status_text(int32_t status);

/** @return PLQ_KIND_*, also of a status that this library does not know; PLQ_KIND_INTERNAL for a number that can be no status */
PLQ_API int32_t plq_status_kind(int32_t status);

/** @return PLQ_PHASE_*: where this status usually happens; PLQ_PHASE_NONE for an unknown number */
PLQ_API int32_t plq_status_phase(int32_t status);

/** @return a kind's name, such as "timeout"; "unknown" for an unknown number. Static. */
PLQ_API const char *plq_kind_name(int32_t kind);

/** @return a phase's name, such as "connect"; "unknown" for an unknown number. Static. */
PLQ_API const char *plq_phase_name(int32_t phase);

/** @return a delivery's name: "not_sent", "maybe_sent", "answered"; "unknown" for an unknown number. Static. */
PLQ_API const char *plq_delivery_name(int32_t delivery);

PLQ_END_DECLS

#endif
