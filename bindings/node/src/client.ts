// SPDX-License-Identifier: MIT
import { AsyncResource } from 'node:async_hooks';
import { EventEmitter } from 'node:events';
import { inspect, types } from 'node:util';

import { errorFromMap, localError, makeError, PlastiqError, type Delivery } from './errors.js';
import { ClientSecrets, CLIENT_STATS, OPTION_KINDS, STATUS, type ClientOptions, type ClientStats, type EventMap, type OptionRow, type PlastiqEvent, type TableName } from './generated.js';
import { checkText, decode, encodeCall, encodeDescribe, isPlain, kindOf, readEvents, readResults, readTable, type CallOptions, type Results } from './message.js';
import { snake } from './names.js';
import {
  ENTRY_KIND,
  ENTRY_LENGTH,
  ENTRY_NUMBER,
  ENTRY_OFFSET,
  ENTRY_SIZE,
  ENTRY_TAG,
  hasNoLibuv,
  KIND_CLOSED,
  KIND_RESULT,
  KIND_WARMED,
  native,
  RESULTS_A_TURN,
  type Link,
} from './native.js';
import { Secret } from './secret.js';
import { errorFrom, errorFromStatus, isFailure } from './status.js';

/** What a transport says of itself. */
export interface TransportFacts {
  readonly name: string;
  readonly path: string;
  readonly version: string;
  /** The libraries under it, such as "libcurl/7.88.1 OpenSSL/3.0.22": those that it really runs on. */
  readonly stack: string;
  readonly class: string;
  readonly id: string;
  readonly vendor: string;
  readonly license: string;
  readonly capabilities: readonly string[];
}

/** What the queue of a client is doing. */
export interface QueueStats {
  readonly calls: number;
  readonly inFlight: number;
  readonly ready: number;
  readonly maxCalls: number;
  readonly connectionsOpen: number;
  readonly connectionsBusy: number;
}

const QUEUE_STATS = ['calls', 'inFlight', 'ready', 'maxCalls', 'connectionsOpen', 'connectionsBusy'] as const;
const TRANSPORT_TEXTS = ['name', 'path', 'version', 'stack', 'class', 'id', 'vendor', 'license', 'capabilities'] as const;

// ---- what is in flight, in this environment ----

interface Waiting {
  readonly client: Client;
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
  /** Of a call whose events go to listeners: where it was made, for AsyncLocalStorage. */
  readonly place: AsyncResource | undefined;
  readonly wantsEvents: boolean;
  readonly signal: AbortSignal | undefined;
  cancel: (() => void) | undefined;
  /** It is no call: close() waits. */
  readonly closes: boolean;
}

const waiting = new Map<number, Waiting>();
const entries = new Float64Array(RESULTS_A_TURN * ENTRY_SIZE);
let lastTag = 0;

/** What a signal cancels. It has one listener for all of it: of many calls with the same signal, Node would warn as of a leak. */
interface Watch {
  readonly cancels: Set<() => void>;
  readonly onAbort: () => void;
}

const watches = new WeakMap<AbortSignal, Watch>();

function watch(signal: AbortSignal, cancel: () => void): void {
  let found = watches.get(signal);
  if (found === undefined) {
    const cancels = new Set<() => void>();
    const onAbort = (): void => {
      for (const one of cancels) one();
    };
    found = { cancels, onAbort };
    signal.addEventListener('abort', onAbort, { once: true });
    watches.set(signal, found);
  }
  found.cancels.add(cancel);
}

function unwatch(signal: AbortSignal, cancel: () => void): void {
  const found = watches.get(signal);
  if (found === undefined || !found.cancels.delete(cancel) || found.cancels.size > 0) return;
  watches.delete(signal);
  signal.removeEventListener('abort', found.onAbort);
}

function settle(tag: number): Waiting | undefined {
  const found = waiting.get(tag);
  if (found === undefined) return undefined;
  waiting.delete(tag);
  if (found.signal !== undefined && found.cancel !== undefined) unwatch(found.signal, found.cancel);
  return found;
}

function failureOf(reply: Readonly<Record<string, unknown>>, signal: AbortSignal | undefined): PlastiqError {
  const map = reply['error'] as Record<string, unknown>;
  const aborted = map['kind'] === 'cancelled' && signal?.aborted === true;
  return errorFromMap(map, reply['attempts'], aborted ? { cause: signal.reason } : undefined);
}

function finish(call: Waiting, bytes: Uint8Array): void {
  try {
    const reply = decode(bytes);
    const events = reply['events'] === undefined ? undefined : readEvents(reply);
    if (events !== undefined && call.place !== undefined) call.place.runInAsyncScope(tell, undefined, call.client, events);
    if (reply['status'] === 0) call.resolve(readResults(reply, call.wantsEvents ? events : undefined) as never);
    else call.reject(failureOf(reply, call.signal));
  } catch (error) {
    call.reject(error instanceof PlastiqError ? error : localError('PLQ_E_INTERNAL', 'internal', 'a reply cannot be read', undefined, error));
  }
}

/** A listener that throws must not keep a call from its result: it is as if an event loop had called it. */
function tell(client: Client, events: readonly PlastiqEvent[]): void {
  for (const event of events) {
    try {
      client.emit(event.event, ...([event] as never));
    } catch (error) {
      process.nextTick(() => {
        throw error;
      });
    }
  }
}

const number = (entry: number, field: number): number => entries[entry * ENTRY_SIZE + field] ?? 0;

/** Called by the addon, at most once a turn of the loop, with what has come. */
function dispatch(count: number, bytes: Uint8Array): void {
  for (let i = 0; i < count; i++) {
    const found = settle(number(i, ENTRY_TAG));
    const kind = number(i, ENTRY_KIND);
    const offset = number(i, ENTRY_OFFSET);
    const length = number(i, ENTRY_LENGTH);
    if (found === undefined) {
      if (kind === KIND_RESULT) discard(bytes.subarray(offset, offset + length));
    } else if (kind === KIND_CLOSED) found.resolve(undefined as never);
    else if (kind === KIND_WARMED) warmed(found, length, number(i, ENTRY_NUMBER));
    else finish(found, bytes.subarray(offset, offset + length));
  }
}

/** A result that nobody waits for any more: its secrets are wiped, and not left for the end of the client. */
function discard(bytes: Uint8Array): void {
  try {
    const reply = decode(bytes);
    if (reply['status'] !== 0) return;
    for (const value of Object.values(readResults(reply, undefined))) if (value instanceof Secret) value.wipe();
  } catch {
    // What cannot be read here ends with the client; the other results of this turn must not suffer.
  }
}

function warmed(found: Waiting, open: number, status: number): void {
  if (status === 0) found.resolve(open as never);
  else found.reject(errorFromStatus(status));
}

const unusable = native.start(dispatch, entries, hasNoLibuv);
if (unusable !== undefined) throw localError('PLQ_E_UNSUPPORTED', 'unsupported', `plastiq cannot run here: ${unusable}`);

// ---- options ----

type OptionKind = (typeof OPTION_KINDS)[keyof typeof OPTION_KINDS];

const TEXT = 'a string';
const BYTES = 'a string or a Uint8Array';
const NUMBER = 'a whole number';
const LIST = 'a string, or an array of strings without commas or of numbers';
const WORDS: Readonly<Record<OptionKind, string>> = { secret: BYTES, text: TEXT, path: TEXT, choice: TEXT, bool: 'a boolean', int: NUMBER, ms: NUMBER, list: LIST };

/** Any option may be text, as from a command line, and the library says what is wrong with that; otherwise it has to be of its type. */
function toText(key: string, kind: OptionKind | undefined, value: unknown): string | Uint8Array {
  const may = (...kinds: OptionKind[]): boolean => kind === undefined || kinds.includes(kind);
  if (typeof value === 'string') {
    checkText(key, value);
    return value;
  }
  if (types.isUint8Array(value) && may('secret')) return value;
  if (typeof value === 'boolean' && may('bool')) return String(value);
  if (typeof value === 'number' && may('int', 'ms')) return value === Infinity && kind === 'ms' ? '-1' : String(value);
  if (Array.isArray(value) && may('list') && value.every((one) => (typeof one === 'string' && !one.includes(',')) || typeof one === 'number')) return toText(key, 'list', value.join(','));
  const right = kind === undefined ? `${BYTES}, a number, a boolean, or an array` : WORDS[kind];
  throw localError('PLQ_E_OPTION_VALUE', 'config', `${key} must be ${right}, and not ${kindOf(value)}`, key);
}

function openLink(options: unknown, ambient: boolean): Link {
  if (!isPlain(options)) throw localError('PLQ_E_ARGUMENT', 'usage', `options must be a plain object, and not ${kindOf(options)}`, 'options');
  const keys: string[] = [];
  const values: (string | Uint8Array)[] = [];
  for (const [key, value] of Object.entries(options)) {
    if (value === undefined || value === null) continue;
    const name = key.includes('.') ? key : snake(key);
    keys.push(name);
    values.push(toText(key, Object.hasOwn(OPTION_KINDS, name) ? OPTION_KINDS[name as keyof typeof OPTION_KINDS] : undefined, value));
  }
  const link = native.open(keys, values, ambient);
  if (isFailure(link)) throw errorFrom(link);
  return link;
}

function toToken(name: string, token: unknown): string | Uint8Array | null {
  if (token === undefined || token === null) return null;
  if (typeof token === 'string' || types.isUint8Array(token)) return token;
  throw localError('PLQ_E_TOKEN_INVALID', 'config', `${name} must be ${BYTES}, and not ${kindOf(token)}`, name);
}

function toWhole(name: string, value: unknown, least: number, most: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
  throw localError('PLQ_E_ARGUMENT', 'usage', `${name} must be a whole number from ${String(least)} to ${String(most)}`, name);
}

function toBool(name: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value;
  throw localError('PLQ_E_ARGUMENT', 'usage', `${name} must be a boolean, and not ${kindOf(value)}`, name);
}

/** The last argument of a method: what is not in it is its default, and what has no place in it is a mistake. */
function settingsOf<T extends object>(defaults: T, given: unknown): T {
  if (given === undefined) return defaults;
  if (!isPlain(given)) throw localError('PLQ_E_ARGUMENT', 'usage', `settings must be a plain object, and not ${kindOf(given)}`, 'settings');
  const names = Object.keys(defaults);
  for (const key of Object.keys(given)) {
    if (!names.includes(key)) throw localError('PLQ_E_ARGUMENT', 'usage', `there is no setting ${key}; there are ${names.join(' and ')}`, key);
  }
  return Object.fromEntries(names.map((name) => [name, given[name] === undefined ? defaults[name as keyof T] : given[name]])) as T;
}

function toTimeout(value: number): number {
  return value === Infinity || value === -1 ? -1 : toWhole('timeoutMs', value, 0, 86_400_000);
}

// ---- the client ----

/**
 * A client: options, a transport, its connections and the access token. Make one and keep it; any number of calls may be in flight at once.
 *
 * It is an EventEmitter: what happens in a call is told as events when its result comes, in order (see {@link EventMap}). While there is no
 * listener nothing is gathered. An idle client does not keep the process alive.
 *
 * Workers make clients of their own: nothing is shared between threads.
 */
export class Client extends EventEmitter<EventMap> {
  readonly #link: Link;
  #closing: Promise<void> | undefined;
  #closed = false;
  /** The operations on client secrets. */
  readonly clientSecrets: ClientSecrets;

  /**
   * Makes a client. Reads local files (CA certificates, keys), and sends nothing.
   * @param options what is not said here is taken from PLASTIQ_ variables, the file named by PLASTIQ_CONFIG, and the defaults
   * @param settings `ambient: false` reads neither variables nor that file
   * @throws PlastiqConfigError with `field` if an option is unknown or wrong; PlastiqLoadError if the transport cannot be loaded
   */
  constructor(options: ClientOptions = {}, settings: { ambient?: boolean | undefined } = {}) {
    super();
    const { ambient } = settingsOf({ ambient: true }, settings);
    this.#link = openLink(options, toBool('ambient', ambient));
    this.clientSecrets = new ClientSecrets(this);
    Object.defineProperty(this, 'clientSecrets', { enumerable: false });
  }

  /** Whether {@link close} was called. */
  get closed(): boolean {
    return this.#closing !== undefined;
  }

  /** Calls an operation by its name. {@link clientSecrets} has those that this version knows. */
  call(operation: string, params?: object | null, options?: CallOptions): Promise<Results> {
    return new Promise((resolve, reject) => {
      this.#check();
      const signal = checkSignal(options?.signal);
      const listens = this.eventNames().length > 0;
      if (signal?.aborted === true) throw cancelled('not_sent', signal);
      const message = encodeCall(operation, params, options, listens);
      const call: Waiting = {
        client: this,
        resolve,
        reject,
        place: listens ? new AsyncResource('plastiq') : undefined,
        wantsEvents: options?.events === true,
        signal,
        cancel: undefined,
        closes: false,
      };
      const tag = ++lastTag;
      const id = native.submit(this.#link, message, tag);
      // A header's value may be one that nobody else should see.
      if (options?.headers !== undefined) message.fill(0);
      if (id < 0) throw errorFromStatus(-id);
      waiting.set(tag, call);
      if (signal !== undefined) {
        call.cancel = () => {
          native.cancel(this.#link, id);
        };
        watch(signal, call.cancel);
      }
    });
  }

  /** As {@link call}, but blocks the thread until the outcome: for scripts, never for servers. Takes no signal. */
  callSync(operation: string, params?: object | null, options?: Omit<CallOptions, 'signal'>): Results {
    this.#check();
    if (typeof options === 'object' && 'signal' in options) throw localError('PLQ_E_ARGUMENT', 'usage', 'a blocking call takes no signal', 'signal');
    const listens = this.eventNames().length > 0;
    const message = encodeCall(operation, params, options, listens);
    const bytes = native.call(this.#link, message);
    if (options?.headers !== undefined) message.fill(0);
    if (typeof bytes === 'number') throw errorFromStatus(bytes);
    const reply = decode(bytes);
    const events = reply['events'] === undefined ? undefined : readEvents(reply);
    if (events !== undefined && listens) tell(this, events);
    if (reply['status'] !== 0) throw failureOf(reply, undefined);
    return readResults(reply, options?.events === true ? events : undefined);
  }

  /**
   * Opens connections ahead of the first call. Calls wait meanwhile, those in flight too: warm before there are any.
   * @param count how many are to be open, at most the option maxConnections
   * @param settings `timeoutMs`: how long it may take, 15 s unless said
   * @returns how many are open
   */
  warm(count: number, settings: { timeoutMs?: number | undefined } = {}): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#check();
      const { timeoutMs } = settingsOf({ timeoutMs: 15_000 }, settings);
      const tag = ++lastTag;
      const status = native.warm(this.#link, toWhole('count', count, 0, 65_536), toTimeout(timeoutMs), tag);
      if (status !== 0) throw errorFromStatus(status);
      waiting.set(tag, { client: this, resolve, reject, place: undefined, wantsEvents: false, signal: undefined, cancel: undefined, closes: false });
    });
  }

  /**
   * Replaces the access tokens. What was sent goes on with the old ones, the next attempt uses the new. A Uint8Array is copied, and may be
   * wiped afterwards.
   * @param token undefined or null: none
   * @param secondToken tried once after a 401, for the hours in which a key is rotated
   */
  setTokens(token: string | Uint8Array | null | undefined, secondToken?: string | Uint8Array | null): void {
    this.#check();
    const failure = native.setTokens(this.#link, toToken('token', token), toToken('secondToken', secondToken));
    if (failure !== undefined) throw errorFrom(failure);
  }

  /** The options as they are in effect, and where each value came from. Secrets read as "[set]". */
  options(): OptionRow[] {
    return this.describe('options') as unknown as OptionRow[];
  }

  /** What the transport says of itself. */
  transport(): TransportFacts {
    this.#check();
    const texts = native.transport(this.#link);
    if (isFailure(texts)) throw errorFrom(texts);
    const facts = Object.fromEntries(TRANSPORT_TEXTS.map((name, i) => [name, texts[i] ?? ''])) as unknown as TransportFacts;
    return { ...facts, capabilities: (texts[8] ?? '').split(' ').filter(Boolean) };
  }

  /** What the client has done and is doing. Numbers are -1 where the transport does not tell. */
  stats(): ClientStats & { readonly queue: QueueStats } {
    this.#check();
    const numbers = native.stats(this.#link);
    if (typeof numbers === 'number') throw errorFromStatus(numbers);
    const client = Object.fromEntries(CLIENT_STATS.map((name, i) => [name, numbers[0][i] ?? -1])) as unknown as ClientStats;
    const queue = Object.fromEntries(QUEUE_STATS.map((name, i) => [name, numbers[1][i] ?? -1])) as unknown as QueueStats;
    return { ...client, queue };
  }

  /** A table of what the library says of itself, with this client's options. */
  describe(table: TableName): Record<string, string>[] {
    this.#check();
    return describeBy(this.#link, table);
  }

  /**
   * Closes the client: no new call starts, and those in flight are cancelled, or with `cancel: false` go on. Resolves when each of them has
   * its result and connections and descriptors are gone. After `timeoutMs`, 5 s unless said, it does not wait any longer: what is left is
   * rejected. The second time it is the first promise.
   */
  close(settings: { cancel?: boolean | undefined; timeoutMs?: number | undefined } = {}): Promise<void> {
    if (this.#closing !== undefined) return this.#closing;
    try {
      const { cancel, timeoutMs } = settingsOf({ cancel: true, timeoutMs: 5_000 }, settings);
      this.#closing = this.#close(toBool('cancel', cancel), toTimeout(timeoutMs));
    } catch (error) {
      const wrong = error as PlastiqError;
      return Promise.reject(wrong);
    }
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  [inspect.custom](): string {
    return `Client { ${this.#closed ? 'closed' : this.closed ? 'closing' : 'open'} }`;
  }

  #close(cancel: boolean, limit: number): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const tag = ++lastTag;
      const timer = limit < 0 ? undefined : setTimeout(() => {
        this.#end();
      }, limit);
      const done = (): void => {
        clearTimeout(timer);
        this.#closed = true;
        resolve();
      };
      waiting.set(tag, { client: this, resolve: done, reject, place: undefined, wantsEvents: false, signal: undefined, cancel: undefined, closes: true });
      const status = native.close(this.#link, cancel, tag);
      if (status !== 0) this.#end();
    });
  }

  /** The deadline of close() is over. */
  #end(): void {
    native.end(this.#link);
    for (const [tag, call] of waiting) {
      if (call.client !== this || call.closes) continue;
      settle(tag);
      call.reject(cancelled('maybe_sent', call.signal));
    }
  }

  #check(): void {
    if (this.closed) throw localError('PLQ_E_CLOSED', 'state', 'the client was closed');
  }
}

// By its shape: each vm context has an AbortSignal of its own.
function checkSignal(signal: unknown): AbortSignal | undefined {
  if (signal === undefined || signal === null) return undefined;
  if (typeof signal === 'object' && 'aborted' in signal && 'addEventListener' in signal && 'removeEventListener' in signal) return signal as AbortSignal;
  throw localError('PLQ_E_ARGUMENT', 'usage', `signal must be an AbortSignal, and not ${kindOf(signal)}`, 'signal');
}

function cancelled(delivery: Delivery, signal: AbortSignal | undefined): PlastiqError {
  const [code, kind, phase, message] = native.status(STATUS.PLQ_E_CANCELLED);
  return makeError({ code, kind, phase, message, delivery }, signal?.aborted === true ? { cause: signal.reason } : undefined);
}

function describeBy(link: Link | null, table: unknown): Record<string, string>[] {
  if (typeof table !== 'string') throw localError('PLQ_E_ARGUMENT', 'usage', 'table must be a string', 'table');
  const bytes = native.call(link, encodeDescribe(snake(table)));
  if (typeof bytes === 'number') throw errorFromStatus(bytes);
  return readTable(decode(bytes));
}

/** A table of what the library says of itself: operations, options, transports, events, statuses. `describe('tables')` lists them. */
export function describe(table: TableName): Record<string, string>[] {
  return describeBy(null, table);
}
