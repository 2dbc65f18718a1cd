// SPDX-License-Identifier: MIT
// Made by bindings/rust/tools/generate from core/tables/abi.toml and include/plastiq: change that.

use core::ffi::{CStr, c_char, c_int, c_void};
use core::marker::{PhantomData, PhantomPinned};

/// Handle of a client: a number below 2^53; 0 is never one.
pub type plq_client_id = u64;
/// Handle of a call: a number below 2^53; 0 is never one.
pub type plq_call_id = u64;
/// Handle of a secret: a number below 2^53; 0 is never one.
pub type plq_secret_id = u64;
/// Handle of a queue: a number below 2^53; 0 is never one.
pub type plq_queue_id = u64;
/// Any function of the form `void (void *context, fields...)`.
pub type plq_observer_fn = Option<unsafe extern "C" fn()>;

/// An object of the library: `plq_attempts` of the headers.
#[repr(C)]
pub struct plq_attempts {
    _data: [u8; 0],
    _marker: PhantomData<(*mut u8, PhantomPinned)>,
}

/// An object of the library: `plq_completion` of the headers.
#[repr(C)]
pub struct plq_completion {
    _data: [u8; 0],
    _marker: PhantomData<(*mut u8, PhantomPinned)>,
}

/// An object of the library: `plq_error` of the headers.
#[repr(C)]
pub struct plq_error {
    _data: [u8; 0],
    _marker: PhantomData<(*mut u8, PhantomPinned)>,
}

/// An object of the library: `plq_options` of the headers.
#[repr(C)]
pub struct plq_options {
    _data: [u8; 0],
    _marker: PhantomData<(*mut u8, PhantomPinned)>,
}

/// An object of the library: `plq_request` of the headers.
#[repr(C)]
pub struct plq_request {
    _data: [u8; 0],
    _marker: PhantomData<(*mut u8, PhantomPinned)>,
}

/// An object of the library: `plq_response` of the headers.
#[repr(C)]
pub struct plq_response {
    _data: [u8; 0],
    _marker: PhantomData<(*mut u8, PhantomPinned)>,
}

/// An object of the library: `plq_secret` of the headers.
#[repr(C)]
pub struct plq_secret {
    _data: [u8; 0],
    _marker: PhantomData<(*mut u8, PhantomPinned)>,
}

/// An object of the library: `plq_table` of the headers.
#[repr(C)]
pub struct plq_table {
    _data: [u8; 0],
    _marker: PhantomData<(*mut u8, PhantomPinned)>,
}

/// An object of the library: `plq_transports` of the headers.
#[repr(C)]
pub struct plq_transports {
    _data: [u8; 0],
    _marker: PhantomData<(*mut u8, PhantomPinned)>,
}

/// PLQ_OK or PLQ_E_* of this attempt.
pub const PLQ_ATTEMPT_STATUS: i32 = 1;
/// PLQ_PHASE_* where it ended; PLQ_PHASE_NONE on success.
pub const PLQ_ATTEMPT_PHASE: i32 = 2;
/// PLQ_DELIVERY_*.
pub const PLQ_ATTEMPT_DELIVERY: i32 = 3;
/// 0: no response head came.
pub const PLQ_ATTEMPT_HTTP_STATUS: i32 = 4;
/// 10, 11 or 20; 0: not known.
pub const PLQ_ATTEMPT_HTTP_VERSION: i32 = 5;
/// 0x0303 is TLS 1.2, 0x0304 TLS 1.3; 0: none or not known.
pub const PLQ_ATTEMPT_TLS_VERSION: i32 = 6;
/// 1: on a connection that was open before.
pub const PLQ_ATTEMPT_REUSED: i32 = 7;
/// 1: the TLS session was resumed.
pub const PLQ_ATTEMPT_RESUMED: i32 = 8;
/// From the start of the call to the start of this attempt.
pub const PLQ_ATTEMPT_START_US: i32 = 9;
/// Looking up the name.
pub const PLQ_ATTEMPT_RESOLVE_US: i32 = 10;
/// Opening the connection, proxy included.
pub const PLQ_ATTEMPT_CONNECT_US: i32 = 11;
/// TLS handshake.
pub const PLQ_ATTEMPT_TLS_US: i32 = 12;
/// Writing the request.
pub const PLQ_ATTEMPT_SEND_US: i32 = 13;
/// From the request written to the first byte of the response.
pub const PLQ_ATTEMPT_FIRST_BYTE_US: i32 = 14;
/// The whole attempt.
pub const PLQ_ATTEMPT_TOTAL_US: i32 = 15;
/// Request bytes as HTTP sees them.
pub const PLQ_ATTEMPT_BYTES_SENT: i32 = 16;
/// Response bytes as HTTP sees them.
pub const PLQ_ATTEMPT_BYTES_RECEIVED: i32 = 17;
/// 1: the access token, 2: the second access token.
pub const PLQ_ATTEMPT_TOKEN: i32 = 18;
/// The wait between the previous attempt and this one.
pub const PLQ_ATTEMPT_WAIT_US: i32 = 19;
/// Waiting for a connection to become free.
pub const PLQ_ATTEMPT_QUEUE_US: i32 = 20;
/// The address and port that the connection went to, or "".
pub const PLQ_ATTEMPT_PEER: i32 = 1;
/// The trace id of the response, else that of the request.
pub const PLQ_ATTEMPT_TRACE_ID: i32 = 2;
/// What went wrong, in words, or "".
pub const PLQ_ATTEMPT_MESSAGE: i32 = 3;
/// See the headers.
pub const PLQ_NUL: usize = usize::MAX;
/// Calls that began.
pub const PLQ_STAT_CALLS: u32 = 0;
/// Of these: that ended well.
pub const PLQ_STAT_CALLS_SUCCEEDED: u32 = 1;
/// Of these: that failed.
pub const PLQ_STAT_CALLS_FAILED: u32 = 2;
/// Of these: that run now.
pub const PLQ_STAT_CALLS_IN_FLIGHT: u32 = 3;
/// Requests that a transport was asked to carry.
pub const PLQ_STAT_ATTEMPTS: u32 = 4;
/// Attempts that came after another one of the same call.
pub const PLQ_STAT_REPEATS: u32 = 5;
/// Repeats that were not made because the budget was used up.
pub const PLQ_STAT_REPEATS_DENIED: u32 = 6;
/// What is left of the option repeat_budget now.
pub const PLQ_STAT_REPEATS_LEFT: u32 = 7;
/// Attempts on a new connection.
pub const PLQ_STAT_CONNECTIONS_OPENED: u32 = 8;
/// Attempts on one that was open already.
pub const PLQ_STAT_CONNECTIONS_REUSED: u32 = 9;
/// Connections that are open now; -1: the transport does not tell.
pub const PLQ_STAT_CONNECTIONS_OPEN: u32 = 10;
/// Of these: that carry a request now; -1: the transport does not tell.
pub const PLQ_STAT_CONNECTIONS_BUSY: u32 = 11;
/// Bytes of requests, as HTTP sees them.
pub const PLQ_STAT_BYTES_SENT: u32 = 12;
/// Bytes of responses, as HTTP sees them.
pub const PLQ_STAT_BYTES_RECEIVED: u32 = 13;
/// How often a file of a token was read again because it had changed.
pub const PLQ_STAT_TOKENS_READ: u32 = 14;
/// How many there are in this header.
pub const PLQ_STATS: u32 = 15;
/// The file or name that was tried.
pub const PLQ_LOAD_PATH: i32 = 1;
/// How far it came: name, path, file, elf, note, dlopen, entry, descriptor, policy, create.
pub const PLQ_LOAD_STAGE: i32 = 2;
/// What happened there, in words.
pub const PLQ_LOAD_REASON: i32 = 3;
/// See the headers.
pub const PLQ_MESSAGE_VERSION: i32 = 1;
/// See the headers.
pub const PLQ_NO_AMBIENT: u32 = 1;
/// See the headers.
pub const PLQ_SOURCE_DEFAULT: i32 = 0;
/// See the headers.
pub const PLQ_SOURCE_FILE: i32 = 1;
/// See the headers.
pub const PLQ_SOURCE_ENVIRONMENT: i32 = 2;
/// See the headers.
pub const PLQ_SOURCE_CODE: i32 = 3;
/// Calls that were accepted.
pub const PLQ_QUEUE_STAT_CALLS: u32 = 0;
/// Of these: that have no completion yet.
pub const PLQ_QUEUE_STAT_IN_FLIGHT: u32 = 1;
/// Of these: whose completion waits to be taken.
pub const PLQ_QUEUE_STAT_READY: u32 = 2;
/// How many may be in flight and ready together.
pub const PLQ_QUEUE_STAT_MAX_CALLS: u32 = 3;
/// Connections that are open now; -1: the transport does not tell.
pub const PLQ_QUEUE_STAT_CONNECTIONS_OPEN: u32 = 4;
/// Of these: that carry a request now; -1: the transport does not tell.
pub const PLQ_QUEUE_STAT_CONNECTIONS_BUSY: u32 = 5;
/// How many there are in this header.
pub const PLQ_QUEUE_STATS: u32 = 6;
/// See the headers.
pub const PLQ_HEADER_SENSITIVE: u32 = 1;
/// Success.
pub const PLQ_KIND_OK: i32 = 0;
/// The library was called in a way it does not allow.
pub const PLQ_KIND_USAGE: i32 = 1;
/// An option is missing, unknown or wrong.
pub const PLQ_KIND_CONFIG: i32 = 2;
/// The request breaks a rule; nothing was sent.
pub const PLQ_KIND_INPUT: i32 = 3;
/// A transport could not be loaded.
pub const PLQ_KIND_LOAD: i32 = 4;
/// The host name could not be resolved.
pub const PLQ_KIND_RESOLVE: i32 = 5;
/// No connection could be made.
pub const PLQ_KIND_CONNECT: i32 = 6;
/// The proxy did not let the connection through.
pub const PLQ_KIND_PROXY: i32 = 7;
/// The TLS handshake failed.
pub const PLQ_KIND_TLS: i32 = 8;
/// The server could not prove who it is.
pub const PLQ_KIND_VERIFY: i32 = 9;
/// The connection was lost.
pub const PLQ_KIND_IO: i32 = 10;
/// The response ended before it was complete.
pub const PLQ_KIND_TRUNCATED: i32 = 11;
/// Time ran out.
pub const PLQ_KIND_TIMEOUT: i32 = 12;
/// The response breaks a rule of HTTP or of the API.
pub const PLQ_KIND_PROTOCOL: i32 = 13;
/// The response is larger than allowed.
pub const PLQ_KIND_LIMIT: i32 = 14;
/// The service answered with an error.
pub const PLQ_KIND_HTTP: i32 = 15;
/// The caller cancelled the call.
pub const PLQ_KIND_CANCELLED: i32 = 16;
/// The system lacks a resource.
pub const PLQ_KIND_RESOURCE: i32 = 17;
/// Out of memory.
pub const PLQ_KIND_MEMORY: i32 = 18;
/// The object is not in a state that allows this.
pub const PLQ_KIND_STATE: i32 = 19;
/// The chosen parts cannot do this.
pub const PLQ_KIND_UNSUPPORTED: i32 = 20;
/// The secret cannot be had.
pub const PLQ_KIND_SECRET: i32 = 21;
/// A defect in the library or in a transport.
pub const PLQ_KIND_INTERNAL: i32 = 22;
/// No phase applies.
pub const PLQ_PHASE_NONE: i32 = 0;
/// Reading options, building the request.
pub const PLQ_PHASE_CONFIG: i32 = 1;
/// Loading the transport.
pub const PLQ_PHASE_LOAD: i32 = 2;
/// Looking up the host name.
pub const PLQ_PHASE_RESOLVE: i32 = 3;
/// Opening the connection.
pub const PLQ_PHASE_CONNECT: i32 = 4;
/// Asking the proxy for a tunnel.
pub const PLQ_PHASE_PROXY: i32 = 5;
/// TLS handshake and verification.
pub const PLQ_PHASE_TLS: i32 = 6;
/// Sending the request.
pub const PLQ_PHASE_SEND: i32 = 7;
/// Waiting for the first byte of the response.
pub const PLQ_PHASE_WAIT: i32 = 8;
/// Receiving the response.
pub const PLQ_PHASE_RECEIVE: i32 = 9;
/// Reading what the response says.
pub const PLQ_PHASE_DECODE: i32 = 10;
/// Waiting before a repeat.
pub const PLQ_PHASE_BACKOFF: i32 = 11;
/// No byte of the request left: the server cannot have seen it.
pub const PLQ_DELIVERY_NOT_SENT: i32 = 0;
/// At least a byte left and no complete response came: the server may have acted.
pub const PLQ_DELIVERY_MAYBE_SENT: i32 = 1;
/// A complete response came.
pub const PLQ_DELIVERY_ANSWERED: i32 = 2;
/// Success.
pub const PLQ_OK: i32 = 0;
/// An argument is NULL or out of range.
pub const PLQ_E_ARGUMENT: i32 = 1001;
/// The handle is stale, closed, or of another kind.
pub const PLQ_E_HANDLE: i32 = 1002;
/// This library's ABI is not the one the caller needs.
pub const PLQ_E_ABI: i32 = 1003;
/// No operation has this name.
pub const PLQ_E_UNKNOWN_OPERATION: i32 = 1004;
/// The message is not a msgpack map of the expected shape.
pub const PLQ_E_MESSAGE: i32 = 1005;
/// The message has a key that is not known.
pub const PLQ_E_MESSAGE_KEY: i32 = 1006;
/// The message has a version that is not known.
pub const PLQ_E_MESSAGE_VERSION: i32 = 1007;
/// There is nothing of this name or at this index.
pub const PLQ_E_NOT_FOUND: i32 = 1008;
/// The buffer is too small; the size needed was written.
pub const PLQ_E_BUFFER_TOO_SMALL: i32 = 1009;
/// The text is not UTF-8 or has a NUL inside.
pub const PLQ_E_TEXT_ENCODING: i32 = 1010;
/// No option has this name.
pub const PLQ_E_OPTION_UNKNOWN: i32 = 2001;
/// The option's value is of the wrong type or out of range.
pub const PLQ_E_OPTION_VALUE: i32 = 2002;
/// No access token is configured.
pub const PLQ_E_TOKEN_MISSING: i32 = 2003;
/// The access token has a character that no bearer token may have.
pub const PLQ_E_TOKEN_INVALID: i32 = 2004;
/// The environment is neither sandbox nor production.
pub const PLQ_E_ENVIRONMENT_UNKNOWN: i32 = 2005;
/// The base URL is not usable.
pub const PLQ_E_BASE_URL: i32 = 2006;
/// Plain http is allowed only to a loopback host and only by an explicit option.
pub const PLQ_E_PLAIN_HTTP: i32 = 2007;
/// The trusted CA certificates cannot be read.
pub const PLQ_E_TRUST: i32 = 2008;
/// The client certificate or its key cannot be used.
pub const PLQ_E_CLIENT_CERTIFICATE: i32 = 2009;
/// A public-key pin is malformed.
pub const PLQ_E_PIN: i32 = 2010;
/// The proxy URL is not usable.
pub const PLQ_E_PROXY_URL: i32 = 2011;
/// An address or trust setting from the environment does not combine with a token or password from code.
pub const PLQ_E_AMBIENT_ADDRESS: i32 = 2012;
/// The transport cannot do what an option asks for.
pub const PLQ_E_CAPABILITY_MISSING: i32 = 2013;
/// The file of an access token cannot be read or holds none.
pub const PLQ_E_TOKEN_FILE: i32 = 2015;
/// The file of options cannot be read or is not what it must be.
pub const PLQ_E_CONFIG_FILE: i32 = 2016;
/// The certificate revocation list cannot be read.
pub const PLQ_E_REVOCATION_LIST: i32 = 2014;
/// The request is not the one that the cassette has next.
pub const PLQ_E_CASSETTE_MISMATCH: i32 = 2017;
/// The operation has no field of this name.
pub const PLQ_E_FIELD_UNKNOWN: i32 = 3001;
/// The field's value breaks its rule.
pub const PLQ_E_FIELD_VALUE: i32 = 3002;
/// A required field is missing.
pub const PLQ_E_FIELD_MISSING: i32 = 3003;
/// The header name is not a token (RFC 9110 section 5.1).
pub const PLQ_E_HEADER_NAME: i32 = 3004;
/// The header value is empty, too long, or has a forbidden character (RFC 9110 section 5.5).
pub const PLQ_E_HEADER_VALUE: i32 = 3005;
/// The library itself sets this header.
pub const PLQ_E_HEADER_OWNED: i32 = 3006;
/// Extra members must be one JSON object.
pub const PLQ_E_EXTRA: i32 = 3007;
/// An extra member is also set as a field.
pub const PLQ_E_EXTRA_CONFLICT: i32 = 3008;
/// The transport's name or path is not acceptable.
pub const PLQ_E_TRANSPORT_NAME: i32 = 4001;
/// There is no such transport.
pub const PLQ_E_TRANSPORT_NOT_FOUND: i32 = 4002;
/// Others could replace the transport's file.
pub const PLQ_E_TRANSPORT_PATH_UNSAFE: i32 = 4003;
/// The file is not a shared object for this machine.
pub const PLQ_E_TRANSPORT_FORMAT: i32 = 4004;
/// The shared object is not a libplastiq transport.
pub const PLQ_E_TRANSPORT_FOREIGN: i32 = 4005;
/// The transport was built for another major version of the plugin ABI.
pub const PLQ_E_TRANSPORT_ABI_MAJOR: i32 = 4006;
/// The transport needs a newer libplastiq.
pub const PLQ_E_TRANSPORT_ABI_MINOR: i32 = 4007;
/// A test transport needs the option allow_test_transports.
pub const PLQ_E_TRANSPORT_TEST_CLASS: i32 = 4008;
/// The option transport_allow does not name this transport.
pub const PLQ_E_TRANSPORT_NOT_ALLOWED: i32 = 4009;
/// The transport refused to load.
pub const PLQ_E_TRANSPORT_REFUSED: i32 = 4010;
/// The transport's descriptor is not usable.
pub const PLQ_E_TRANSPORT_INVALID: i32 = 4011;
/// The dynamic loader refused the transport.
pub const PLQ_E_TRANSPORT_DLOPEN: i32 = 4012;
/// The transport could not be set up.
pub const PLQ_E_TRANSPORT_CREATE: i32 = 4013;
/// The program brings a library of its own that the transport would be bound to.
pub const PLQ_E_TRANSPORT_CLASH: i32 = 4014;
/// The host name does not exist.
pub const PLQ_E_RESOLVE_NOT_FOUND: i32 = 5001;
/// The name service did not answer for now.
pub const PLQ_E_RESOLVE_TEMPORARY: i32 = 5002;
/// The host name could not be resolved.
pub const PLQ_E_RESOLVE_FAILED: i32 = 5003;
/// The server refused the connection.
pub const PLQ_E_CONNECT_REFUSED: i32 = 6001;
/// The server cannot be reached.
pub const PLQ_E_CONNECT_UNREACHABLE: i32 = 6002;
/// The connection could not be opened.
pub const PLQ_E_CONNECT_FAILED: i32 = 6003;
/// The proxy refused the tunnel.
pub const PLQ_E_PROXY_STATUS: i32 = 7001;
/// The proxy answered with a 5xx status.
pub const PLQ_E_PROXY_UNAVAILABLE: i32 = 7002;
/// The proxy closed the connection.
pub const PLQ_E_PROXY_CLOSED: i32 = 7003;
/// The proxy's answer is not HTTP.
pub const PLQ_E_PROXY_PROTOCOL: i32 = 7004;
/// The proxy asks for other credentials.
pub const PLQ_E_PROXY_AUTHENTICATION: i32 = 7005;
/// The TLS handshake failed.
pub const PLQ_E_TLS_HANDSHAKE: i32 = 8001;
/// The connection ended during the TLS handshake.
pub const PLQ_E_TLS_HANDSHAKE_EOF: i32 = 8002;
/// The server offers no TLS version that is allowed.
pub const PLQ_E_TLS_VERSION: i32 = 8003;
/// Client and server share no cipher.
pub const PLQ_E_TLS_CIPHER: i32 = 8004;
/// The server ended the handshake with an alert.
pub const PLQ_E_TLS_ALERT: i32 = 8005;
/// The server does not speak TLS on this port.
pub const PLQ_E_TLS_NOT_TLS: i32 = 8006;
/// The server sent a broken TLS record.
pub const PLQ_E_TLS_RECORD: i32 = 8007;
/// The server's certificate is not valid.
pub const PLQ_E_VERIFY_CHAIN: i32 = 9001;
/// The server's certificate has expired.
pub const PLQ_E_VERIFY_EXPIRED: i32 = 9002;
/// The server's certificate is not valid yet.
pub const PLQ_E_VERIFY_NOT_YET_VALID: i32 = 9003;
/// No trusted CA vouches for the server's certificate.
pub const PLQ_E_VERIFY_UNTRUSTED: i32 = 9004;
/// The server's certificate is for another name.
pub const PLQ_E_VERIFY_HOST: i32 = 9005;
/// The server's public key is not one of the pinned ones.
pub const PLQ_E_VERIFY_PIN: i32 = 9006;
/// The server's certificate was revoked.
pub const PLQ_E_VERIFY_REVOKED: i32 = 9007;
/// The transport did not vouch for the connection.
pub const PLQ_E_VERIFY_FACTS: i32 = 9008;
/// The server's certificate is not one for servers.
pub const PLQ_E_VERIFY_PURPOSE: i32 = 9009;
/// The server's certificate uses a key or signature that is too weak.
pub const PLQ_E_VERIFY_WEAK: i32 = 9010;
/// A CA of the chain may not vouch for this name.
pub const PLQ_E_VERIFY_NAME_CONSTRAINT: i32 = 9011;
/// The revocation list needed for the chain is missing or outdated.
pub const PLQ_E_VERIFY_REVOCATION_UNKNOWN: i32 = 9012;
/// The connection was reset.
pub const PLQ_E_IO_RESET: i32 = 10001;
/// The connection was lost while sending.
pub const PLQ_E_IO_SEND: i32 = 10002;
/// A kept-alive connection died after the request was written.
pub const PLQ_E_IO_STALE_REUSE: i32 = 10003;
/// The connection failed.
pub const PLQ_E_IO_FAILED: i32 = 10004;
/// The server refused the stream before acting on it.
pub const PLQ_E_IO_REFUSED_STREAM: i32 = 10005;
/// The server closed the connection without an answer.
pub const PLQ_E_TRUNCATED_NO_RESPONSE: i32 = 11001;
/// The response head was cut off.
pub const PLQ_E_TRUNCATED_HEAD: i32 = 11002;
/// The response body was cut off.
pub const PLQ_E_TRUNCATED_BODY: i32 = 11003;
/// The chunked response body was cut off.
pub const PLQ_E_TRUNCATED_CHUNK: i32 = 11004;
/// The end of the response is not proven.
pub const PLQ_E_TRUNCATED_NO_CLOSE_NOTIFY: i32 = 11005;
/// The call's deadline passed.
pub const PLQ_E_TIMEOUT_TOTAL: i32 = 12001;
/// The name look-up took too long.
pub const PLQ_E_TIMEOUT_RESOLVE: i32 = 12002;
/// Opening the connection took too long.
pub const PLQ_E_TIMEOUT_CONNECT: i32 = 12003;
/// The proxy took too long.
pub const PLQ_E_TIMEOUT_PROXY: i32 = 12004;
/// The TLS handshake took too long.
pub const PLQ_E_TIMEOUT_TLS: i32 = 12005;
/// The server stopped reading.
pub const PLQ_E_TIMEOUT_SEND: i32 = 12006;
/// The server did not answer.
pub const PLQ_E_TIMEOUT_FIRST_BYTE: i32 = 12007;
/// The server paused for too long inside its response.
pub const PLQ_E_TIMEOUT_IDLE: i32 = 12008;
/// No connection became free in time.
pub const PLQ_E_TIMEOUT_POOL: i32 = 12009;
/// The response is not valid HTTP.
pub const PLQ_E_PROTOCOL_VIOLATION: i32 = 13001;
/// The status line is malformed.
pub const PLQ_E_PROTOCOL_STATUS_LINE: i32 = 13002;
/// A response header is malformed.
pub const PLQ_E_PROTOCOL_FIELD: i32 = 13003;
/// Content-Length is malformed or given twice.
pub const PLQ_E_PROTOCOL_CONTENT_LENGTH: i32 = 13004;
/// Transfer-Encoding is anything but one final chunked.
pub const PLQ_E_PROTOCOL_TRANSFER_ENCODING: i32 = 13005;
/// Transfer-Encoding and Content-Length are both given.
pub const PLQ_E_PROTOCOL_TE_CL: i32 = 13006;
/// The chunked body is malformed.
pub const PLQ_E_PROTOCOL_CHUNK: i32 = 13007;
/// The body is compressed although identity was asked for.
pub const PLQ_E_PROTOCOL_ENCODING: i32 = 13008;
/// The server switched protocols unasked.
pub const PLQ_E_PROTOCOL_UPGRADE: i32 = 13009;
/// The server broke HTTP/2.
pub const PLQ_E_PROTOCOL_HTTP2: i32 = 13010;
/// The success response is not one JSON object.
pub const PLQ_E_PROTOCOL_JSON: i32 = 13011;
/// The success response lacks a member that it must have.
pub const PLQ_E_PROTOCOL_MEMBER: i32 = 13012;
/// The response head is too large.
pub const PLQ_E_LIMIT_HEAD: i32 = 14001;
/// A response header line is too long.
pub const PLQ_E_LIMIT_LINE: i32 = 14002;
/// The response has too many headers.
pub const PLQ_E_LIMIT_FIELDS: i32 = 14003;
/// Too many 1xx responses came.
pub const PLQ_E_LIMIT_INTERIM: i32 = 14004;
/// The trailers are too large.
pub const PLQ_E_LIMIT_TRAILER: i32 = 14005;
/// A chunk line is too long.
pub const PLQ_E_LIMIT_CHUNK_EXTENSION: i32 = 14006;
/// The response body is too large.
pub const PLQ_E_LIMIT_BODY: i32 = 14007;
/// The response's framing is out of all proportion to its content.
pub const PLQ_E_LIMIT_WIRE: i32 = 14008;
/// The service answered with an unexpected status.
pub const PLQ_E_HTTP_STATUS: i32 = 15001;
/// The service answered with a redirect, which is never followed.
pub const PLQ_E_HTTP_REDIRECT: i32 = 15002;
/// The service rejected the request.
pub const PLQ_E_HTTP_CLIENT: i32 = 15003;
/// The service does not accept the access token.
pub const PLQ_E_HTTP_UNAUTHORIZED: i32 = 15004;
/// The access token does not allow this.
pub const PLQ_E_HTTP_FORBIDDEN: i32 = 15005;
/// The service does not know this address.
pub const PLQ_E_HTTP_NOT_FOUND: i32 = 15006;
/// The request conflicts with the service's state.
pub const PLQ_E_HTTP_CONFLICT: i32 = 15007;
/// The service asks to slow down.
pub const PLQ_E_HTTP_THROTTLED: i32 = 15008;
/// The service failed.
pub const PLQ_E_HTTP_SERVER: i32 = 15009;
/// The call was cancelled.
pub const PLQ_E_CANCELLED: i32 = 16001;
/// No file descriptor is left.
pub const PLQ_E_RESOURCE_DESCRIPTORS: i32 = 17001;
/// The system lacks a resource.
pub const PLQ_E_RESOURCE_SYSTEM: i32 = 17002;
/// No handle is left.
pub const PLQ_E_RESOURCE_HANDLES: i32 = 17003;
/// Out of memory.
pub const PLQ_E_MEMORY: i32 = 18001;
/// The client or the queue was closed.
pub const PLQ_E_CLOSED: i32 = 19001;
/// This belongs to the process before fork.
pub const PLQ_E_FORKED: i32 = 19002;
/// Not allowed from inside a callback.
pub const PLQ_E_REENTRANT: i32 = 19003;
/// This is in use by another thread.
pub const PLQ_E_BUSY: i32 = 19004;
/// The queue holds as many calls as it may.
pub const PLQ_E_QUEUE_FULL: i32 = 19005;
/// The queue has no completion to give now.
pub const PLQ_E_QUEUE_EMPTY: i32 = 19006;
/// Not supported by this build or transport.
pub const PLQ_E_UNSUPPORTED: i32 = 20001;
/// The secret's life is over.
pub const PLQ_E_SECRET_EXPIRED: i32 = 21001;
/// The secret was taken before.
pub const PLQ_E_SECRET_TAKEN: i32 = 21002;
/// A defect in the library.
pub const PLQ_E_INTERNAL: i32 = 22001;
/// The transport broke its contract.
pub const PLQ_E_TRANSPORT_MISBEHAVED: i32 = 22002;
/// What the option `transport` takes; there also when loading failed.
pub const PLQ_TRANSPORT_NAME: i32 = 1;
/// Its file; "" for one that is linked in.
pub const PLQ_TRANSPORT_PATH: i32 = 2;
/// Its own version.
pub const PLQ_TRANSPORT_VERSION: i32 = 3;
/// The libraries under it, such as "libcurl/7.88.1 OpenSSL/3.0.22".
pub const PLQ_TRANSPORT_STACK: i32 = 4;
/// "production" or "test".
pub const PLQ_TRANSPORT_CLASS: i32 = 5;
/// Reverse-DNS name of the transport.
pub const PLQ_TRANSPORT_ID: i32 = 6;
/// See the headers.
pub const PLQ_TRANSPORT_VENDOR: i32 = 7;
/// See the headers.
pub const PLQ_TRANSPORT_LICENSE: i32 = 8;
/// Names, separated by spaces.
pub const PLQ_TRANSPORT_CAPABILITIES: i32 = 9;
/// Why it could not be loaded, or "".
pub const PLQ_TRANSPORT_FAILURE: i32 = 10;
/// See the headers.
pub const PLQ_VERSION_MAJOR: u32 = 0;
/// See the headers.
pub const PLQ_VERSION_MINOR: u32 = 1;
/// See the headers.
pub const PLQ_VERSION_PATCH: u32 = 0;
/// See the headers.
pub const PLQ_VERSION_TEXT: &CStr = c"0.1.0";
/// See the headers.
pub const PLQ_ABI_MAJOR: u32 = 1;
/// See the headers.
pub const PLQ_ABI_MINOR: u32 = 0;
/// See the headers.
pub const PLQ_FEATURE_DLOPEN: u64 = 1 << 0;
/// See the headers.
pub const PLQ_FEATURE_DONTDUMP: u64 = 1 << 1;
/// See the headers.
pub const PLQ_FEATURE_OBSERVERS: u64 = 1 << 2;

unsafe extern "C" {
    /// See `version.h`. Since 1.0.
    pub fn plq_version() -> *const c_char;
    /// See `version.h`. Since 1.0.
    pub fn plq_abi_version() -> u32;
    /// See `version.h`. Since 1.0.
    pub fn plq_abi_require(major: u32, minor: u32) -> i32;
    /// See `version.h`. Since 1.0.
    pub fn plq_features() -> u64;
    /// See `version.h`: `data` borrowed. Since 1.0.
    pub fn plq_memzero(data: *mut c_void, len: usize);
    /// See `status.h`. Since 1.0.
    pub fn plq_status_name(status: i32) -> *const c_char;
    /// See `status.h`. Since 1.0.
    pub fn plq_status_text(status: i32) -> *const c_char;
    /// See `status.h`. Since 1.0.
    pub fn plq_status_kind(status: i32) -> i32;
    /// See `status.h`. Since 1.0.
    pub fn plq_status_phase(status: i32) -> i32;
    /// See `status.h`. Since 1.0.
    pub fn plq_kind_name(kind: i32) -> *const c_char;
    /// See `status.h`. Since 1.0.
    pub fn plq_phase_name(phase: i32) -> *const c_char;
    /// See `status.h`. Since 1.0.
    pub fn plq_delivery_name(delivery: i32) -> *const c_char;
    /// See `error.h`: `error` borrowed. Since 1.0.
    pub fn plq_error_status(error: *const plq_error) -> i32;
    /// See `error.h`: `error` borrowed. Since 1.0.
    pub fn plq_error_kind(error: *const plq_error) -> i32;
    /// See `error.h`: `error` borrowed. Since 1.0.
    pub fn plq_error_phase(error: *const plq_error) -> i32;
    /// See `error.h`: `error` borrowed. Since 1.0.
    pub fn plq_error_delivery(error: *const plq_error) -> i32;
    /// See `error.h`: `error` borrowed. Since 1.0.
    pub fn plq_error_repeatable(error: *const plq_error) -> i32;
    /// See `error.h`: `error` borrowed. Since 1.0.
    pub fn plq_error_http_status(error: *const plq_error) -> i32;
    /// See `error.h`: `error` borrowed. Since 1.0.
    pub fn plq_error_retry_after_ms(error: *const plq_error) -> i64;
    /// See `error.h`: `error` borrowed, `out_len` out value. Since 1.0.
    pub fn plq_error_message(error: *const plq_error, out_len: *mut usize) -> *const c_char;
    /// See `error.h`: `error` borrowed, `out_len` out value. Since 1.0.
    pub fn plq_error_field(error: *const plq_error, out_len: *mut usize) -> *const c_char;
    /// See `error.h`: `error` borrowed, `out_len` out value. Since 1.0.
    pub fn plq_error_service_code(error: *const plq_error, out_len: *mut usize) -> *const c_char;
    /// See `error.h`: `error` borrowed, `out_len` out value. Since 1.0.
    pub fn plq_error_service_message(error: *const plq_error, out_len: *mut usize) -> *const c_char;
    /// See `error.h`: `error` borrowed. Since 1.0.
    pub fn plq_error_detail_count(error: *const plq_error) -> u32;
    /// See `error.h`: `error` borrowed, `out_len` out value. Since 1.0.
    pub fn plq_error_detail(error: *const plq_error, index: u32, out_len: *mut usize) -> *const c_char;
    /// See `error.h`: `error` borrowed, `out_len` out value. Since 1.0.
    pub fn plq_error_trace_id(error: *const plq_error, out_len: *mut usize) -> *const c_char;
    /// See `error.h`: `error` borrowed. Since 1.0.
    pub fn plq_error_attempts(error: *const plq_error) -> *const plq_attempts;
    /// See `error.h`: `error` borrowed. Since 1.0.
    pub fn plq_error_load_count(error: *const plq_error) -> u32;
    /// See `error.h`: `error` borrowed, `out_len` out value. Since 1.0.
    pub fn plq_error_load_text(error: *const plq_error, index: u32, which: i32, out_len: *mut usize) -> *const c_char;
    /// See `error.h`: `error` borrowed, `out_len` out value. Since 1.0.
    pub fn plq_error_json(error: *mut plq_error, out_len: *mut usize) -> *const c_char;
    /// See `error.h`: `error` owned. Since 1.0.
    pub fn plq_error_free(error: *mut plq_error);
    /// See `attempts.h`: `attempts` borrowed. Since 1.0.
    pub fn plq_attempts_count(attempts: *const plq_attempts) -> u32;
    /// See `attempts.h`: `attempts` borrowed, `out_number` out value. Since 1.0.
    pub fn plq_attempts_number(attempts: *const plq_attempts, index: u32, which: i32, out_number: *mut i64) -> i32;
    /// See `attempts.h`: `attempts` borrowed, `out_len` out value. Since 1.0.
    pub fn plq_attempts_text(
        attempts: *const plq_attempts,
        index: u32,
        which: i32,
        out_len: *mut usize,
    ) -> *const c_char;
    /// See `options.h`: `out_options` out owned, `out_error` out owned. Since 1.0.
    pub fn plq_options_new(flags: u32, out_options: *mut *mut plq_options, out_error: *mut *mut plq_error) -> i32;
    /// See `options.h`: `options` borrowed, `key` copied, `value` copied, `out_error` out owned. Since 1.0.
    pub fn plq_options_set(
        options: *mut plq_options,
        key: *const c_char,
        key_len: usize,
        value: *const c_char,
        value_len: usize,
        out_error: *mut *mut plq_error,
    ) -> i32;
    /// See `options.h`: `options` borrowed, `key` borrowed, `out_error` out owned. Since 1.0.
    pub fn plq_options_set_number(
        options: *mut plq_options,
        key: *const c_char,
        key_len: usize,
        value: i64,
        out_error: *mut *mut plq_error,
    ) -> i32;
    /// See `options.h`: `options` borrowed, `key` borrowed, `out_value` out borrowed, `out_len` out value, `out_source` out value. Since 1.0.
    pub fn plq_options_get(
        options: *const plq_options,
        key: *const c_char,
        key_len: usize,
        out_value: *mut *const c_char,
        out_len: *mut usize,
        out_source: *mut i32,
    ) -> i32;
    /// See `options.h`: `options` owned. Since 1.0.
    pub fn plq_options_free(options: *mut plq_options);
    /// See `client.h`: `options` borrowed, `out_client` out value, `out_error` out owned. Since 1.0.
    pub fn plq_client_new(
        options: *const plq_options,
        out_client: *mut plq_client_id,
        out_error: *mut *mut plq_error,
    ) -> i32;
    /// See `client.h`: `token` copied, `second_token` copied, `out_error` out owned. Since 1.0.
    pub fn plq_client_set_tokens(
        client: plq_client_id,
        token: *const c_char,
        token_len: usize,
        second_token: *const c_char,
        second_token_len: usize,
        out_error: *mut *mut plq_error,
    ) -> i32;
    /// See `client.h`: `out_connections` out value, `out_error` out owned. Since 1.0.
    pub fn plq_client_warm(
        client: plq_client_id,
        count: u32,
        timeout_ms: i64,
        out_connections: *mut u32,
        out_error: *mut *mut plq_error,
    ) -> i32;
    /// See `client.h`: `out_options` out owned, `out_error` out owned. Since 1.0.
    pub fn plq_client_options(
        client: plq_client_id,
        out_options: *mut *mut plq_options,
        out_error: *mut *mut plq_error,
    ) -> i32;
    /// See `client.h`: `out_transports` out owned, `out_error` out owned. Since 1.0.
    pub fn plq_client_transport(
        client: plq_client_id,
        out_transports: *mut *mut plq_transports,
        out_error: *mut *mut plq_error,
    ) -> i32;
    /// See `client.h`. Since 1.0.
    pub fn plq_client_close(client: plq_client_id, timeout_ms: i64) -> i32;
    /// See `client.h`. Since 1.0.
    pub fn plq_client_free(client: plq_client_id);
    /// See `client.h`: `out_values` out value. Since 1.0.
    pub fn plq_client_stats(client: plq_client_id, out_values: *mut i64, count: u32) -> i32;
    /// See `observer.h`: `event` borrowed, `fields` borrowed, `context` borrowed, `out_observer` out value, `out_error` out owned. Since 1.0.
    pub fn plq_client_observe(
        client: plq_client_id,
        event: *const c_char,
        event_len: usize,
        fields: *const c_char,
        fields_len: usize,
        function: plq_observer_fn,
        context: *mut c_void,
        out_observer: *mut u64,
        out_error: *mut *mut plq_error,
    ) -> i32;
    /// See `observer.h`. Since 1.0.
    pub fn plq_client_unobserve(client: plq_client_id, observer: u64) -> i32;
    /// See `table.h`: `name` borrowed, `options` borrowed, `out_table` out owned, `out_error` out owned. Since 1.0.
    pub fn plq_table_new(
        name: *const c_char,
        name_len: usize,
        options: *const plq_options,
        out_table: *mut *mut plq_table,
        out_error: *mut *mut plq_error,
    ) -> i32;
    /// See `table.h`: `table` borrowed. Since 1.0.
    pub fn plq_table_rows(table: *const plq_table) -> u32;
    /// See `table.h`: `table` borrowed. Since 1.0.
    pub fn plq_table_columns(table: *const plq_table) -> u32;
    /// See `table.h`: `table` borrowed, `out_len` out value. Since 1.0.
    pub fn plq_table_column(table: *const plq_table, column: u32, out_len: *mut usize) -> *const c_char;
    /// See `table.h`: `table` borrowed, `out_len` out value. Since 1.0.
    pub fn plq_table_text(table: *const plq_table, row: u32, column: u32, out_len: *mut usize) -> *const c_char;
    /// See `table.h`: `table` owned. Since 1.0.
    pub fn plq_table_free(table: *mut plq_table);
    /// See `transports.h`: `options` borrowed, `out_transports` out owned, `out_error` out owned. Since 1.0.
    pub fn plq_transports_new(
        options: *const plq_options,
        out_transports: *mut *mut plq_transports,
        out_error: *mut *mut plq_error,
    ) -> i32;
    /// See `transports.h`: `transports` borrowed. Since 1.0.
    pub fn plq_transports_count(transports: *const plq_transports) -> u32;
    /// See `transports.h`: `transports` borrowed, `out_len` out value. Since 1.0.
    pub fn plq_transports_text(
        transports: *const plq_transports,
        index: u32,
        which: i32,
        out_len: *mut usize,
    ) -> *const c_char;
    /// See `transports.h`: `transports` owned. Since 1.0.
    pub fn plq_transports_free(transports: *mut plq_transports);
    /// See `request.h`: `operation` borrowed, `out_request` out owned, `out_error` out owned. Since 1.0.
    pub fn plq_request_new(
        operation: *const c_char,
        operation_len: usize,
        out_request: *mut *mut plq_request,
        out_error: *mut *mut plq_error,
    ) -> i32;
    /// See `request.h`: `request` borrowed, `field` copied, `value` copied, `out_error` out owned. Since 1.0.
    pub fn plq_request_set(
        request: *mut plq_request,
        field: *const c_char,
        field_len: usize,
        value: *const c_char,
        value_len: usize,
        out_error: *mut *mut plq_error,
    ) -> i32;
    /// See `request.h`: `request` borrowed, `name` copied, `value` copied, `out_error` out owned. Since 1.0.
    pub fn plq_request_add_header(
        request: *mut plq_request,
        name: *const c_char,
        name_len: usize,
        value: *const c_char,
        value_len: usize,
        flags: u32,
        out_error: *mut *mut plq_error,
    ) -> i32;
    /// See `request.h`: `request` borrowed, `json` copied, `out_error` out owned. Since 1.0.
    pub fn plq_request_set_extra(
        request: *mut plq_request,
        json: *const c_char,
        json_len: usize,
        out_error: *mut *mut plq_error,
    ) -> i32;
    /// See `request.h`: `request` borrowed, `out_error` out owned. Since 1.0.
    pub fn plq_request_set_timeout_ms(
        request: *mut plq_request,
        timeout_ms: i64,
        out_error: *mut *mut plq_error,
    ) -> i32;
    /// See `request.h`: `request` borrowed, `out_error` out owned. Since 1.0.
    pub fn plq_request_set_max_repeats(
        request: *mut plq_request,
        max_repeats: u32,
        out_error: *mut *mut plq_error,
    ) -> i32;
    /// See `request.h`: `request` owned. Since 1.0.
    pub fn plq_request_free(request: *mut plq_request);
    /// See `call.h`: `request` borrowed, `out_response` out owned, `out_error` out owned. Since 1.0.
    pub fn plq_call(
        client: plq_client_id,
        request: *const plq_request,
        out_response: *mut *mut plq_response,
        out_error: *mut *mut plq_error,
    ) -> i32;
    /// See `call.h`: `out_call` out value, `out_error` out owned. Since 1.0.
    pub fn plq_call_new(client: plq_client_id, out_call: *mut plq_call_id, out_error: *mut *mut plq_error) -> i32;
    /// See `call.h`: `request` borrowed, `out_response` out owned, `out_error` out owned. Since 1.0.
    pub fn plq_call_run(
        call: plq_call_id,
        request: *const plq_request,
        out_response: *mut *mut plq_response,
        out_error: *mut *mut plq_error,
    ) -> i32;
    /// See `call.h`. Since 1.0.
    pub fn plq_call_cancel(call: plq_call_id) -> i32;
    /// See `call.h`. Since 1.0.
    pub fn plq_call_free(call: plq_call_id);
    /// See `response.h`: `response` borrowed. Since 1.0.
    pub fn plq_response_http_status(response: *const plq_response) -> i32;
    /// See `response.h`: `response` borrowed, `out_len` out value. Since 1.0.
    pub fn plq_response_trace_id(response: *const plq_response, out_len: *mut usize) -> *const c_char;
    /// See `response.h`: `response` borrowed. Since 1.0.
    pub fn plq_response_attempts(response: *const plq_response) -> *const plq_attempts;
    /// See `response.h`: `response` borrowed, `name` borrowed, `out_value` out borrowed, `out_len` out value. Since 1.0.
    pub fn plq_response_text(
        response: *const plq_response,
        name: *const c_char,
        name_len: usize,
        out_value: *mut *const c_char,
        out_len: *mut usize,
    ) -> i32;
    /// See `response.h`: `response` borrowed, `name` borrowed, `out_secret` out owned. Since 1.0.
    pub fn plq_response_take_secret(
        response: *mut plq_response,
        name: *const c_char,
        name_len: usize,
        out_secret: *mut *mut plq_secret,
    ) -> i32;
    /// See `response.h`: `response` owned. Since 1.0.
    pub fn plq_response_free(response: *mut plq_response);
    /// See `secret.h`: `secret` borrowed, `out_bytes` out borrowed, `out_len` out value. Since 1.0.
    pub fn plq_secret_read(secret: *const plq_secret, out_bytes: *mut *const c_char, out_len: *mut usize) -> i32;
    /// See `secret.h`: `secret` borrowed, `buffer` out value, `out_len` out value. Since 1.0.
    pub fn plq_secret_take(secret: *mut plq_secret, buffer: *mut c_char, buffer_len: usize, out_len: *mut usize)
    -> i32;
    /// See `secret.h`: `secret` borrowed. Since 1.0.
    pub fn plq_secret_life_ms(secret: *const plq_secret) -> i64;
    /// See `secret.h`: `secret` borrowed. Since 1.0.
    pub fn plq_secret_expires_at_ms(secret: *const plq_secret) -> i64;
    /// See `secret.h`. Since 1.0.
    pub fn plq_life_now_ms() -> i64;
    /// See `secret.h`: `out_secret` out owned. Since 1.0.
    pub fn plq_secret_claim(id: plq_secret_id, out_secret: *mut *mut plq_secret) -> i32;
    /// See `secret.h`: `secret` owned. Since 1.0.
    pub fn plq_secret_free(secret: *mut plq_secret);
    /// See `message.h`: `message` borrowed, `out_reply` out owned, `out_reply_len` out value. Since 1.0.
    pub fn plq_call_message(
        client: plq_client_id,
        message: *const u8,
        message_len: usize,
        out_reply: *mut *mut u8,
        out_reply_len: *mut usize,
    ) -> i32;
    /// See `message.h`: `message` borrowed, `out_reply` out owned, `out_reply_len` out value. Since 1.0.
    pub fn plq_call_run_message(
        call: plq_call_id,
        message: *const u8,
        message_len: usize,
        out_reply: *mut *mut u8,
        out_reply_len: *mut usize,
    ) -> i32;
    /// See `message.h`: `reply` owned. Since 1.0.
    pub fn plq_message_free(reply: *mut u8, reply_len: usize);
    /// See `queue.h`: `out_queue` out value, `out_error` out owned. Since 1.0.
    pub fn plq_queue_new(client: plq_client_id, out_queue: *mut plq_queue_id, out_error: *mut *mut plq_error) -> i32;
    /// See `queue.h`: `out_fd` out value. Since 1.0.
    pub fn plq_queue_fd(queue: plq_queue_id, out_fd: *mut c_int) -> i32;
    /// See `queue.h`: `request` borrowed, `out_id` out value, `out_error` out owned. Since 1.0.
    pub fn plq_queue_submit(
        queue: plq_queue_id,
        request: *const plq_request,
        tag: u64,
        room_timeout_ms: i64,
        out_id: *mut u64,
        out_error: *mut *mut plq_error,
    ) -> i32;
    /// See `queue.h`: `message` borrowed, `out_id` out value, `out_error` out owned. Since 1.0.
    pub fn plq_queue_submit_message(
        queue: plq_queue_id,
        message: *const u8,
        message_len: usize,
        tag: u64,
        room_timeout_ms: i64,
        out_id: *mut u64,
        out_error: *mut *mut plq_error,
    ) -> i32;
    /// See `queue.h`: `out_completion` out owned. Since 1.0.
    pub fn plq_queue_next(queue: plq_queue_id, timeout_ms: i64, out_completion: *mut *mut plq_completion) -> i32;
    /// See `queue.h`: `buffer` out value, `out_len` out value, `out_tag` out value, `out_id` out value. Since 1.0.
    pub fn plq_queue_next_message(
        queue: plq_queue_id,
        timeout_ms: i64,
        buffer: *mut u8,
        room: usize,
        out_len: *mut usize,
        out_tag: *mut u64,
        out_id: *mut u64,
    ) -> i32;
    /// See `queue.h`. Since 1.0.
    pub fn plq_queue_cancel(queue: plq_queue_id, id: u64) -> i32;
    /// See `queue.h`. Since 1.0.
    pub fn plq_queue_wake(queue: plq_queue_id) -> i32;
    /// See `queue.h`. Since 1.0.
    pub fn plq_queue_close(queue: plq_queue_id, cancel: i32) -> i32;
    /// See `queue.h`: `out_connections` out value, `out_error` out owned. Since 1.0.
    pub fn plq_queue_warm(
        queue: plq_queue_id,
        count: u32,
        timeout_ms: i64,
        out_connections: *mut u32,
        out_error: *mut *mut plq_error,
    ) -> i32;
    /// See `queue.h`: `out_values` out value. Since 1.0.
    pub fn plq_queue_stats(queue: plq_queue_id, out_values: *mut i64, count: u32) -> i32;
    /// See `queue.h`. Since 1.0.
    pub fn plq_queue_free(queue: plq_queue_id);
    /// See `queue.h`: `completion` borrowed. Since 1.0.
    pub fn plq_completion_tag(completion: *const plq_completion) -> u64;
    /// See `queue.h`: `completion` borrowed. Since 1.0.
    pub fn plq_completion_id(completion: *const plq_completion) -> u64;
    /// See `queue.h`: `completion` borrowed. Since 1.0.
    pub fn plq_completion_status(completion: *const plq_completion) -> i32;
    /// See `queue.h`: `completion` borrowed. Since 1.0.
    pub fn plq_completion_take_response(completion: *mut plq_completion) -> *mut plq_response;
    /// See `queue.h`: `completion` borrowed. Since 1.0.
    pub fn plq_completion_take_error(completion: *mut plq_completion) -> *mut plq_error;
    /// See `queue.h`: `completion` borrowed, `out_reply` out owned, `out_reply_len` out value. Since 1.0.
    pub fn plq_completion_message(
        completion: *mut plq_completion,
        out_reply: *mut *mut u8,
        out_reply_len: *mut usize,
    ) -> i32;
    /// See `queue.h`: `completion` owned. Since 1.0.
    pub fn plq_completion_free(completion: *mut plq_completion);
}
