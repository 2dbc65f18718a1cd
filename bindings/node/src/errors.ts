// SPDX-License-Identifier: MIT
import { camel, camelObject } from './names.js';
import { STATUS, type Attempt, type ErrorCode, type Kind, type Phase } from './generated.js';

/** Whether the request reached the server: no byte left; at least one did and no complete answer came; a complete answer came. */
export type Delivery = 'not_sent' | 'maybe_sent' | 'answered';

/** What happened when a transport was looked for and loaded. */
export interface LoadStep {
  readonly path: string;
  readonly stage: string;
  readonly reason: string;
}

/** What a {@link PlastiqError} is made from. */
export interface ErrorFacts {
  code?: string | undefined;
  status?: number | undefined;
  kind?: string | undefined;
  phase?: string | undefined;
  delivery?: string | undefined;
  repeatable?: boolean | undefined;
  message?: string | undefined;
  field?: string | undefined;
  serviceCode?: string | undefined;
  serviceMessage?: string | undefined;
  details?: readonly string[] | undefined;
  httpStatus?: number | undefined;
  traceId?: string | undefined;
  retryAfterMs?: number | undefined;
  attempts?: readonly Attempt[] | undefined;
  load?: readonly LoadStep[] | undefined;
}

/** Whatever went wrong. Its subclasses are its kinds: branch on these, or on {@link code}. It never holds a token or a secret. */
export class PlastiqError extends Error {
  /** Name of the status, such as `PLQ_E_HTTP_UNAUTHORIZED`. */
  readonly code: ErrorCode;
  /** Number of the status. */
  readonly status: number;
  /** What sort of failure; for one that this version does not know, this is all that there is to branch on. */
  readonly kind: Kind;
  /** Where in the call it happened. */
  readonly phase: Phase;
  /** Whether the request reached the server. */
  readonly delivery: Delivery;
  /** Whether the same call may succeed later without any change. */
  readonly repeatable: boolean;
  /** Name of the option, param or header that was wrong. */
  readonly field: string | undefined;
  /** The service's code, such as `VALIDATION_ERROR`. */
  readonly serviceCode: string | undefined;
  readonly serviceMessage: string | undefined;
  /** What else the service said. */
  readonly details: readonly string[];
  readonly httpStatus: number | undefined;
  readonly traceId: string | undefined;
  /** The wait that the service asked for. */
  readonly retryAfterMs: number | undefined;
  readonly attempts: readonly Attempt[];
  /** How the transport was looked for. */
  readonly load: readonly LoadStep[];

  constructor(facts: ErrorFacts, options?: ErrorOptions) {
    super(facts.message ?? facts.code ?? 'the call failed', options);
    this.code = facts.code ?? 'PLQ_E_INTERNAL';
    this.status = facts.status ?? (STATUS as Readonly<Record<string, number>>)[this.code] ?? 0;
    this.kind = (facts.kind ?? 'internal') as Kind;
    this.phase = (facts.phase ?? 'none') as Phase;
    this.delivery = (facts.delivery ?? 'not_sent') as Delivery;
    this.repeatable = facts.repeatable ?? false;
    this.field = facts.field;
    this.serviceCode = facts.serviceCode;
    this.serviceMessage = facts.serviceMessage;
    this.details = facts.details ?? [];
    this.httpStatus = facts.httpStatus;
    this.traceId = facts.traceId;
    this.retryAfterMs = facts.retryAfterMs;
    this.attempts = facts.attempts ?? [];
    this.load = facts.load ?? [];
  }
}

/** The library was called in a way that it does not allow. */
export class PlastiqUsageError extends PlastiqError {}
/** An option is missing, unknown or wrong. */
export class PlastiqConfigError extends PlastiqError {}
/** The request breaks a rule; nothing was sent. */
export class PlastiqInputError extends PlastiqError {}
/** libplastiq or a transport could not be loaded. */
export class PlastiqLoadError extends PlastiqError {}
/** The host name could not be resolved. */
export class PlastiqResolveError extends PlastiqError {}
/** No connection could be made. */
export class PlastiqConnectError extends PlastiqError {}
/** The proxy did not let the connection through. */
export class PlastiqProxyError extends PlastiqError {}
/** The TLS handshake failed. */
export class PlastiqTlsError extends PlastiqError {}
/** The server could not prove who it is. */
export class PlastiqVerifyError extends PlastiqError {}
/** The connection was lost. */
export class PlastiqIoError extends PlastiqError {}
/** The response ended before it was complete. */
export class PlastiqTruncatedError extends PlastiqError {}
/** Time ran out. */
export class PlastiqTimeoutError extends PlastiqError {}
/** The response breaks a rule of HTTP or of the API. */
export class PlastiqProtocolError extends PlastiqError {}
/** The response is larger than allowed. */
export class PlastiqLimitError extends PlastiqError {}
/** The service answered with an error. */
export class PlastiqHttpError extends PlastiqError {}
/** The call was cancelled: by its signal, which is then the cause's, or because the client was closed. Its name is `AbortError`. */
export class PlastiqCancelledError extends PlastiqError {}
/** The system lacks a resource. */
export class PlastiqResourceError extends PlastiqError {}
/** Out of memory. */
export class PlastiqMemoryError extends PlastiqError {}
/** The object is not in a state that allows this, such as a client that was closed. */
export class PlastiqStateError extends PlastiqError {}
/** The chosen parts cannot do this. */
export class PlastiqUnsupportedError extends PlastiqError {}
/** The secret has expired, or was taken or wiped before. */
export class PlastiqSecretError extends PlastiqError {}
/** A defect in the library, in a transport or in this package. */
export class PlastiqInternalError extends PlastiqError {}

const classes: Readonly<Record<Exclude<Kind, 'ok'>, typeof PlastiqError>> = {
  usage: PlastiqUsageError,
  config: PlastiqConfigError,
  input: PlastiqInputError,
  load: PlastiqLoadError,
  resolve: PlastiqResolveError,
  connect: PlastiqConnectError,
  proxy: PlastiqProxyError,
  tls: PlastiqTlsError,
  verify: PlastiqVerifyError,
  io: PlastiqIoError,
  truncated: PlastiqTruncatedError,
  timeout: PlastiqTimeoutError,
  protocol: PlastiqProtocolError,
  limit: PlastiqLimitError,
  http: PlastiqHttpError,
  cancelled: PlastiqCancelledError,
  resource: PlastiqResourceError,
  memory: PlastiqMemoryError,
  state: PlastiqStateError,
  unsupported: PlastiqUnsupportedError,
  secret: PlastiqSecretError,
  internal: PlastiqInternalError,
};

for (const [kind, one] of [['', PlastiqError] as const, ...Object.entries(classes)]) {
  const name = kind === 'cancelled' ? 'AbortError' : one.name;
  Object.defineProperty(one.prototype, 'name', { value: name, configurable: true, writable: true });
}

export function makeError(facts: ErrorFacts, options?: ErrorOptions): PlastiqError {
  const kind = facts.kind ?? 'internal';
  const fitting = Object.hasOwn(classes, kind) ? classes[kind as Exclude<Kind, 'ok'>] : PlastiqError;
  return new fitting(facts, options);
}

export function toAttempt(from: unknown): Attempt {
  const { name, ...rest } = from as Record<string, unknown>;
  return { code: name, ...camelObject(rest) } as unknown as Attempt;
}

/** From the map `error` of a reply, or the library's JSON of an error: both have the same names. */
export function errorFromMap(map: Readonly<Record<string, unknown>>, attempts: unknown, options?: ErrorOptions): PlastiqError {
  const { name, attempts: own, field, ...rest } = map;
  const list = attempts ?? own;
  const facts: ErrorFacts = camelObject(rest);
  facts.code = name as string;
  // Options of a transport are written as the library writes them, because their names have a dot.
  if (typeof field === 'string') facts.field = /^[a-z0-9_]+$/.test(field) ? camel(field) : field;
  if (Array.isArray(list)) facts.attempts = list.map(toAttempt);
  return makeError(facts, options);
}

/** What the binding itself finds wrong, in words of the library. */
export function localError(code: keyof typeof STATUS, kind: Kind, message: string, field?: string, cause?: unknown): PlastiqError {
  const phase = kind === 'load' ? 'load' : kind === 'state' || kind === 'cancelled' ? 'none' : 'config';
  return makeError({ code, kind, message, field, phase, delivery: 'not_sent' }, cause === undefined ? undefined : { cause });
}

export function loadError(message: string, cause?: unknown): PlastiqError {
  return localError('PLQ_E_ABI', 'load', message, undefined, cause);
}
