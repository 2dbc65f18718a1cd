// SPDX-License-Identifier: MIT
// What the programs of the benchmark share: the command line, and the measuring.
//
// As the programs in C: with --calls N it makes N calls after --first M, and ends; otherwise it stays, with its connections, reads a number of
// calls from each line of its input, makes them, and answers with what they cost. CPU time is the process's, by getrusage().
import readline from 'node:readline';
import { parseArgs } from 'node:util';

// The request that all programs of the benchmark send: see bench.h.
export const PAYER = '3f2b8c1e-7d4a-4c6b-9e0f-1a2b3c4d5e6f';
export const AGENT = 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0';
export const IP = '192.0.2.1';
export const KEY = 'test-key-0000000000000000';

const { values } = parseArgs({
  options: {
    job: { type: 'string', default: 'create' },
    transport: { type: 'string', default: 'openssl' },
    'transport-dir': { type: 'string' },
    port: { type: 'string' },
    'ca-file': { type: 'string' },
    'in-flight': { type: 'string', default: '1' },
    'max-connections': { type: 'string' },
    calls: { type: 'string' },
    first: { type: 'string', default: '0' },
  },
});

export const settings = {
  job: values.job,
  transport: values.transport,
  transportDir: values['transport-dir'],
  port: Number(values.port),
  caFile: values['ca-file'],
  inFlight: Number(values['in-flight']),
  maxConnections: values['max-connections'] === undefined ? undefined : Number(values['max-connections']),
};

/** So many calls, of which so many at once. */
async function many(once, calls) {
  let left = calls;
  const line = async () => {
    while (left-- > 0) await once();
  };
  await Promise.all(Array.from({ length: Math.min(settings.inFlight, calls) }, line));
}

async function answer(once, calls) {
  const cpu = process.cpuUsage();
  const began = process.hrtime.bigint();
  if (once.blocks) for (let i = 0; i < calls; i++) once();
  else await many(once, calls);
  const wall = Number(process.hrtime.bigint() - began) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const { rss, heapUsed } = process.memoryUsage();
  console.log(JSON.stringify({ calls, cpu_us: user + system, cpu_seconds: (user + system) / 1e6, wall_us: Math.round(wall), resident: rss, heap: heapUsed, sample_ns: -1 }));
}

/** once makes one call, and throws if it is not as meant. */
export async function run(once, close) {
  if (values.calls !== undefined) {
    if (once.blocks) for (let i = 0; i < Number(values.first); i++) once();
    else await many(once, Number(values.first));
    await answer(once, Number(values.calls));
  } else {
    for await (const line of readline.createInterface({ input: process.stdin })) await answer(once, Number(line));
  }
  await close?.();
}
