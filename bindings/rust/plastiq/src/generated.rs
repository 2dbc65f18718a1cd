// SPDX-License-Identifier: MIT
// Made by bindings/rust/tools/generate from core/tables/status.toml and options.toml: change that.

use std::time::Duration;

use crate::{ClientBuilder, Status};

/// What sort of failure: what to branch on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// The library was called in a way it does not allow.
    Usage,
    /// An option is missing, unknown or wrong.
    Config,
    /// The request breaks a rule; nothing was sent.
    Input,
    /// A transport could not be loaded.
    Load,
    /// The host name could not be resolved.
    Resolve,
    /// No connection could be made.
    Connect,
    /// The proxy did not let the connection through.
    Proxy,
    /// The TLS handshake failed.
    Tls,
    /// The server could not prove who it is.
    Verify,
    /// The connection was lost.
    Io,
    /// The response ended before it was complete.
    Truncated,
    /// Time ran out.
    Timeout,
    /// The response breaks a rule of HTTP or of the API.
    Protocol,
    /// The response is larger than allowed.
    Limit,
    /// The service answered with an error.
    Http,
    /// The caller cancelled the call.
    Cancelled,
    /// The system lacks a resource.
    Resource,
    /// Out of memory.
    Memory,
    /// The object is not in a state that allows this.
    State,
    /// The chosen parts cannot do this.
    Unsupported,
    /// The secret cannot be had.
    Secret,
    /// A defect in the library or in a transport.
    Internal,
    /// One that this version of the crate does not know.
    Unknown,
}

impl Kind {
    /// The name in libplastiq's own words.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Usage => "usage",
            Kind::Config => "config",
            Kind::Input => "input",
            Kind::Load => "load",
            Kind::Resolve => "resolve",
            Kind::Connect => "connect",
            Kind::Proxy => "proxy",
            Kind::Tls => "tls",
            Kind::Verify => "verify",
            Kind::Io => "io",
            Kind::Truncated => "truncated",
            Kind::Timeout => "timeout",
            Kind::Protocol => "protocol",
            Kind::Limit => "limit",
            Kind::Http => "http",
            Kind::Cancelled => "cancelled",
            Kind::Resource => "resource",
            Kind::Memory => "memory",
            Kind::State => "state",
            Kind::Unsupported => "unsupported",
            Kind::Secret => "secret",
            Kind::Internal => "internal",
            Kind::Unknown => "unknown",
        }
    }

    pub(crate) fn from_number(number: i32) -> Self {
        match number {
            1 => Kind::Usage,
            2 => Kind::Config,
            3 => Kind::Input,
            4 => Kind::Load,
            5 => Kind::Resolve,
            6 => Kind::Connect,
            7 => Kind::Proxy,
            8 => Kind::Tls,
            9 => Kind::Verify,
            10 => Kind::Io,
            11 => Kind::Truncated,
            12 => Kind::Timeout,
            13 => Kind::Protocol,
            14 => Kind::Limit,
            15 => Kind::Http,
            16 => Kind::Cancelled,
            17 => Kind::Resource,
            18 => Kind::Memory,
            19 => Kind::State,
            20 => Kind::Unsupported,
            21 => Kind::Secret,
            22 => Kind::Internal,
            _ => Kind::Unknown,
        }
    }

    pub(crate) fn from_name(name: &str) -> Self {
        match name {
            "usage" => Kind::Usage,
            "config" => Kind::Config,
            "input" => Kind::Input,
            "load" => Kind::Load,
            "resolve" => Kind::Resolve,
            "connect" => Kind::Connect,
            "proxy" => Kind::Proxy,
            "tls" => Kind::Tls,
            "verify" => Kind::Verify,
            "io" => Kind::Io,
            "truncated" => Kind::Truncated,
            "timeout" => Kind::Timeout,
            "protocol" => Kind::Protocol,
            "limit" => Kind::Limit,
            "http" => Kind::Http,
            "cancelled" => Kind::Cancelled,
            "resource" => Kind::Resource,
            "memory" => Kind::Memory,
            "state" => Kind::State,
            "unsupported" => Kind::Unsupported,
            "secret" => Kind::Secret,
            "internal" => Kind::Internal,
            _ => Kind::Unknown,
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Where in a call a failure happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// No phase applies.
    None,
    /// Reading options, building the request.
    Config,
    /// Loading the transport.
    Load,
    /// Looking up the host name.
    Resolve,
    /// Opening the connection.
    Connect,
    /// Asking the proxy for a tunnel.
    Proxy,
    /// TLS handshake and verification.
    Tls,
    /// Sending the request.
    Send,
    /// Waiting for the first byte of the response.
    Wait,
    /// Receiving the response.
    Receive,
    /// Reading what the response says.
    Decode,
    /// Waiting before a repeat.
    Backoff,
    /// One that this version of the crate does not know.
    Unknown,
}

impl Phase {
    /// The name in libplastiq's own words.
    pub fn name(self) -> &'static str {
        match self {
            Phase::None => "none",
            Phase::Config => "config",
            Phase::Load => "load",
            Phase::Resolve => "resolve",
            Phase::Connect => "connect",
            Phase::Proxy => "proxy",
            Phase::Tls => "tls",
            Phase::Send => "send",
            Phase::Wait => "wait",
            Phase::Receive => "receive",
            Phase::Decode => "decode",
            Phase::Backoff => "backoff",
            Phase::Unknown => "unknown",
        }
    }

    pub(crate) fn from_number(number: i32) -> Self {
        match number {
            0 => Phase::None,
            1 => Phase::Config,
            2 => Phase::Load,
            3 => Phase::Resolve,
            4 => Phase::Connect,
            5 => Phase::Proxy,
            6 => Phase::Tls,
            7 => Phase::Send,
            8 => Phase::Wait,
            9 => Phase::Receive,
            10 => Phase::Decode,
            11 => Phase::Backoff,
            _ => Phase::Unknown,
        }
    }

    pub(crate) fn from_name(name: &str) -> Self {
        match name {
            "none" => Phase::None,
            "config" => Phase::Config,
            "load" => Phase::Load,
            "resolve" => Phase::Resolve,
            "connect" => Phase::Connect,
            "proxy" => Phase::Proxy,
            "tls" => Phase::Tls,
            "send" => Phase::Send,
            "wait" => Phase::Wait,
            "receive" => Phase::Receive,
            "decode" => Phase::Decode,
            "backoff" => Phase::Backoff,
            _ => Phase::Unknown,
        }
    }
}

impl std::fmt::Display for Phase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Whether the request may have reached the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Delivery {
    /// No byte of the request left: the server cannot have seen it.
    NotSent,
    /// At least a byte left and no complete response came: the server may have acted.
    MaybeSent,
    /// A complete response came.
    Answered,
    /// One that this version of the crate does not know.
    Unknown,
}

impl Delivery {
    /// The name in libplastiq's own words.
    pub fn name(self) -> &'static str {
        match self {
            Delivery::NotSent => "not_sent",
            Delivery::MaybeSent => "maybe_sent",
            Delivery::Answered => "answered",
            Delivery::Unknown => "unknown",
        }
    }

    pub(crate) fn from_number(number: i32) -> Self {
        match number {
            0 => Delivery::NotSent,
            1 => Delivery::MaybeSent,
            2 => Delivery::Answered,
            _ => Delivery::Unknown,
        }
    }

    pub(crate) fn from_name(name: &str) -> Self {
        match name {
            "not_sent" => Delivery::NotSent,
            "maybe_sent" => Delivery::MaybeSent,
            "answered" => Delivery::Answered,
            _ => Delivery::Unknown,
        }
    }
}

impl std::fmt::Display for Delivery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Every status that this version knows.
impl Status {
    /// Success.
    pub const OK: Status = Status(0);
    /// An argument is NULL or out of range.
    pub const ARGUMENT: Status = Status(1001);
    /// The handle is stale, closed, or of another kind.
    pub const HANDLE: Status = Status(1002);
    /// This library's ABI is not the one the caller needs.
    pub const ABI: Status = Status(1003);
    /// No operation has this name.
    pub const UNKNOWN_OPERATION: Status = Status(1004);
    /// The message is not a msgpack map of the expected shape.
    pub const MESSAGE: Status = Status(1005);
    /// The message has a key that is not known.
    pub const MESSAGE_KEY: Status = Status(1006);
    /// The message has a version that is not known.
    pub const MESSAGE_VERSION: Status = Status(1007);
    /// There is nothing of this name or at this index.
    pub const NOT_FOUND: Status = Status(1008);
    /// The buffer is too small; the size needed was written.
    pub const BUFFER_TOO_SMALL: Status = Status(1009);
    /// The text is not UTF-8 or has a NUL inside.
    pub const TEXT_ENCODING: Status = Status(1010);
    /// No option has this name.
    pub const OPTION_UNKNOWN: Status = Status(2001);
    /// The option's value is of the wrong type or out of range.
    pub const OPTION_VALUE: Status = Status(2002);
    /// No access token is configured.
    pub const TOKEN_MISSING: Status = Status(2003);
    /// The access token has a character that no bearer token may have.
    pub const TOKEN_INVALID: Status = Status(2004);
    /// The environment is neither sandbox nor production.
    pub const ENVIRONMENT_UNKNOWN: Status = Status(2005);
    /// The base URL is not usable.
    pub const BASE_URL: Status = Status(2006);
    /// Plain http is allowed only to a loopback host and only by an explicit option.
    pub const PLAIN_HTTP: Status = Status(2007);
    /// The trusted CA certificates cannot be read.
    pub const TRUST: Status = Status(2008);
    /// The client certificate or its key cannot be used.
    pub const CLIENT_CERTIFICATE: Status = Status(2009);
    /// A public-key pin is malformed.
    pub const PIN: Status = Status(2010);
    /// The proxy URL is not usable.
    pub const PROXY_URL: Status = Status(2011);
    /// An address or trust setting from the environment does not combine with a token or password from code.
    pub const AMBIENT_ADDRESS: Status = Status(2012);
    /// The transport cannot do what an option asks for.
    pub const CAPABILITY_MISSING: Status = Status(2013);
    /// The file of an access token cannot be read or holds none.
    pub const TOKEN_FILE: Status = Status(2015);
    /// The file of options cannot be read or is not what it must be.
    pub const CONFIG_FILE: Status = Status(2016);
    /// The certificate revocation list cannot be read.
    pub const REVOCATION_LIST: Status = Status(2014);
    /// The request is not the one that the cassette has next.
    pub const CASSETTE_MISMATCH: Status = Status(2017);
    /// The operation has no field of this name.
    pub const FIELD_UNKNOWN: Status = Status(3001);
    /// The field's value breaks its rule.
    pub const FIELD_VALUE: Status = Status(3002);
    /// A required field is missing.
    pub const FIELD_MISSING: Status = Status(3003);
    /// The header name is not a token (RFC 9110 section 5.1).
    pub const HEADER_NAME: Status = Status(3004);
    /// The header value is empty, too long, or has a forbidden character (RFC 9110 section 5.5).
    pub const HEADER_VALUE: Status = Status(3005);
    /// The library itself sets this header.
    pub const HEADER_OWNED: Status = Status(3006);
    /// Extra members must be one JSON object.
    pub const EXTRA: Status = Status(3007);
    /// An extra member is also set as a field.
    pub const EXTRA_CONFLICT: Status = Status(3008);
    /// The transport's name or path is not acceptable.
    pub const TRANSPORT_NAME: Status = Status(4001);
    /// There is no such transport.
    pub const TRANSPORT_NOT_FOUND: Status = Status(4002);
    /// Others could replace the transport's file.
    pub const TRANSPORT_PATH_UNSAFE: Status = Status(4003);
    /// The file is not a shared object for this machine.
    pub const TRANSPORT_FORMAT: Status = Status(4004);
    /// The shared object is not a libplastiq transport.
    pub const TRANSPORT_FOREIGN: Status = Status(4005);
    /// The transport was built for another major version of the plugin ABI.
    pub const TRANSPORT_ABI_MAJOR: Status = Status(4006);
    /// The transport needs a newer libplastiq.
    pub const TRANSPORT_ABI_MINOR: Status = Status(4007);
    /// A test transport needs the option allow_test_transports.
    pub const TRANSPORT_TEST_CLASS: Status = Status(4008);
    /// The option transport_allow does not name this transport.
    pub const TRANSPORT_NOT_ALLOWED: Status = Status(4009);
    /// The transport refused to load.
    pub const TRANSPORT_REFUSED: Status = Status(4010);
    /// The transport's descriptor is not usable.
    pub const TRANSPORT_INVALID: Status = Status(4011);
    /// The dynamic loader refused the transport.
    pub const TRANSPORT_DLOPEN: Status = Status(4012);
    /// The transport could not be set up.
    pub const TRANSPORT_CREATE: Status = Status(4013);
    /// The program brings a library of its own that the transport would be bound to.
    pub const TRANSPORT_CLASH: Status = Status(4014);
    /// The host name does not exist.
    pub const RESOLVE_NOT_FOUND: Status = Status(5001);
    /// The name service did not answer for now.
    pub const RESOLVE_TEMPORARY: Status = Status(5002);
    /// The host name could not be resolved.
    pub const RESOLVE_FAILED: Status = Status(5003);
    /// The server refused the connection.
    pub const CONNECT_REFUSED: Status = Status(6001);
    /// The server cannot be reached.
    pub const CONNECT_UNREACHABLE: Status = Status(6002);
    /// The connection could not be opened.
    pub const CONNECT_FAILED: Status = Status(6003);
    /// The proxy refused the tunnel.
    pub const PROXY_STATUS: Status = Status(7001);
    /// The proxy answered with a 5xx status.
    pub const PROXY_UNAVAILABLE: Status = Status(7002);
    /// The proxy closed the connection.
    pub const PROXY_CLOSED: Status = Status(7003);
    /// The proxy's answer is not HTTP.
    pub const PROXY_PROTOCOL: Status = Status(7004);
    /// The proxy asks for other credentials.
    pub const PROXY_AUTHENTICATION: Status = Status(7005);
    /// The TLS handshake failed.
    pub const TLS_HANDSHAKE: Status = Status(8001);
    /// The connection ended during the TLS handshake.
    pub const TLS_HANDSHAKE_EOF: Status = Status(8002);
    /// The server offers no TLS version that is allowed.
    pub const TLS_VERSION: Status = Status(8003);
    /// Client and server share no cipher.
    pub const TLS_CIPHER: Status = Status(8004);
    /// The server ended the handshake with an alert.
    pub const TLS_ALERT: Status = Status(8005);
    /// The server does not speak TLS on this port.
    pub const TLS_NOT_TLS: Status = Status(8006);
    /// The server sent a broken TLS record.
    pub const TLS_RECORD: Status = Status(8007);
    /// The server's certificate is not valid.
    pub const VERIFY_CHAIN: Status = Status(9001);
    /// The server's certificate has expired.
    pub const VERIFY_EXPIRED: Status = Status(9002);
    /// The server's certificate is not valid yet.
    pub const VERIFY_NOT_YET_VALID: Status = Status(9003);
    /// No trusted CA vouches for the server's certificate.
    pub const VERIFY_UNTRUSTED: Status = Status(9004);
    /// The server's certificate is for another name.
    pub const VERIFY_HOST: Status = Status(9005);
    /// The server's public key is not one of the pinned ones.
    pub const VERIFY_PIN: Status = Status(9006);
    /// The server's certificate was revoked.
    pub const VERIFY_REVOKED: Status = Status(9007);
    /// The transport did not vouch for the connection.
    pub const VERIFY_FACTS: Status = Status(9008);
    /// The server's certificate is not one for servers.
    pub const VERIFY_PURPOSE: Status = Status(9009);
    /// The server's certificate uses a key or signature that is too weak.
    pub const VERIFY_WEAK: Status = Status(9010);
    /// A CA of the chain may not vouch for this name.
    pub const VERIFY_NAME_CONSTRAINT: Status = Status(9011);
    /// The revocation list needed for the chain is missing or outdated.
    pub const VERIFY_REVOCATION_UNKNOWN: Status = Status(9012);
    /// The connection was reset.
    pub const IO_RESET: Status = Status(10001);
    /// The connection was lost while sending.
    pub const IO_SEND: Status = Status(10002);
    /// A kept-alive connection died after the request was written.
    pub const IO_STALE_REUSE: Status = Status(10003);
    /// The connection failed.
    pub const IO_FAILED: Status = Status(10004);
    /// The server refused the stream before acting on it.
    pub const IO_REFUSED_STREAM: Status = Status(10005);
    /// The server closed the connection without an answer.
    pub const TRUNCATED_NO_RESPONSE: Status = Status(11001);
    /// The response head was cut off.
    pub const TRUNCATED_HEAD: Status = Status(11002);
    /// The response body was cut off.
    pub const TRUNCATED_BODY: Status = Status(11003);
    /// The chunked response body was cut off.
    pub const TRUNCATED_CHUNK: Status = Status(11004);
    /// The end of the response is not proven.
    pub const TRUNCATED_NO_CLOSE_NOTIFY: Status = Status(11005);
    /// The call's deadline passed.
    pub const TIMEOUT_TOTAL: Status = Status(12001);
    /// The name look-up took too long.
    pub const TIMEOUT_RESOLVE: Status = Status(12002);
    /// Opening the connection took too long.
    pub const TIMEOUT_CONNECT: Status = Status(12003);
    /// The proxy took too long.
    pub const TIMEOUT_PROXY: Status = Status(12004);
    /// The TLS handshake took too long.
    pub const TIMEOUT_TLS: Status = Status(12005);
    /// The server stopped reading.
    pub const TIMEOUT_SEND: Status = Status(12006);
    /// The server did not answer.
    pub const TIMEOUT_FIRST_BYTE: Status = Status(12007);
    /// The server paused for too long inside its response.
    pub const TIMEOUT_IDLE: Status = Status(12008);
    /// No connection became free in time.
    pub const TIMEOUT_POOL: Status = Status(12009);
    /// The response is not valid HTTP.
    pub const PROTOCOL_VIOLATION: Status = Status(13001);
    /// The status line is malformed.
    pub const PROTOCOL_STATUS_LINE: Status = Status(13002);
    /// A response header is malformed.
    pub const PROTOCOL_FIELD: Status = Status(13003);
    /// Content-Length is malformed or given twice.
    pub const PROTOCOL_CONTENT_LENGTH: Status = Status(13004);
    /// Transfer-Encoding is anything but one final chunked.
    pub const PROTOCOL_TRANSFER_ENCODING: Status = Status(13005);
    /// Transfer-Encoding and Content-Length are both given.
    pub const PROTOCOL_TE_CL: Status = Status(13006);
    /// The chunked body is malformed.
    pub const PROTOCOL_CHUNK: Status = Status(13007);
    /// The body is compressed although identity was asked for.
    pub const PROTOCOL_ENCODING: Status = Status(13008);
    /// The server switched protocols unasked.
    pub const PROTOCOL_UPGRADE: Status = Status(13009);
    /// The server broke HTTP/2.
    pub const PROTOCOL_HTTP2: Status = Status(13010);
    /// The success response is not one JSON object.
    pub const PROTOCOL_JSON: Status = Status(13011);
    /// The success response lacks a member that it must have.
    pub const PROTOCOL_MEMBER: Status = Status(13012);
    /// The response head is too large.
    pub const LIMIT_HEAD: Status = Status(14001);
    /// A response header line is too long.
    pub const LIMIT_LINE: Status = Status(14002);
    /// The response has too many headers.
    pub const LIMIT_FIELDS: Status = Status(14003);
    /// Too many 1xx responses came.
    pub const LIMIT_INTERIM: Status = Status(14004);
    /// The trailers are too large.
    pub const LIMIT_TRAILER: Status = Status(14005);
    /// A chunk line is too long.
    pub const LIMIT_CHUNK_EXTENSION: Status = Status(14006);
    /// The response body is too large.
    pub const LIMIT_BODY: Status = Status(14007);
    /// The response's framing is out of all proportion to its content.
    pub const LIMIT_WIRE: Status = Status(14008);
    /// The service answered with an unexpected status.
    pub const HTTP_STATUS: Status = Status(15001);
    /// The service answered with a redirect, which is never followed.
    pub const HTTP_REDIRECT: Status = Status(15002);
    /// The service rejected the request.
    pub const HTTP_CLIENT: Status = Status(15003);
    /// The service does not accept the access token.
    pub const HTTP_UNAUTHORIZED: Status = Status(15004);
    /// The access token does not allow this.
    pub const HTTP_FORBIDDEN: Status = Status(15005);
    /// The service does not know this address.
    pub const HTTP_NOT_FOUND: Status = Status(15006);
    /// The request conflicts with the service's state.
    pub const HTTP_CONFLICT: Status = Status(15007);
    /// The service asks to slow down.
    pub const HTTP_THROTTLED: Status = Status(15008);
    /// The service failed.
    pub const HTTP_SERVER: Status = Status(15009);
    /// The call was cancelled.
    pub const CANCELLED: Status = Status(16001);
    /// No file descriptor is left.
    pub const RESOURCE_DESCRIPTORS: Status = Status(17001);
    /// The system lacks a resource.
    pub const RESOURCE_SYSTEM: Status = Status(17002);
    /// No handle is left.
    pub const RESOURCE_HANDLES: Status = Status(17003);
    /// Out of memory.
    pub const MEMORY: Status = Status(18001);
    /// The client or the queue was closed.
    pub const CLOSED: Status = Status(19001);
    /// This belongs to the process before fork.
    pub const FORKED: Status = Status(19002);
    /// Not allowed from inside a callback.
    pub const REENTRANT: Status = Status(19003);
    /// This is in use by another thread.
    pub const BUSY: Status = Status(19004);
    /// The queue holds as many calls as it may.
    pub const QUEUE_FULL: Status = Status(19005);
    /// The queue has no completion to give now.
    pub const QUEUE_EMPTY: Status = Status(19006);
    /// Not supported by this build or transport.
    pub const UNSUPPORTED: Status = Status(20001);
    /// The secret's life is over.
    pub const SECRET_EXPIRED: Status = Status(21001);
    /// The secret was taken before.
    pub const SECRET_TAKEN: Status = Status(21002);
    /// A defect in the library.
    pub const INTERNAL: Status = Status(22001);
    /// The transport broke its contract.
    pub const TRANSPORT_MISBEHAVED: Status = Status(22002);
}

/// A setter for each option.
impl ClientBuilder {
    /// API key, sent as a bearer token (RFC 6750). Required before the first call.
    ///
    /// From the environment: `PLASTIQ_ACCESS_TOKEN`. The option `access_token`.
    pub fn access_token(self, value: impl AsRef<str>) -> Self {
        self.option("access_token", value)
    }

    /// API key that is tried once when the service answers 401 to the first: for the 12 hours in which a rotated key still works.
    ///
    /// From the environment: `PLASTIQ_SECOND_ACCESS_TOKEN`. The option `second_access_token`.
    pub fn second_access_token(self, value: impl AsRef<str>) -> Self {
        self.option("second_access_token", value)
    }

    /// File that holds the access token; white space around it does not count. It is followed: looked at before an attempt, at most once a second, and read again when it was replaced or changed, symbolic links too. If it cannot be read then, the last good token stays in use. Instead of access_token.
    ///
    /// From the environment: `PLASTIQ_ACCESS_TOKEN_FILE`. The option `access_token_file`.
    pub fn access_token_file(self, path: impl AsRef<std::path::Path>) -> Self {
        self.set_path("access_token_file", path.as_ref())
    }

    /// The same for the second access token. Instead of second_access_token.
    ///
    /// From the environment: `PLASTIQ_SECOND_ACCESS_TOKEN_FILE`. The option `second_access_token_file`.
    pub fn second_access_token_file(self, path: impl AsRef<std::path::Path>) -> Self {
        self.set_path("second_access_token_file", path.as_ref())
    }

    /// Which service to talk to: sandbox is <https://connect.sandbox.plastiq.com/api>, production is <https://connect.plastiq.com/api>.
    ///
    /// One of `sandbox`, `production`. Default: `sandbox`. From the environment: `PLASTIQ_ENVIRONMENT`. The option `environment`.
    pub fn environment(self, value: impl AsRef<str>) -> Self {
        self.option("environment", value)
    }

    /// Replaces the environment's address, for example to reach the emulator: `https://host[:port][/path]`, without user, query or fragment.
    ///
    /// From the environment: `PLASTIQ_BASE_URL`. The option `base_url`.
    pub fn base_url(self, value: impl AsRef<str>) -> Self {
        self.option("base_url", value)
    }

    /// Allows an http base URL, to a loopback host only (127.0.0.0/8, ::1, localhost). For tests.
    ///
    /// Default: `false`. The option `allow_plain_http`.
    pub fn allow_plain_http(self, value: bool) -> Self {
        self.option_number("allow_plain_http", i64::from(value))
    }

    /// Allows a token or proxy_password from code to go where a variable points: without it, base_url, ca_file, ca_dir, pins, proxy and resolve from the environment do not combine with one.
    ///
    /// Default: `false`. The option `allow_ambient_address`.
    pub fn allow_ambient_address(self, value: bool) -> Self {
        self.option_number("allow_ambient_address", i64::from(value))
    }

    /// Transport plugin: a name ([a-z0-9]`[a-z0-9_-]{0,31}`, found in transport_dir) or, from code only, an absolute path.
    ///
    /// Default: `curl`. From the environment: `PLASTIQ_TRANSPORT`. The option `transport`.
    pub fn transport(self, value: impl AsRef<str>) -> Self {
        self.option("transport", value)
    }

    /// Absolute path of the one folder in which transport names are looked up. Default: the plugindir that the library was built with.
    ///
    /// From the environment: `PLASTIQ_TRANSPORT_DIR`. The option `transport_dir`.
    pub fn transport_dir(self, path: impl AsRef<std::path::Path>) -> Self {
        self.set_path("transport_dir", path.as_ref())
    }

    /// Names of the transports that may be used. Default: every production transport.
    ///
    /// From the environment: `PLASTIQ_TRANSPORT_ALLOW`. The option `transport_allow`.
    pub fn transport_allow(self, values: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        self.set_list("transport_allow", values)
    }

    /// Allows transports of the class test, such as stub, which do not reach the service by themselves.
    ///
    /// Default: `false`. The option `allow_test_transports`.
    pub fn allow_test_transports(self, value: bool) -> Self {
        self.option_number("allow_test_transports", i64::from(value))
    }

    /// Refuses a transport file that somebody other than root and the current user could replace.
    ///
    /// Default: `true`. The option `transport_path_check`.
    pub fn transport_path_check(self, value: bool) -> Self {
        self.option_number("transport_path_check", i64::from(value))
    }

    /// What to do when the program itself brings a library that the transport needs, such as Node its OpenSSL: auto binds the transport to its own libraries where that is safe and refuses otherwise, deepbind does so in any case, off loads it as it comes.
    ///
    /// One of `auto`, `deepbind`, `off`. Default: `auto`. The option `transport_isolation`.
    pub fn transport_isolation(self, value: impl AsRef<str>) -> Self {
        self.option("transport_isolation", value)
    }

    /// Deadline of a whole call, repeats and waits included, on the monotonic clock.
    ///
    /// Default: `15000`. From 1 to 86400000. From the environment: `PLASTIQ_TIMEOUT_MS`. [`Duration::MAX`]: for ever. The option `timeout_ms`.
    pub fn timeout(self, value: Duration) -> Self {
        self.set_duration("timeout_ms", value)
    }

    /// Limit for one name look-up, inside timeout_ms.
    ///
    /// Default: `5000`. From 1 to 86400000. From the environment: `PLASTIQ_RESOLVE_TIMEOUT_MS`. The option `resolve_timeout_ms`.
    pub fn resolve_timeout(self, value: Duration) -> Self {
        self.set_duration("resolve_timeout_ms", value)
    }

    /// Limit for opening one connection, inside timeout_ms.
    ///
    /// Default: `5000`. From 1 to 86400000. From the environment: `PLASTIQ_CONNECT_TIMEOUT_MS`. The option `connect_timeout_ms`.
    pub fn connect_timeout(self, value: Duration) -> Self {
        self.set_duration("connect_timeout_ms", value)
    }

    /// Limit for one TLS handshake, inside timeout_ms.
    ///
    /// Default: `5000`. From 1 to 86400000. From the environment: `PLASTIQ_TLS_TIMEOUT_MS`. The option `tls_timeout_ms`.
    pub fn tls_timeout(self, value: Duration) -> Self {
        self.set_duration("tls_timeout_ms", value)
    }

    /// Longest pause in which nothing moves: while sending, before the first byte of the response, and between two bytes, inside timeout_ms.
    ///
    /// Default: `10000`. From 1 to 86400000. From the environment: `PLASTIQ_IDLE_TIMEOUT_MS`. The option `idle_timeout_ms`.
    pub fn idle_timeout(self, value: Duration) -> Self {
        self.set_duration("idle_timeout_ms", value)
    }

    /// How often a call that failed in a repeatable way is repeated: 2 means at most 3 attempts.
    ///
    /// Default: `2`. From 0 to 100. From the environment: `PLASTIQ_MAX_REPEATS`. The option `max_repeats`.
    pub fn max_repeats(self, value: u64) -> Self {
        self.option_number("max_repeats", i64::try_from(value).unwrap_or(i64::MAX))
    }

    /// Repeats only what certainly had no effect: NOT_SENT, 429, and 503 with Retry-After.
    ///
    /// Default: `false`. From the environment: `PLASTIQ_REPEAT_ONLY_SAFE`. The option `repeat_only_safe`.
    pub fn repeat_only_safe(self, value: bool) -> Self {
        self.option_number("repeat_only_safe", i64::from(value))
    }

    /// HTTP statuses that are repeated. An empty list repeats none.
    ///
    /// Default: `408,429,500,502,503,504,521,522,524`. From the environment: `PLASTIQ_RETRY_STATUSES`. The option `retry_statuses`.
    pub fn retry_statuses(self, values: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        self.set_list("retry_statuses", values)
    }

    /// Names of the operations that may be repeated. Default: those that the operations table marks repeatable.
    ///
    /// From the environment: `PLASTIQ_RETRY_OPERATIONS`. The option `retry_operations`.
    pub fn retry_operations(self, values: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        self.set_list("retry_operations", values)
    }

    /// Token bucket: how many repeats a client may make before successes have filled it again (five successes give one back), so that an outage is not multiplied.
    ///
    /// Default: `100`. From 0 to 1000000. From the environment: `PLASTIQ_REPEAT_BUDGET`. The option `repeat_budget`.
    pub fn repeat_budget(self, value: u64) -> Self {
        self.option_number("repeat_budget", i64::try_from(value).unwrap_or(i64::MAX))
    }

    /// Upper bound of the first random wait before a repeat; it doubles with each one (full jitter).
    ///
    /// Default: `100`. From 0 to 60000. From the environment: `PLASTIQ_BACKOFF_BASE_MS`. The option `backoff_base_ms`.
    pub fn backoff_base(self, value: Duration) -> Self {
        self.set_duration("backoff_base_ms", value)
    }

    /// Upper bound of any random wait before a repeat.
    ///
    /// Default: `2000`. From 0 to 600000. From the environment: `PLASTIQ_BACKOFF_CAP_MS`. The option `backoff_cap_ms`.
    pub fn backoff_cap(self, value: Duration) -> Self {
        self.set_duration("backoff_cap_ms", value)
    }

    /// Largest response head in bytes: status line, headers, 1xx responses and trailers together.
    ///
    /// Default: `32768`. From 1024 to 1048576. From the environment: `PLASTIQ_MAX_HEAD_BYTES`. The option `max_head_bytes`.
    pub fn max_head_bytes(self, value: u64) -> Self {
        self.option_number("max_head_bytes", i64::try_from(value).unwrap_or(i64::MAX))
    }

    /// Largest response body in bytes.
    ///
    /// Default: `1048576`. From 1024 to 67108864. From the environment: `PLASTIQ_MAX_BODY_BYTES`. The option `max_body_bytes`.
    pub fn max_body_bytes(self, value: u64) -> Self {
        self.option_number("max_body_bytes", i64::try_from(value).unwrap_or(i64::MAX))
    }

    /// Most connections that one transport instance keeps open at once. A call that finds none free waits, inside its deadline.
    ///
    /// Default: `64`. From 1 to 65536. From the environment: `PLASTIQ_MAX_CONNECTIONS`. The option `max_connections`.
    pub fn max_connections(self, value: u64) -> Self {
        self.option_number("max_connections", i64::try_from(value).unwrap_or(i64::MAX))
    }

    /// Most calls that a completion queue holds, in flight and waiting to be taken together. One more is refused, or waits for room.
    ///
    /// Default: `10000`. From 1 to 1000000. From the environment: `PLASTIQ_QUEUE_MAX_CALLS`. The option `queue_max_calls`.
    pub fn queue_max_calls(self, value: u64) -> Self {
        self.option_number("queue_max_calls", i64::try_from(value).unwrap_or(i64::MAX))
    }

    /// Most threads that a completion queue starts for a transport that can only block. Others need none.
    ///
    /// Default: `4`. From 1 to 256. From the environment: `PLASTIQ_QUEUE_THREADS`. The option `queue_threads`.
    pub fn queue_threads(self, value: u64) -> Self {
        self.option_number("queue_threads", i64::try_from(value).unwrap_or(i64::MAX))
    }

    /// An idle connection older than this is not used again.
    ///
    /// Default: `20000`. From 0 to 86400000. From the environment: `PLASTIQ_CONNECTION_IDLE_MS`. The option `connection_idle_ms`.
    pub fn connection_idle(self, value: Duration) -> Self {
        self.set_duration("connection_idle_ms", value)
    }

    /// A connection older than this is not used again, so that revocation, expiry and changes of address take effect.
    ///
    /// Default: `3600000`. From 0 to 86400000. From the environment: `PLASTIQ_CONNECTION_LIFETIME_MS`. The option `connection_lifetime_ms`.
    pub fn connection_lifetime(self, value: Duration) -> Self {
        self.set_duration("connection_lifetime_ms", value)
    }

    /// PEM file of the CA certificates to trust instead of the system's.
    ///
    /// From the environment: `PLASTIQ_CA_FILE`. The option `ca_file`.
    pub fn ca_file(self, path: impl AsRef<std::path::Path>) -> Self {
        self.set_path("ca_file", path.as_ref())
    }

    /// Folder of CA certificates, hashed as by openssl rehash, to trust instead of the system's.
    ///
    /// From the environment: `PLASTIQ_CA_DIR`. The option `ca_dir`.
    pub fn ca_dir(self, path: impl AsRef<std::path::Path>) -> Self {
        self.set_path("ca_dir", path.as_ref())
    }

    /// PEM file of revocation lists: every certificate of the chain must be covered by one, or the connection is refused.
    ///
    /// From the environment: `PLASTIQ_CRL_FILE`. The option `crl_file`.
    pub fn crl_file(self, path: impl AsRef<std::path::Path>) -> Self {
        self.set_path("crl_file", path.as_ref())
    }

    /// SHA-256 of the server's public key (SubjectPublicKeyInfo), base64, as `sha256//BASE64`; one of them must match, on top of verification (RFC 7469 section 2.4).
    ///
    /// From the environment: `PLASTIQ_PINS`. The option `pins`.
    pub fn pins(self, values: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        self.set_list("pins", values)
    }

    /// PEM file of the client certificate and its chain, for a server that asks for one.
    ///
    /// From the environment: `PLASTIQ_CLIENT_CERTIFICATE_FILE`. The option `client_certificate_file`.
    pub fn client_certificate_file(self, path: impl AsRef<std::path::Path>) -> Self {
        self.set_path("client_certificate_file", path.as_ref())
    }

    /// PEM file of the client certificate's private key.
    ///
    /// From the environment: `PLASTIQ_CLIENT_KEY_FILE`. The option `client_key_file`.
    pub fn client_key_file(self, path: impl AsRef<std::path::Path>) -> Self {
        self.set_path("client_key_file", path.as_ref())
    }

    /// Password of client_key_file.
    ///
    /// From the environment: `PLASTIQ_CLIENT_KEY_PASSWORD`. The option `client_key_password`.
    pub fn client_key_password(self, value: impl AsRef<str>) -> Self {
        self.option("client_key_password", value)
    }

    /// HTTP proxy to tunnel through, `http://host[:port]` or `https://host[:port].` The environment's proxy variables are never read.
    ///
    /// From the environment: `PLASTIQ_PROXY`. The option `proxy`.
    pub fn proxy(self, value: impl AsRef<str>) -> Self {
        self.option("proxy", value)
    }

    /// User name for the proxy.
    ///
    /// From the environment: `PLASTIQ_PROXY_USER`. The option `proxy_user`.
    pub fn proxy_user(self, value: impl AsRef<str>) -> Self {
        self.option("proxy_user", value)
    }

    /// Password for the proxy.
    ///
    /// From the environment: `PLASTIQ_PROXY_PASSWORD`. The option `proxy_password`.
    pub fn proxy_password(self, value: impl AsRef<str>) -> Self {
        self.option("proxy_password", value)
    }

    /// Addresses to use in place of name look-ups, as host:port:address; several of one host and port are tried in this order. Certificates are checked against the name all the same.
    ///
    /// From the environment: `PLASTIQ_RESOLVE`. The option `resolve`.
    pub fn resolve(self, values: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        self.set_list("resolve", values)
    }

    /// HTTP version: auto lets the transport choose, 1.1 and 2 insist.
    ///
    /// One of `auto`, `1.1`, `2`. Default: `auto`. From the environment: `PLASTIQ_HTTP_VERSION`. The option `http_version`.
    pub fn http_version(self, value: impl AsRef<str>) -> Self {
        self.option("http_version", value)
    }
}
