// SPDX-License-Identifier: MIT
// Made by scripts/generate.mjs from what the library says of itself: change that.
import type { CallFacts, CallOptions, Results } from './message.js';
import type { Secret } from './secret.js';

/** Every status that this version knows, by its name. */
export const STATUS = {
  /** success */
  PLQ_OK: 0,
  /** an argument is NULL or out of range */
  PLQ_E_ARGUMENT: 1001,
  /** the handle is stale, closed, or of another kind */
  PLQ_E_HANDLE: 1002,
  /** this library's ABI is not the one the caller needs */
  PLQ_E_ABI: 1003,
  /** no operation has this name */
  PLQ_E_UNKNOWN_OPERATION: 1004,
  /** the message is not a msgpack map of the expected shape */
  PLQ_E_MESSAGE: 1005,
  /** the message has a key that is not known */
  PLQ_E_MESSAGE_KEY: 1006,
  /** the message has a version that is not known */
  PLQ_E_MESSAGE_VERSION: 1007,
  /** there is nothing of this name or at this index */
  PLQ_E_NOT_FOUND: 1008,
  /** the buffer is too small; the size needed was written */
  PLQ_E_BUFFER_TOO_SMALL: 1009,
  /** the text is not UTF-8 or has a NUL inside */
  PLQ_E_TEXT_ENCODING: 1010,
  /** no option has this name */
  PLQ_E_OPTION_UNKNOWN: 2001,
  /** the option's value is of the wrong type or out of range */
  PLQ_E_OPTION_VALUE: 2002,
  /** no access token is configured */
  PLQ_E_TOKEN_MISSING: 2003,
  /** the access token has a character that no bearer token may have */
  PLQ_E_TOKEN_INVALID: 2004,
  /** the environment is neither sandbox nor production */
  PLQ_E_ENVIRONMENT_UNKNOWN: 2005,
  /** the base URL is not usable */
  PLQ_E_BASE_URL: 2006,
  /** plain http is allowed only to a loopback host and only by an explicit option */
  PLQ_E_PLAIN_HTTP: 2007,
  /** the trusted CA certificates cannot be read */
  PLQ_E_TRUST: 2008,
  /** the client certificate or its key cannot be used */
  PLQ_E_CLIENT_CERTIFICATE: 2009,
  /** a public-key pin is malformed */
  PLQ_E_PIN: 2010,
  /** the proxy URL is not usable */
  PLQ_E_PROXY_URL: 2011,
  /** an address or trust setting from the environment does not combine with a token or password from code */
  PLQ_E_AMBIENT_ADDRESS: 2012,
  /** the transport cannot do what an option asks for */
  PLQ_E_CAPABILITY_MISSING: 2013,
  /** the file of an access token cannot be read or holds none */
  PLQ_E_TOKEN_FILE: 2015,
  /** the file of options cannot be read or is not what it must be */
  PLQ_E_CONFIG_FILE: 2016,
  /** the certificate revocation list cannot be read */
  PLQ_E_REVOCATION_LIST: 2014,
  /** the request is not the one that the cassette has next */
  PLQ_E_CASSETTE_MISMATCH: 2017,
  /** the operation has no field of this name */
  PLQ_E_FIELD_UNKNOWN: 3001,
  /** the field's value breaks its rule */
  PLQ_E_FIELD_VALUE: 3002,
  /** a required field is missing */
  PLQ_E_FIELD_MISSING: 3003,
  /** the header name is not a token (RFC 9110 section 5.1) */
  PLQ_E_HEADER_NAME: 3004,
  /** the header value is empty, too long, or has a forbidden character (RFC 9110 section 5.5) */
  PLQ_E_HEADER_VALUE: 3005,
  /** the library itself sets this header */
  PLQ_E_HEADER_OWNED: 3006,
  /** extra members must be one JSON object */
  PLQ_E_EXTRA: 3007,
  /** an extra member is also set as a field */
  PLQ_E_EXTRA_CONFLICT: 3008,
  /** the transport's name or path is not acceptable */
  PLQ_E_TRANSPORT_NAME: 4001,
  /** there is no such transport */
  PLQ_E_TRANSPORT_NOT_FOUND: 4002,
  /** others could replace the transport's file */
  PLQ_E_TRANSPORT_PATH_UNSAFE: 4003,
  /** the file is not a shared object for this machine */
  PLQ_E_TRANSPORT_FORMAT: 4004,
  /** the shared object is not a libplastiq transport */
  PLQ_E_TRANSPORT_FOREIGN: 4005,
  /** the transport was built for another major version of the plugin ABI */
  PLQ_E_TRANSPORT_ABI_MAJOR: 4006,
  /** the transport needs a newer libplastiq */
  PLQ_E_TRANSPORT_ABI_MINOR: 4007,
  /** a test transport needs the option allow_test_transports */
  PLQ_E_TRANSPORT_TEST_CLASS: 4008,
  /** the option transport_allow does not name this transport */
  PLQ_E_TRANSPORT_NOT_ALLOWED: 4009,
  /** the transport refused to load */
  PLQ_E_TRANSPORT_REFUSED: 4010,
  /** the transport's descriptor is not usable */
  PLQ_E_TRANSPORT_INVALID: 4011,
  /** the dynamic loader refused the transport */
  PLQ_E_TRANSPORT_DLOPEN: 4012,
  /** the transport could not be set up */
  PLQ_E_TRANSPORT_CREATE: 4013,
  /** the program brings a library of its own that the transport would be bound to */
  PLQ_E_TRANSPORT_CLASH: 4014,
  /** the host name does not exist */
  PLQ_E_RESOLVE_NOT_FOUND: 5001,
  /** the name service did not answer for now */
  PLQ_E_RESOLVE_TEMPORARY: 5002,
  /** the host name could not be resolved */
  PLQ_E_RESOLVE_FAILED: 5003,
  /** the server refused the connection */
  PLQ_E_CONNECT_REFUSED: 6001,
  /** the server cannot be reached */
  PLQ_E_CONNECT_UNREACHABLE: 6002,
  /** the connection could not be opened */
  PLQ_E_CONNECT_FAILED: 6003,
  /** the proxy refused the tunnel */
  PLQ_E_PROXY_STATUS: 7001,
  /** the proxy answered with a 5xx status */
  PLQ_E_PROXY_UNAVAILABLE: 7002,
  /** the proxy closed the connection */
  PLQ_E_PROXY_CLOSED: 7003,
  /** the proxy's answer is not HTTP */
  PLQ_E_PROXY_PROTOCOL: 7004,
  /** the proxy asks for other credentials */
  PLQ_E_PROXY_AUTHENTICATION: 7005,
  /** the TLS handshake failed */
  PLQ_E_TLS_HANDSHAKE: 8001,
  /** the connection ended during the TLS handshake */
  PLQ_E_TLS_HANDSHAKE_EOF: 8002,
  /** the server offers no TLS version that is allowed */
  PLQ_E_TLS_VERSION: 8003,
  /** client and server share no cipher */
  PLQ_E_TLS_CIPHER: 8004,
  /** the server ended the handshake with an alert */
  PLQ_E_TLS_ALERT: 8005,
  /** the server does not speak TLS on this port */
  PLQ_E_TLS_NOT_TLS: 8006,
  /** the server sent a broken TLS record */
  PLQ_E_TLS_RECORD: 8007,
  /** the server's certificate is not valid */
  PLQ_E_VERIFY_CHAIN: 9001,
  /** the server's certificate has expired */
  PLQ_E_VERIFY_EXPIRED: 9002,
  /** the server's certificate is not valid yet */
  PLQ_E_VERIFY_NOT_YET_VALID: 9003,
  /** no trusted CA vouches for the server's certificate */
  PLQ_E_VERIFY_UNTRUSTED: 9004,
  /** the server's certificate is for another name */
  PLQ_E_VERIFY_HOST: 9005,
  /** the server's public key is not one of the pinned ones */
  PLQ_E_VERIFY_PIN: 9006,
  /** the server's certificate was revoked */
  PLQ_E_VERIFY_REVOKED: 9007,
  /** the transport did not vouch for the connection */
  PLQ_E_VERIFY_FACTS: 9008,
  /** the server's certificate is not one for servers */
  PLQ_E_VERIFY_PURPOSE: 9009,
  /** the server's certificate uses a key or signature that is too weak */
  PLQ_E_VERIFY_WEAK: 9010,
  /** a CA of the chain may not vouch for this name */
  PLQ_E_VERIFY_NAME_CONSTRAINT: 9011,
  /** the revocation list needed for the chain is missing or outdated */
  PLQ_E_VERIFY_REVOCATION_UNKNOWN: 9012,
  /** the connection was reset */
  PLQ_E_IO_RESET: 10001,
  /** the connection was lost while sending */
  PLQ_E_IO_SEND: 10002,
  /** a kept-alive connection died after the request was written */
  PLQ_E_IO_STALE_REUSE: 10003,
  /** the connection failed */
  PLQ_E_IO_FAILED: 10004,
  /** the server refused the stream before acting on it */
  PLQ_E_IO_REFUSED_STREAM: 10005,
  /** the server closed the connection without an answer */
  PLQ_E_TRUNCATED_NO_RESPONSE: 11001,
  /** the response head was cut off */
  PLQ_E_TRUNCATED_HEAD: 11002,
  /** the response body was cut off */
  PLQ_E_TRUNCATED_BODY: 11003,
  /** the chunked response body was cut off */
  PLQ_E_TRUNCATED_CHUNK: 11004,
  /** the end of the response is not proven */
  PLQ_E_TRUNCATED_NO_CLOSE_NOTIFY: 11005,
  /** the call's deadline passed */
  PLQ_E_TIMEOUT_TOTAL: 12001,
  /** the name look-up took too long */
  PLQ_E_TIMEOUT_RESOLVE: 12002,
  /** opening the connection took too long */
  PLQ_E_TIMEOUT_CONNECT: 12003,
  /** the proxy took too long */
  PLQ_E_TIMEOUT_PROXY: 12004,
  /** the TLS handshake took too long */
  PLQ_E_TIMEOUT_TLS: 12005,
  /** the server stopped reading */
  PLQ_E_TIMEOUT_SEND: 12006,
  /** the server did not answer */
  PLQ_E_TIMEOUT_FIRST_BYTE: 12007,
  /** the server paused for too long inside its response */
  PLQ_E_TIMEOUT_IDLE: 12008,
  /** no connection became free in time */
  PLQ_E_TIMEOUT_POOL: 12009,
  /** the response is not valid HTTP */
  PLQ_E_PROTOCOL_VIOLATION: 13001,
  /** the status line is malformed */
  PLQ_E_PROTOCOL_STATUS_LINE: 13002,
  /** a response header is malformed */
  PLQ_E_PROTOCOL_FIELD: 13003,
  /** Content-Length is malformed or given twice */
  PLQ_E_PROTOCOL_CONTENT_LENGTH: 13004,
  /** Transfer-Encoding is anything but one final chunked */
  PLQ_E_PROTOCOL_TRANSFER_ENCODING: 13005,
  /** Transfer-Encoding and Content-Length are both given */
  PLQ_E_PROTOCOL_TE_CL: 13006,
  /** the chunked body is malformed */
  PLQ_E_PROTOCOL_CHUNK: 13007,
  /** the body is compressed although identity was asked for */
  PLQ_E_PROTOCOL_ENCODING: 13008,
  /** the server switched protocols unasked */
  PLQ_E_PROTOCOL_UPGRADE: 13009,
  /** the server broke HTTP/2 */
  PLQ_E_PROTOCOL_HTTP2: 13010,
  /** the success response is not one JSON object */
  PLQ_E_PROTOCOL_JSON: 13011,
  /** the success response lacks a member that it must have */
  PLQ_E_PROTOCOL_MEMBER: 13012,
  /** the response head is too large */
  PLQ_E_LIMIT_HEAD: 14001,
  /** a response header line is too long */
  PLQ_E_LIMIT_LINE: 14002,
  /** the response has too many headers */
  PLQ_E_LIMIT_FIELDS: 14003,
  /** too many 1xx responses came */
  PLQ_E_LIMIT_INTERIM: 14004,
  /** the trailers are too large */
  PLQ_E_LIMIT_TRAILER: 14005,
  /** a chunk line is too long */
  PLQ_E_LIMIT_CHUNK_EXTENSION: 14006,
  /** the response body is too large */
  PLQ_E_LIMIT_BODY: 14007,
  /** the response's framing is out of all proportion to its content */
  PLQ_E_LIMIT_WIRE: 14008,
  /** the service answered with an unexpected status */
  PLQ_E_HTTP_STATUS: 15001,
  /** the service answered with a redirect, which is never followed */
  PLQ_E_HTTP_REDIRECT: 15002,
  /** the service rejected the request */
  PLQ_E_HTTP_CLIENT: 15003,
  /** the service does not accept the access token */
  PLQ_E_HTTP_UNAUTHORIZED: 15004,
  /** the access token does not allow this */
  PLQ_E_HTTP_FORBIDDEN: 15005,
  /** the service does not know this address */
  PLQ_E_HTTP_NOT_FOUND: 15006,
  /** the request conflicts with the service's state */
  PLQ_E_HTTP_CONFLICT: 15007,
  /** the service asks to slow down */
  PLQ_E_HTTP_THROTTLED: 15008,
  /** the service failed */
  PLQ_E_HTTP_SERVER: 15009,
  /** the call was cancelled */
  PLQ_E_CANCELLED: 16001,
  /** no file descriptor is left */
  PLQ_E_RESOURCE_DESCRIPTORS: 17001,
  /** the system lacks a resource */
  PLQ_E_RESOURCE_SYSTEM: 17002,
  /** no handle is left */
  PLQ_E_RESOURCE_HANDLES: 17003,
  /** out of memory */
  PLQ_E_MEMORY: 18001,
  /** the client or the queue was closed */
  PLQ_E_CLOSED: 19001,
  /** this belongs to the process before fork */
  PLQ_E_FORKED: 19002,
  /** not allowed from inside a callback */
  PLQ_E_REENTRANT: 19003,
  /** this is in use by another thread */
  PLQ_E_BUSY: 19004,
  /** the queue holds as many calls as it may */
  PLQ_E_QUEUE_FULL: 19005,
  /** the queue has no completion to give now */
  PLQ_E_QUEUE_EMPTY: 19006,
  /** not supported by this build or transport */
  PLQ_E_UNSUPPORTED: 20001,
  /** the secret's life is over */
  PLQ_E_SECRET_EXPIRED: 21001,
  /** the secret was taken before */
  PLQ_E_SECRET_TAKEN: 21002,
  /** a defect in the library */
  PLQ_E_INTERNAL: 22001,
  /** the transport broke its contract */
  PLQ_E_TRANSPORT_MISBEHAVED: 22002,
} as const;

/** Name of a status. A newer library may have further ones. */
export type ErrorCode = keyof typeof STATUS | (string & {});

/** What sort of failure. */
export type Kind = 'ok' | 'usage' | 'config' | 'input' | 'load' | 'resolve' | 'connect' | 'proxy' | 'tls' | 'verify' | 'io' | 'truncated' | 'timeout' | 'protocol' | 'limit' | 'http' | 'cancelled' | 'resource' | 'memory' | 'state' | 'unsupported' | 'secret' | 'internal';

/** Where in a call. */
export type Phase = 'none' | 'config' | 'load' | 'resolve' | 'connect' | 'proxy' | 'tls' | 'send' | 'wait' | 'receive' | 'decode' | 'backoff';

/** The tables that {@link describe} knows. */
export type TableName = 'tables' | 'operations' | 'operation_fields' | 'operationFields' | 'operation_results' | 'operationResults' | 'options' | 'transports' | 'transport_options' | 'transportOptions' | 'capabilities' | 'events' | 'event_fields' | 'eventFields' | 'statuses' | 'stats';

/** Names of the numbers of {@link ClientStats}, in the library's order. */
export const CLIENT_STATS = ['calls', 'callsSucceeded', 'callsFailed', 'callsInFlight', 'attempts', 'repeats', 'repeatsDenied', 'repeatsLeft', 'connectionsOpened', 'connectionsReused', 'connectionsOpen', 'connectionsBusy', 'bytesSent', 'bytesReceived', 'tokensRead'] as const;

/** What a client has done, counted since it was made. */
export interface ClientStats {
  readonly calls: number;
  readonly callsSucceeded: number;
  readonly callsFailed: number;
  readonly callsInFlight: number;
  readonly attempts: number;
  readonly repeats: number;
  readonly repeatsDenied: number;
  readonly repeatsLeft: number;
  readonly connectionsOpened: number;
  readonly connectionsReused: number;
  readonly connectionsOpen: number;
  readonly connectionsBusy: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly tokensRead: number;
}

/** What a value of an option may be beside text. */
export const OPTION_KINDS = {
  access_token: 'secret',
  second_access_token: 'secret',
  access_token_file: 'path',
  second_access_token_file: 'path',
  environment: 'choice',
  base_url: 'text',
  allow_plain_http: 'bool',
  allow_ambient_address: 'bool',
  transport: 'text',
  transport_dir: 'path',
  transport_allow: 'list',
  allow_test_transports: 'bool',
  transport_path_check: 'bool',
  transport_isolation: 'choice',
  timeout_ms: 'ms',
  resolve_timeout_ms: 'ms',
  connect_timeout_ms: 'ms',
  tls_timeout_ms: 'ms',
  idle_timeout_ms: 'ms',
  max_repeats: 'int',
  repeat_only_safe: 'bool',
  retry_statuses: 'list',
  retry_operations: 'list',
  repeat_budget: 'int',
  backoff_base_ms: 'ms',
  backoff_cap_ms: 'ms',
  max_head_bytes: 'int',
  max_body_bytes: 'int',
  max_connections: 'int',
  queue_max_calls: 'int',
  queue_threads: 'int',
  connection_idle_ms: 'ms',
  connection_lifetime_ms: 'ms',
  ca_file: 'path',
  ca_dir: 'path',
  crl_file: 'path',
  pins: 'list',
  client_certificate_file: 'path',
  client_key_file: 'path',
  client_key_password: 'secret',
  proxy: 'text',
  proxy_user: 'text',
  proxy_password: 'secret',
  resolve: 'list',
  http_version: 'choice',
} as const;

/** Options of a client. One that is undefined or null is not set: then the environment, the file and the default count. */
export interface ClientOptions {
  /** API key, sent as a bearer token (RFC 6750). Required before the first call. Variable: PLASTIQ_ACCESS_TOKEN. */
  accessToken?: string | Uint8Array | null | undefined;
  /** API key that is tried once when the service answers 401 to the first: for the 12 hours in which a rotated key still works. Variable: PLASTIQ_SECOND_ACCESS_TOKEN. */
  secondAccessToken?: string | Uint8Array | null | undefined;
  /** File that holds the access token; white space around it does not count. It is followed: looked at before an attempt, at most once a second, and read again when it was replaced or changed, symbolic links too. If it cannot be read then, the last good token stays in use. Instead of access_token. Variable: PLASTIQ_ACCESS_TOKEN_FILE. */
  accessTokenFile?: string | null | undefined;
  /** The same for the second access token. Instead of second_access_token. Variable: PLASTIQ_SECOND_ACCESS_TOKEN_FILE. */
  secondAccessTokenFile?: string | null | undefined;
  /** Which service to talk to: sandbox is https://connect.sandbox.plastiq.com/api, production is https://connect.plastiq.com/api. Default: sandbox. Variable: PLASTIQ_ENVIRONMENT. */
  environment?: 'sandbox' | 'production' | null | undefined;
  /** Replaces the environment's address, for example to reach the emulator: https://host[:port][/path], without user, query or fragment. Variable: PLASTIQ_BASE_URL. */
  baseUrl?: string | null | undefined;
  /** Allows an http base URL, to a loopback host only (127.0.0.0/8, ::1, localhost). For tests. Default: false. Only from code. */
  allowPlainHttp?: boolean | null | undefined;
  /** Allows a token or proxy_password from code to go where a variable points: without it, base_url, ca_file, ca_dir, pins, proxy and resolve from the environment do not combine with one. Default: false. Only from code. */
  allowAmbientAddress?: boolean | null | undefined;
  /** Transport plugin: a name ([a-z0-9][a-z0-9_-]{0,31}, found in transport_dir) or, from code only, an absolute path. Default: curl. Variable: PLASTIQ_TRANSPORT. */
  transport?: string | null | undefined;
  /** Absolute path of the one folder in which transport names are looked up. Default: the plugindir that the library was built with. Variable: PLASTIQ_TRANSPORT_DIR. */
  transportDir?: string | null | undefined;
  /** Names of the transports that may be used. Default: every production transport. Variable: PLASTIQ_TRANSPORT_ALLOW. */
  transportAllow?: string | readonly (string | number)[] | null | undefined;
  /** Allows transports of the class test, such as stub, which do not reach the service by themselves. Default: false. Only from code. */
  allowTestTransports?: boolean | null | undefined;
  /** Refuses a transport file that somebody other than root and the current user could replace. Default: true. Only from code. */
  transportPathCheck?: boolean | null | undefined;
  /** What to do when the program itself brings a library that the transport needs, such as Node its OpenSSL: auto binds the transport to its own libraries where that is safe and refuses otherwise, deepbind does so in any case, off loads it as it comes. Default: auto. Only from code. */
  transportIsolation?: 'auto' | 'deepbind' | 'off' | null | undefined;
  /** Deadline of a whole call, repeats and waits included, on the monotonic clock. -1: none. Default: 15000. From 1 to 86400000. Variable: PLASTIQ_TIMEOUT_MS. */
  timeoutMs?: number | null | undefined;
  /** Limit for one name look-up, inside timeout_ms. Default: 5000. From 1 to 86400000. Variable: PLASTIQ_RESOLVE_TIMEOUT_MS. */
  resolveTimeoutMs?: number | null | undefined;
  /** Limit for opening one connection, inside timeout_ms. Default: 5000. From 1 to 86400000. Variable: PLASTIQ_CONNECT_TIMEOUT_MS. */
  connectTimeoutMs?: number | null | undefined;
  /** Limit for one TLS handshake, inside timeout_ms. Default: 5000. From 1 to 86400000. Variable: PLASTIQ_TLS_TIMEOUT_MS. */
  tlsTimeoutMs?: number | null | undefined;
  /** Longest pause in which nothing moves: while sending, before the first byte of the response, and between two bytes, inside timeout_ms. Default: 10000. From 1 to 86400000. Variable: PLASTIQ_IDLE_TIMEOUT_MS. */
  idleTimeoutMs?: number | null | undefined;
  /** How often a call that failed in a repeatable way is repeated: 2 means at most 3 attempts. Default: 2. From 0 to 100. Variable: PLASTIQ_MAX_REPEATS. */
  maxRepeats?: number | null | undefined;
  /** Repeats only what certainly had no effect: NOT_SENT, 429, and 503 with Retry-After. Default: false. Variable: PLASTIQ_REPEAT_ONLY_SAFE. */
  repeatOnlySafe?: boolean | null | undefined;
  /** HTTP statuses that are repeated. An empty list repeats none. Default: 408,429,500,502,503,504,521,522,524. Variable: PLASTIQ_RETRY_STATUSES. */
  retryStatuses?: string | readonly (string | number)[] | null | undefined;
  /** Names of the operations that may be repeated. Default: those that the operations table marks repeatable. Variable: PLASTIQ_RETRY_OPERATIONS. */
  retryOperations?: string | readonly (string | number)[] | null | undefined;
  /** Token bucket: how many repeats a client may make before successes have filled it again (five successes give one back), so that an outage is not multiplied. Default: 100. From 0 to 1000000. Variable: PLASTIQ_REPEAT_BUDGET. */
  repeatBudget?: number | null | undefined;
  /** Upper bound of the first random wait before a repeat; it doubles with each one (full jitter). Default: 100. From 0 to 60000. Variable: PLASTIQ_BACKOFF_BASE_MS. */
  backoffBaseMs?: number | null | undefined;
  /** Upper bound of any random wait before a repeat. Default: 2000. From 0 to 600000. Variable: PLASTIQ_BACKOFF_CAP_MS. */
  backoffCapMs?: number | null | undefined;
  /** Largest response head in bytes: status line, headers, 1xx responses and trailers together. Default: 32768. From 1024 to 1048576. Variable: PLASTIQ_MAX_HEAD_BYTES. */
  maxHeadBytes?: number | null | undefined;
  /** Largest response body in bytes. Default: 1048576. From 1024 to 67108864. Variable: PLASTIQ_MAX_BODY_BYTES. */
  maxBodyBytes?: number | null | undefined;
  /** Most connections that one transport instance keeps open at once. A call that finds none free waits, inside its deadline. Default: 64. From 1 to 65536. Variable: PLASTIQ_MAX_CONNECTIONS. */
  maxConnections?: number | null | undefined;
  /** Most calls that a completion queue holds, in flight and waiting to be taken together. One more is refused, or waits for room. Default: 10000. From 1 to 1000000. Variable: PLASTIQ_QUEUE_MAX_CALLS. */
  queueMaxCalls?: number | null | undefined;
  /** Most threads that a completion queue starts for a transport that can only block. Others need none. Default: 4. From 1 to 256. Variable: PLASTIQ_QUEUE_THREADS. */
  queueThreads?: number | null | undefined;
  /** An idle connection older than this is not used again. Default: 20000. From 0 to 86400000. Variable: PLASTIQ_CONNECTION_IDLE_MS. */
  connectionIdleMs?: number | null | undefined;
  /** A connection older than this is not used again, so that revocation, expiry and changes of address take effect. Default: 3600000. From 0 to 86400000. Variable: PLASTIQ_CONNECTION_LIFETIME_MS. */
  connectionLifetimeMs?: number | null | undefined;
  /** PEM file of the CA certificates to trust instead of the system's. Variable: PLASTIQ_CA_FILE. */
  caFile?: string | null | undefined;
  /** Folder of CA certificates, hashed as by openssl rehash, to trust instead of the system's. Variable: PLASTIQ_CA_DIR. */
  caDir?: string | null | undefined;
  /** PEM file of revocation lists: every certificate of the chain must be covered by one, or the connection is refused. Variable: PLASTIQ_CRL_FILE. */
  crlFile?: string | null | undefined;
  /** SHA-256 of the server's public key (SubjectPublicKeyInfo), base64, as sha256//BASE64; one of them must match, on top of verification (RFC 7469 section 2.4). Variable: PLASTIQ_PINS. */
  pins?: string | readonly (string | number)[] | null | undefined;
  /** PEM file of the client certificate and its chain, for a server that asks for one. Variable: PLASTIQ_CLIENT_CERTIFICATE_FILE. */
  clientCertificateFile?: string | null | undefined;
  /** PEM file of the client certificate's private key. Variable: PLASTIQ_CLIENT_KEY_FILE. */
  clientKeyFile?: string | null | undefined;
  /** Password of client_key_file. Variable: PLASTIQ_CLIENT_KEY_PASSWORD. */
  clientKeyPassword?: string | Uint8Array | null | undefined;
  /** HTTP proxy to tunnel through, http://host[:port] or https://host[:port]. The environment's proxy variables are never read. Variable: PLASTIQ_PROXY. */
  proxy?: string | null | undefined;
  /** User name for the proxy. Variable: PLASTIQ_PROXY_USER. */
  proxyUser?: string | null | undefined;
  /** Password for the proxy. Variable: PLASTIQ_PROXY_PASSWORD. */
  proxyPassword?: string | Uint8Array | null | undefined;
  /** Addresses to use in place of name look-ups, as host:port:address; several of one host and port are tried in this order. Certificates are checked against the name all the same. Variable: PLASTIQ_RESOLVE. */
  resolve?: string | readonly (string | number)[] | null | undefined;
  /** HTTP version: auto lets the transport choose, 1.1 and 2 insist. Default: auto. Variable: PLASTIQ_HTTP_VERSION. */
  httpVersion?: 'auto' | '1.1' | '2' | null | undefined;
  /** An option of a transport, as it writes it, such as `stub.script`. */
  [key: `${string}.${string}`]: string | number | boolean | Uint8Array | readonly (string | number)[] | null | undefined;
}

/** One option as it is in effect. */
export interface OptionRow {
  readonly name: string;
  readonly type: string;
  readonly default: string;
  readonly min: string;
  readonly max: string;
  readonly choices: string;
  readonly variable: string;
  readonly codeOnly: string;
  readonly address: string;
  readonly transport: string;
  readonly doc: string;
  readonly value: string;
  readonly source: string;
  readonly place: string;
}

interface Caller {
  call(operation: string, params?: object | null, options?: CallOptions): Promise<Results>;
  callSync(operation: string, params?: object | null, options?: Omit<CallOptions, 'signal'>): Results;
}

/** Params of {@link ClientSecrets.create}. */
export interface ClientSecretsCreateParams {
  payer?: {
    /** Id of the payer that the secret is for. */
    id?: string | null | undefined;
  } | undefined;
  /** What the secret tokenizes. The service's default is CARD. */
  type?: 'CARD' | null | undefined;
  /** Id that follows the call through the service's logs. Without one the library makes one. */
  traceId?: string | null | undefined;
  /** The end user's User-Agent. Without one the library sends its own. */
  userAgent?: string | null | undefined;
  /** Unique id of the end user's browser or device; recommended for compliance. */
  endUserDeviceId?: string | null | undefined;
  /** The end user's IPv4 or IPv6 address; recommended for compliance. */
  endUserIp?: string | null | undefined;
}

/** Results of {@link ClientSecrets.create}. */
export interface ClientSecretsCreateResult extends CallFacts {
  /** The client secret. */
  readonly clientSecret: Secret;
}

/** Params of {@link ClientSecrets.createV2}. */
export interface ClientSecretsCreateV2Params {
  payer?: {
    /** Id of the payer that the secret is for. */
    id?: string | null | undefined;
  } | undefined;
  /** What the secret tokenizes. The service's default is CARD. */
  type?: 'CARD' | null | undefined;
  /** Id that follows the call through the service's logs. Without one the library makes one. */
  traceId?: string | null | undefined;
  /** The end user's User-Agent. Without one the library sends its own. */
  userAgent?: string | null | undefined;
  /** Unique id of the end user's browser or device; recommended for compliance. */
  endUserDeviceId?: string | null | undefined;
  /** The end user's IPv4 or IPv6 address; recommended for compliance. */
  endUserIp?: string | null | undefined;
}

/** Results of {@link ClientSecrets.createV2}. */
export interface ClientSecretsCreateV2Result extends CallFacts {
  /** The client secret. */
  readonly clientSecret: Secret;
}

/** The operations `client_secrets`. */
export class ClientSecrets {
  readonly #caller: Caller;

  /** @internal */
  constructor(caller: Caller) {
    this.#caller = caller;
  }

  /** Creates a single-use client secret that lives 60 seconds. It is handed to the buyer's browser, which tokenizes a card with it. Repeated by the library if it fails in a way that allows it. */
  create(params?: ClientSecretsCreateParams | null, options?: CallOptions): Promise<ClientSecretsCreateResult> {
    return this.#caller.call('client_secrets.create', params, options) as Promise<CallFacts> as Promise<ClientSecretsCreateResult>;
  }

  /** As {@link create}, but blocks the thread until the outcome. */
  createSync(params?: ClientSecretsCreateParams | null, options?: Omit<CallOptions, 'signal'>): ClientSecretsCreateResult {
    return this.#caller.callSync('client_secrets.create', params, options) as CallFacts as ClientSecretsCreateResult;
  }

  /** The later variant: the same request, but the secret lives 30 minutes. Repeated by the library if it fails in a way that allows it. */
  createV2(params?: ClientSecretsCreateV2Params | null, options?: CallOptions): Promise<ClientSecretsCreateV2Result> {
    return this.#caller.call('client_secrets.create_v2', params, options) as Promise<CallFacts> as Promise<ClientSecretsCreateV2Result>;
  }

  /** As {@link createV2}, but blocks the thread until the outcome. */
  createV2Sync(params?: ClientSecretsCreateV2Params | null, options?: Omit<CallOptions, 'signal'>): ClientSecretsCreateV2Result {
    return this.#caller.callSync('client_secrets.create_v2', params, options) as CallFacts as ClientSecretsCreateV2Result;
  }
}

/** One attempt of a call. What is not known is missing. */
export interface Attempt {
  /** Name of its status: PLQ_OK or PLQ_E_*. */
  readonly code: ErrorCode;
  readonly status: number;
  /** Where it failed; none: it did not. */
  readonly phase?: string;
  /** not_sent, maybe_sent or answered. */
  readonly delivery?: string;
  /** HTTP status of the response; 0: there was none. */
  readonly httpStatus?: number;
  /** 10, 11 or 20. */
  readonly httpVersion?: number;
  /** 0x0303 for TLS 1.2, 0x0304 for 1.3. */
  readonly tlsVersion?: number;
  /** 1: the connection had been used or opened before. */
  readonly reused?: boolean;
  /** 1: its TLS session was resumed. */
  readonly resumed?: boolean;
  /** 1: the access token, 2: the second one. */
  readonly token?: number;
  /** When it began, since the call did. */
  readonly startUs?: number;
  /** What was waited before it. */
  readonly waitUs?: number;
  /** Waiting for a free connection. */
  readonly queueUs?: number;
  /** Name look-up. */
  readonly resolveUs?: number;
  /** TCP, and the tunnel of a proxy. */
  readonly connectUs?: number;
  /** TLS handshake. */
  readonly tlsUs?: number;
  /** Sending the request. */
  readonly sendUs?: number;
  /** From the request to the first byte of the response. */
  readonly firstByteUs?: number;
  /** The whole attempt. */
  readonly totalUs?: number;
  /** Bytes of HTTP, 0 where none left. */
  readonly bytesSent?: number;
  /** Bytes of HTTP, 0 where none came. */
  readonly bytesReceived?: number;
  /** Address and port of the server. */
  readonly peer?: string;
  /** Trace id that the service answered with, else the one that was sent. */
  readonly traceId?: string;
  /** Why it failed, for people; at most 255 bytes. */
  readonly message?: string;
}

/** A call begins. A request that breaks a rule never begins, and has no events. */
export interface CallStartEvent {
  readonly event: 'callStart';
  /** Handle of the client. */
  readonly client: number;
  /** Number of the call on this client, from 1; of one in a queue its id; 0: the event belongs to none. */
  readonly call: number;
  /** When it happened, in microseconds since 1970 (UTC), on the system's clock. */
  readonly timeUs: number;
  /** Name of the operation. */
  readonly operation: string;
  /** Trace id that is sent with every attempt. */
  readonly traceId: string;
  /** Deadline of the whole call; -1: none. */
  readonly timeoutMs: number;
  /** How often it may be repeated. */
  readonly maxRepeats: number;
}

/** A request is about to be handed to the transport. */
export interface AttemptStartEvent {
  readonly event: 'attemptStart';
  /** Handle of the client. */
  readonly client: number;
  /** Number of the call on this client, from 1; of one in a queue its id; 0: the event belongs to none. */
  readonly call: number;
  /** When it happened, in microseconds since 1970 (UTC), on the system's clock. */
  readonly timeUs: number;
  /** Number of the attempt, from 1. */
  readonly attempt: number;
  /** Trace id that is sent. */
  readonly traceId: string;
  /** 1: the access token, 2: the second one. */
  readonly token: number;
  /** What was waited before it. */
  readonly waitUs: number;
}

/** A new connection was found good for the request, which has not left yet. */
export interface ConnectionOpenedEvent {
  readonly event: 'connectionOpened';
  /** Handle of the client. */
  readonly client: number;
  /** Number of the call on this client, from 1; of one in a queue its id; 0: the event belongs to none. */
  readonly call: number;
  /** When it happened, in microseconds since 1970 (UTC), on the system's clock. */
  readonly timeUs: number;
  /** Number of the attempt. */
  readonly attempt: number;
  /** Address and port of the server. */
  readonly peer: string;
  /** 10, 11 or 20. */
  readonly httpVersion: number;
  /** 0x0303 for TLS 1.2, 0x0304 for 1.3; 0: none, or not known. */
  readonly tlsVersion: number;
  /** 1: the TLS session was resumed. */
  readonly resumed: number;
  /** Name of the cipher suite. */
  readonly tlsCipher: string;
  /** The server's public key, as the option pins takes it: sha256//BASE64. */
  readonly pin: string;
  /** 1: a trusted CA vouches for the certificate, and it names the host. */
  readonly verified: number;
  /** 1: through a proxy. */
  readonly proxied: number;
}

/** The same, of a connection that carried a request before, or was opened ahead of use. */
export interface ConnectionReusedEvent {
  readonly event: 'connectionReused';
  /** Handle of the client. */
  readonly client: number;
  /** Number of the call on this client, from 1; of one in a queue its id; 0: the event belongs to none. */
  readonly call: number;
  /** When it happened, in microseconds since 1970 (UTC), on the system's clock. */
  readonly timeUs: number;
  /** Number of the attempt. */
  readonly attempt: number;
  /** Address and port of the server. */
  readonly peer: string;
  /** 10, 11 or 20. */
  readonly httpVersion: number;
  /** 0x0303 for TLS 1.2, 0x0304 for 1.3; 0: none, or not known. */
  readonly tlsVersion: number;
  /** 1: its TLS session was resumed when it was opened. */
  readonly resumed: number;
  /** Name of the cipher suite. */
  readonly tlsCipher: string;
  /** The server's public key, as the option pins takes it: sha256//BASE64. */
  readonly pin: string;
  /** 1: a trusted CA vouches for the certificate, and it names the host. */
  readonly verified: number;
  /** 1: through a proxy. */
  readonly proxied: number;
}

/** An attempt is over, well or not. Its facts are those of attempts.h. */
export interface AttemptEndEvent {
  readonly event: 'attemptEnd';
  /** Handle of the client. */
  readonly client: number;
  /** Number of the call on this client, from 1; of one in a queue its id; 0: the event belongs to none. */
  readonly call: number;
  /** When it happened, in microseconds since 1970 (UTC), on the system's clock. */
  readonly timeUs: number;
  /** Number of the attempt. */
  readonly attempt: number;
  /** PLQ_OK or PLQ_E_*. */
  readonly status: number;
  /** Its name, such as PLQ_E_CONNECT_REFUSED. */
  readonly statusName: string;
  /** Its kind, such as connect. */
  readonly kind: string;
  /** Where it failed; none: it did not. */
  readonly phase: string;
  /** not_sent, maybe_sent or answered. */
  readonly delivery: string;
  /** HTTP status of the response; 0: there was none. */
  readonly httpStatus: number;
  /** 10, 11 or 20. */
  readonly httpVersion: number;
  /** 0x0303 for TLS 1.2, 0x0304 for 1.3. */
  readonly tlsVersion: number;
  /** 1: the connection had been used or opened before. */
  readonly reused: number;
  /** 1: its TLS session was resumed. */
  readonly resumed: number;
  /** 1: the access token, 2: the second one. */
  readonly token: number;
  /** When it began, since the call did. */
  readonly startUs: number;
  /** What was waited before it. */
  readonly waitUs: number;
  /** Waiting for a free connection. */
  readonly queueUs: number;
  /** Name look-up. */
  readonly resolveUs: number;
  /** TCP, and the tunnel of a proxy. */
  readonly connectUs: number;
  /** TLS handshake. */
  readonly tlsUs: number;
  /** Sending the request. */
  readonly sendUs: number;
  /** From the request to the first byte of the response. */
  readonly firstByteUs: number;
  /** The whole attempt. */
  readonly totalUs: number;
  /** Bytes of HTTP, 0 where none left. */
  readonly bytesSent: number;
  /** Bytes of HTTP, 0 where none came. */
  readonly bytesReceived: number;
  /** Address and port of the server. */
  readonly peer: string;
  /** Trace id that the service answered with, else the one that was sent. */
  readonly traceId: string;
  /** Why it failed, for people; at most 255 bytes. */
  readonly message: string;
}

/** Another attempt will be made, after a wait. */
export interface RepeatEvent {
  readonly event: 'repeat';
  /** Handle of the client. */
  readonly client: number;
  /** Number of the call on this client, from 1; of one in a queue its id; 0: the event belongs to none. */
  readonly call: number;
  /** When it happened, in microseconds since 1970 (UTC), on the system's clock. */
  readonly timeUs: number;
  /** Number of the attempt that failed. */
  readonly attempt: number;
  /** Why it failed: PLQ_E_*. */
  readonly status: number;
  /** Its name. */
  readonly statusName: string;
  /** backoff: a random wait; retry_after: the service said when; second_token: the first token was refused. */
  readonly reason: string;
  /** What will be waited. */
  readonly waitUs: number;
  /** What is left of the option repeat_budget. */
  readonly repeatsLeft: number;
}

/** A call is over: exactly once for each call_start. */
export interface CallEndEvent {
  readonly event: 'callEnd';
  /** Handle of the client. */
  readonly client: number;
  /** Number of the call on this client, from 1; of one in a queue its id; 0: the event belongs to none. */
  readonly call: number;
  /** When it happened, in microseconds since 1970 (UTC), on the system's clock. */
  readonly timeUs: number;
  /** Name of the operation. */
  readonly operation: string;
  /** PLQ_OK or PLQ_E_*. */
  readonly status: number;
  /** Its name. */
  readonly statusName: string;
  /** Its kind. */
  readonly kind: string;
  /** Where it failed; none: it did not. */
  readonly phase: string;
  /** not_sent, maybe_sent or answered. */
  readonly delivery: string;
  /** HTTP status of the last response; 0: there was none. */
  readonly httpStatus: number;
  /** How many attempts were made. */
  readonly attempts: number;
  /** From the start of the call, waits included. */
  readonly elapsedUs: number;
  /** Trace id that the service answered with, else the one that was sent. */
  readonly traceId: string;
  /** The service's code of the error. */
  readonly serviceCode: string;
  /** What the service said about when to try again. */
  readonly retryAfterMs: number;
  /** Why it failed, for people. */
  readonly message: string;
}

/** plq_client_warm() or plq_queue_warm() is over. */
export interface WarmEvent {
  readonly event: 'warm';
  /** Handle of the client. */
  readonly client: number;
  /** Number of the call on this client, from 1; of one in a queue its id; 0: the event belongs to none. */
  readonly call: number;
  /** When it happened, in microseconds since 1970 (UTC), on the system's clock. */
  readonly timeUs: number;
  /** How many connections were to be open. */
  readonly count: number;
  /** How many are. */
  readonly open: number;
  /** PLQ_OK or PLQ_E_*. */
  readonly status: number;
  /** Its name. */
  readonly statusName: string;
  /** What it took. */
  readonly elapsedUs: number;
}

/** A line for people, from the library or from the transport. */
export interface LogEvent {
  readonly event: 'log';
  /** Handle of the client. */
  readonly client: number;
  /** Number of the call on this client, from 1; of one in a queue its id; 0: the event belongs to none. */
  readonly call: number;
  /** When it happened, in microseconds since 1970 (UTC), on the system's clock. */
  readonly timeUs: number;
  /** PLQ_LOG_* of transport.h: 1 debug, 2 info, 3 warning, 4 error, 5: the library misbehaved towards the transport. */
  readonly level: number;
  /** The level's name. */
  readonly levelName: string;
  /** libplastiq, or the transport's name. */
  readonly source: string;
  /** The line; without control characters, tokens or secrets. */
  readonly text: string;
}

/** Anything that a listener may be told. */
export type PlastiqEvent = CallStartEvent | AttemptStartEvent | ConnectionOpenedEvent | ConnectionReusedEvent | AttemptEndEvent | RepeatEvent | CallEndEvent | WarmEvent | LogEvent;

/** The events of a client, and what their listeners are given. */
export interface EventMap {
  /** A call begins. A request that breaks a rule never begins, and has no events. */
  callStart: [CallStartEvent];
  /** A request is about to be handed to the transport. */
  attemptStart: [AttemptStartEvent];
  /** A new connection was found good for the request, which has not left yet. */
  connectionOpened: [ConnectionOpenedEvent];
  /** The same, of a connection that carried a request before, or was opened ahead of use. */
  connectionReused: [ConnectionReusedEvent];
  /** An attempt is over, well or not. Its facts are those of attempts.h. */
  attemptEnd: [AttemptEndEvent];
  /** Another attempt will be made, after a wait. */
  repeat: [RepeatEvent];
  /** A call is over: exactly once for each call_start. */
  callEnd: [CallEndEvent];
  /** plq_client_warm() or plq_queue_warm() is over. */
  warm: [WarmEvent];
  /** A line for people, from the library or from the transport. */
  log: [LogEvent];
}
