// SPDX-License-Identifier: MIT
/**
 * Unofficial client for the Plastiq Connect API, over libplastiq: makes single-use client secrets.
 *
 * @packageDocumentation
 */
import { native, type Versions } from './native.js';

export { Client, describe, type QueueStats, type TransportFacts } from './client.js';
export { Secret } from './secret.js';
export * from './errors-public.js';
export type { CallFacts, CallOptions, Header, Results } from './message.js';
export type * from './generated.js';
export type { Versions } from './native.js';

/** Versions of the library that was loaded, and of what this package was built for. */
export const versions: Versions = Object.freeze(native.versions);
