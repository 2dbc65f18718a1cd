// SPDX-License-Identifier: MIT
// Messages to and from the library: msgpack maps, see message.h. One encoder and one decoder for all.
import { Decoder, Encoder } from '@msgpack/msgpack';

import { errorFromMap, localError, toAttempt } from './errors.js';
import { camel, camelObject, snake } from './names.js';
import { claim } from './secret.js';
import type { Attempt, PlastiqEvent } from './generated.js';

/** A further header. The value of a sensitive one reaches no error, event or log. */
export interface Header {
  name: string;
  value: string;
  sensitive?: boolean;
}

/** What may be said of one call beside its params. */
export interface CallOptions {
  /** Cancels the call. Its promise is rejected with a `PlastiqCancelledError`, whose `delivery` says whether the request may have been sent, as soon as that is known. */
  signal?: AbortSignal | undefined;
  /** Deadline of the whole call, repeats and waits included; `Infinity` for none. */
  timeoutMs?: number | undefined;
  /** How often the call may be repeated. */
  maxRepeats?: number | undefined;
  /** Further headers. */
  headers?: Readonly<Record<string, string>> | readonly Header[] | undefined;
  /** Members of the request's body that the library does not know. */
  extra?: Readonly<Record<string, unknown>> | undefined;
  /** Gives the list of attempts with the result too; an error has it always. */
  attempts?: boolean | undefined;
  /** Gives the events of this call with the result, as listeners of the client are told them. */
  events?: boolean | undefined;
}

/** What every call brings beside its own results. */
export interface CallFacts {
  readonly httpStatus: number;
  readonly traceId: string;
  /** Only if asked for. */
  readonly attempts?: readonly Attempt[];
  /** Only if asked for. */
  readonly events?: readonly PlastiqEvent[];
}

export type Results = CallFacts & Readonly<Record<string, unknown>>;

const encoder = new Encoder({ ignoreUndefined: true });
const decoder = new Decoder();

interface Message {
  v: 1;
  op: string;
  params?: Record<string, unknown>;
  headers?: unknown;
  extra?: unknown;
  timeout_ms?: unknown;
  max_repeats?: unknown;
  want: string[];
}

// All there are, so that a call does not make one each time.
const WANT = [
  ['secret_handle'],
  ['secret_handle', 'attempts'],
  ['secret_handle', 'events'],
  ['secret_handle', 'attempts', 'events'],
] as const;

/** Made by {}, also in another vm context, as in some test runners: each has an Object of its own. */
export function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype = Object.getPrototypeOf(value) as object | null;
  return prototype === null || prototype === Object.prototype || (Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'hasOwnProperty'));
}

/** What a value is, for a sentence that ends with it. */
export function kindOf(value: unknown): string {
  if (value === null || typeof value !== 'object') return String(value === null ? value : typeof value);
  const tag = Object.prototype.toString.call(value).slice(8, -1);
  return tag === 'Object' ? 'an object' : /^[AEIOU]/.test(tag) ? `an ${tag}` : `a ${tag}`;
}

/** Half of a pair is not UTF-8: long texts would get another character in its place, without a word. */
export function checkText(field: string, text: string): void {
  if (/[\ud800-\udfff]/u.test(text)) throw localError('PLQ_E_TEXT_ENCODING', 'usage', `${field} has half of a surrogate pair, which UTF-8 cannot say`, field);
}

/** Fields by path: {payer: {id}} becomes payer.id. What a value may be is the library's to say, but for what no message can hold. */
function addParams(to: Record<string, unknown>, prefix: string, from: Readonly<Record<string, unknown>>, depth: number): void {
  for (const key of Object.keys(from)) {
    const value = from[key];
    const name = prefix + snake(key);
    if (value === undefined) continue;
    if (typeof value === 'string') checkText(prefix + key, value);
    if (typeof value === 'string' || value === null) to[name] = value;
    else if (isPlain(value) && depth < 8) addParams(to, `${name}.`, value, depth + 1);
    else throw localError('PLQ_E_FIELD_VALUE', 'input', `${prefix}${key} must be text, and not ${kindOf(value)}`, prefix + key);
  }
}

function toParams(params: unknown): Record<string, unknown> | undefined {
  if (params === undefined || params === null) return undefined;
  if (!isPlain(params)) throw localError('PLQ_E_FIELD_VALUE', 'input', `params must be a plain object, and not ${kindOf(params)}`, 'params');
  const made: Record<string, unknown> = {};
  addParams(made, '', params, 0);
  return made;
}

const isNothing = (value: unknown): value is undefined | null => value === undefined || value === null;

/** What a message cannot hold, or would hold as if nothing were in it, such as a Map; the library has the rules of the rest. */
function checkHeaders(headers: unknown): void {
  const list = Array.isArray(headers) ? (headers as unknown[]) : [headers];
  for (const one of list) {
    if (!isPlain(one)) throw localError('PLQ_E_MESSAGE', 'usage', `headers must be a plain object, or a list of { name, value, sensitive }, and not ${kindOf(one)}`, 'headers');
    for (const [key, value] of Object.entries(one)) {
      const name = list === headers ? (typeof one['name'] === 'string' ? one['name'] : 'headers') : key;
      if (typeof value === 'string') checkText(name, value);
      else if (!isNothing(value) && typeof value !== 'boolean' && typeof value !== 'number') throw localError('PLQ_E_HEADER_VALUE', 'input', `${name} must be text, and not ${kindOf(value)}`, name);
    }
  }
}

/** The same of members of a body. */
function checkExtra(value: unknown, depth: number): void {
  if (typeof value === 'string') {
    checkText('extra', value);
  } else if (Array.isArray(value) || isPlain(value)) {
    if (depth > 64) throw localError('PLQ_E_EXTRA', 'input', 'extra is too deep, or holds itself', 'extra');
    for (const key of Object.keys(value)) {
      checkText('extra', key);
      checkExtra((value as Record<string, unknown>)[key], depth + 1);
    }
  } else if (!isNothing(value) && typeof value !== 'boolean' && typeof value !== 'number') {
    throw localError('PLQ_E_EXTRA', 'input', `extra holds ${kindOf(value)}, which JSON has no place for`, 'extra');
  }
}

function addOption(message: Message, key: string, value: unknown): void {
  switch (key) {
    case 'timeoutMs':
    case 'maxRepeats':
      if (!isNothing(value) && typeof value !== 'number') throw localError('PLQ_E_ARGUMENT', 'usage', `${key} must be a whole number, and not ${kindOf(value)}`, key);
      message[key === 'timeoutMs' ? 'timeout_ms' : 'max_repeats'] = value === Infinity && key === 'timeoutMs' ? -1 : value;
      return;
    case 'headers':
      if (!isNothing(value)) checkHeaders(value);
      message.headers = value;
      return;
    case 'extra':
      checkExtra(value, 0);
      message.extra = value;
      return;
    case 'attempts':
    case 'events':
      if (!isNothing(value) && typeof value !== 'boolean') throw localError('PLQ_E_ARGUMENT', 'usage', `${key} must be a boolean, and not ${kindOf(value)}`, key);
      return;
    case 'signal':
      return;
    default:
      throw localError('PLQ_E_ARGUMENT', 'usage', `a call has no option ${key}; there are signal, timeoutMs, maxRepeats, headers, extra, attempts and events`, key);
  }
}

function encode(message: object): Uint8Array {
  try {
    return encoder.encodeSharedRef(message);
  } catch (cause) {
    // Params hold texts only, extra and headers were looked at: it is a getter that gave something else now.
    throw localError('PLQ_E_MESSAGE', 'usage', `no message can hold this: ${cause instanceof Error ? cause.message : String(cause)}`, undefined, cause);
  }
}

/** The message of a call; valid until the next one is made. */
export function encodeCall(operation: unknown, params: unknown, options: CallOptions | undefined, events: boolean): Uint8Array {
  if (typeof operation !== 'string') throw localError('PLQ_E_ARGUMENT', 'usage', `operation must be text, and not ${kindOf(operation)}`, 'operation');
  const message: Message = { v: 1, op: operation, want: WANT[0] as unknown as string[] };
  const wants = (options?.attempts === true ? 1 : 0) + (events || options?.events === true ? 2 : 0);
  const made = toParams(params);
  if (made !== undefined) message.params = made;
  if (options !== undefined) {
    if (!isPlain(options)) throw localError('PLQ_E_ARGUMENT', 'usage', `options must be a plain object, and not ${kindOf(options)}`, 'options');
    for (const key of Object.keys(options)) if (options[key] !== undefined) addOption(message, key, options[key]);
  }
  message.want = WANT[wants] as unknown as string[];
  return encode(message);
}

export function encodeDescribe(table: string): Uint8Array {
  return encode({ v: 1, op: 'describe', params: { table } });
}

export function decode(bytes: Uint8Array): Record<string, unknown> {
  return decoder.decode(bytes) as Record<string, unknown>;
}

/** The rows of a table, each an object. */
export function readTable(reply: Readonly<Record<string, unknown>>): Record<string, string>[] {
  if (reply['status'] !== 0) throw errorFromMap(reply['error'] as Record<string, unknown>, reply['attempts']);
  const { columns, rows } = reply['results'] as { columns: string[]; rows: string[][] };
  const names = columns.map(camel);
  return rows.map((row) => Object.fromEntries(names.map((name, i) => [name, row[i] ?? ''])));
}

const isMap = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

export function readEvents(reply: Readonly<Record<string, unknown>>): PlastiqEvent[] {
  const list = (reply['events'] ?? []) as Record<string, unknown>[];
  return list.map((event) => {
    const made = camelObject(event);
    made['event'] = camel(event['event'] as string);
    return made as unknown as PlastiqEvent;
  });
}

/** What a call brought. Its secrets are taken over here. */
export function readResults(reply: Readonly<Record<string, unknown>>, events: readonly PlastiqEvent[] | undefined): Results {
  const made: Record<string, unknown> = { httpStatus: reply['http_status'] ?? 0, traceId: reply['trace_id'] ?? '' };
  const results = reply['results'] as Record<string, unknown>;
  for (const name in results) {
    const value = results[name];
    made[camel(name)] = isMap(value) && 'handle' in value ? claim(value) : value;
  }
  const attempts = reply['attempts'];
  if (Array.isArray(attempts)) made['attempts'] = attempts.map(toAttempt);
  if (events !== undefined) made['events'] = events;
  return made as Results;
}
