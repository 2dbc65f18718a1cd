// SPDX-License-Identifier: MIT
// The Node program of the benchmark. --job create: awaited calls of the binding, --in-flight at once; sync: its blocking calls; fetch: Node's own.
import { settings } from './common.mjs';

await import(settings.job === 'fetch' ? './fetch.mjs' : './plastiq.mjs');
