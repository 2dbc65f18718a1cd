// SPDX-License-Identifier: MIT
import { inspect } from 'node:util';

import { errorFromStatus } from './status.js';
import { native, type Owner } from './native.js';

const REDACTED = '[redacted]';
const ours = Symbol('secret');

/**
 * A secret. It stays in the library's own pages, which are locked, left out of core dumps, and wiped; whoever prints, serializes, compares
 * or looks at this object sees nothing of it. Its life is counted from when the request was sent, also while the machine sleeps.
 *
 * Call {@link wipe} when it is not needed any more, or declare it with `using`. Garbage collection wipes too, but nobody knows when, and
 * not at the end of the process.
 */
export class Secret {
  readonly #owner: Owner;
  /** When its life ends, in ms on the clock of {@link Secret.now}, which runs through suspend and is no wall clock. */
  readonly expiresAtMs: number;

  /** @internal */
  constructor(key: symbol, owner: Owner, expiresAtMs: number) {
    if (key !== ours) throw new TypeError('a Secret is made by a call, not by new');
    this.#owner = owner;
    this.expiresAtMs = expiresAtMs;
  }

  /** Now, on the clock of {@link expiresAtMs}. */
  static now(): number {
    return native.lifeNow();
  }

  /** Milliseconds of life left; 0 when it is over, or the secret was taken or wiped. */
  get lifeMs(): number {
    return native.secretLife(this.#owner);
  }

  /**
   * Shows the bytes to a function, and wipes what it saw when it has returned, or when the promise that it returned has settled.
   * @throws PlastiqSecretError if the secret has expired, or was taken or wiped
   */
  use<T>(show: (bytes: Buffer) => T): T {
    const bytes = orThrow(native.secretBytes(this.#owner));
    let later = false;
    try {
      const result = show(bytes);
      if (isThenable(result)) {
        later = true;
        return Promise.resolve(result).finally(() => bytes.fill(0)) as T;
      }
      return result;
    } finally {
      if (!later) bytes.fill(0);
    }
  }

  /**
   * Moves the bytes out: the library's copy is wiped, and it works once. The buffer is the caller's, to be wiped by `buffer.fill(0)`; it is
   * wiped when it is collected at the latest.
   * @throws PlastiqSecretError if the secret has expired, or was taken or wiped
   */
  take(): Buffer {
    return orThrow(native.secretTake(this.#owner));
  }

  /**
   * Gives the secret as a string, for instance for a JSON response. Strings of JavaScript cannot be wiped: this one stays in memory until its
   * place is used again. Prefer {@link use} where bytes will do.
   * @throws PlastiqSecretError if the secret has expired, or was taken or wiped
   */
  reveal(): string {
    return orThrow(native.secretText(this.#owner));
  }

  /** Wipes the secret. Doing it again is no mistake. */
  wipe(): void {
    native.secretFree(this.#owner);
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  [Symbol.toPrimitive](): string {
    return REDACTED;
  }

  [inspect.custom](): string {
    return `Secret { ${REDACTED}, lifeMs: ${String(this.lifeMs)} }`;
  }

  [Symbol.dispose](): void {
    this.wipe();
  }
}

/** Also promises of other libraries and of other vm contexts. */
function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

function orThrow<T extends object | string>(got: T | number): T {
  if (typeof got === 'number') throw errorFromStatus(got);
  return got;
}

/** Takes a secret over from a reply, which named its handle. */
export function claim(shown: Readonly<Record<string, unknown>>): Secret {
  return new Secret(ours, orThrow(native.secretClaim(shown['handle'] as number)), shown['expires_at_ms'] as number);
}
