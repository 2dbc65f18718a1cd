// SPDX-License-Identifier: MIT
// Loads the addon, and says in one sentence what is wrong if it cannot be used.
import { existsSync } from 'node:fs';
import path from 'node:path';

import { loadError } from './errors.js';

declare const brand: unique symbol;
/** A client and its queue, in the addon. */
export interface Link {
  readonly [brand]: 'link';
}
/** A secret, in the addon. */
export interface Owner {
  readonly [brand]: 'secret';
}

/** What the addon says of versions. */
export interface Versions {
  /** Version of the libplastiq that was loaded. */
  readonly library: string;
  /** Version of the headers that the addon was compiled with. */
  readonly builtFor: string;
  /** ABI of the libplastiq that was loaded. */
  readonly abi: string;
  /** ABI that the addon needs. */
  readonly needsAbi: string;
  /** Whether it serves the addon. */
  readonly serves: boolean;
  /** PLQ_FEATURE_* bits. */
  readonly features: number;
}

/** A failure: the error as JSON, or a status. */
export type Failure = string | number;

export interface Native {
  readonly versions: Versions;
  start(dispatch: (count: number, bytes: Uint8Array) => void, entries: Float64Array, threads: boolean): string | undefined;
  status(status: number): [name: string, kind: string, phase: string, text: string];
  open(keys: string[], values: (string | Uint8Array)[], ambient: boolean): Link | Failure;
  /** The call's id, or a status below 0. */
  submit(link: Link, message: Uint8Array, tag: number): number;
  cancel(link: Link, id: number): number;
  call(link: Link | null, message: Uint8Array): Uint8Array | number;
  warm(link: Link, count: number, timeoutMs: number, tag: number): number;
  setTokens(link: Link, token: string | Uint8Array | null, second: string | Uint8Array | null): undefined | Failure;
  close(link: Link, cancel: boolean, tag: number): number;
  end(link: Link): void;
  stats(link: Link): [client: number[], queue: number[]] | number;
  transport(link: Link): string[] | Failure;
  secretClaim(handle: number): Owner | number;
  secretTake(owner: Owner): Buffer | number;
  secretText(owner: Owner): string | number;
  secretBytes(owner: Owner): Buffer | number;
  secretLife(owner: Owner): number;
  secretFree(owner: Owner): void;
  lifeNow(): number;
}

// As in addon.h.
export const RESULTS_A_TURN = 256;
export const ENTRY_KIND = 0;
export const ENTRY_TAG = 1;
export const ENTRY_OFFSET = 2;
export const ENTRY_LENGTH = 3;
export const ENTRY_NUMBER = 4;
export const ENTRY_SIZE = 5;
export const KIND_RESULT = 0;
export const KIND_CLOSED = 1;
export const KIND_WARMED = 2;

/** Bun's libuv functions end the process and Deno's loop never calls back, so neither is asked for libuv: a thread waits in their place. */
export const hasNoLibuv =
  process.versions['bun'] !== undefined || 'Deno' in globalThis || (globalThis as Record<symbol, unknown>)[Symbol.for('plastiq.threads')] === true;

function whyNot(cause: unknown): string {
  const said = cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : String(cause);
  if (/libplastiq\.so|plq_/.test(said)) return `plastiq needs libplastiq.so.1 with ABI 1.0 or later, and the system's loader says: ${said}`;
  if (/GLIBC_|\bELF\b|\blibc\b|\bld-/.test(said)) return `the addon of plastiq was compiled for another system, with a later glibc or another libc: run "npx plastiq-build" on this one; the system's loader says: ${said}`;
  return `the addon of plastiq cannot be loaded: ${said}`;
}

function load(): Native {
  const file = path.join(__dirname, '..', 'build', 'plastiq.node');
  if (process.platform !== 'linux') throw loadError(`plastiq runs on Linux only, and this is ${process.platform}.`);
  if (!existsSync(file)) {
    throw loadError('the addon of plastiq is not built, perhaps because npm ran no install scripts: run "npx plastiq-build", with libplastiq where pkg-config finds it.');
  }
  const module: { exports: object } = { exports: {} };
  try {
    process.dlopen(module, file);
  } catch (cause) {
    throw loadError(whyNot(cause), cause);
  }
  const native = module.exports as Native;
  const { library, abi, needsAbi, serves } = native.versions;
  if (!serves) throw loadError(`plastiq found libplastiq ${library} with ABI ${abi}, and needs ABI ${needsAbi} or a later one of the same major.`);
  return native;
}

export const native = load();
