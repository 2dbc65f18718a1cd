// SPDX-License-Identifier: MIT
// Listeners that count calls by outcome and add up attempts, as Prometheus scrapes them.
//
//     EXAMPLE_TOKEN=... node metrics.mjs [OPTION VALUE]..
import { Client } from 'plastiq';

const options = { accessToken: process.env.EXAMPLE_TOKEN };
for (let i = 2; i + 1 < process.argv.length; i += 2) options[process.argv[i]] = process.argv[i + 1];
const client = new Client(options);

const calls = new Map();
const attempts = { count: 0, seconds: 0 };
client.on('callEnd', ({ statusName }) => calls.set(statusName, (calls.get(statusName) ?? 0) + 1));
client.on('attemptEnd', ({ totalUs }) => {
  attempts.count += 1;
  attempts.seconds += Math.max(totalUs, 0) / 1e6;
});

const made = await Promise.allSettled(Array.from({ length: 3 }, () => client.clientSecrets.create()));
for (const { value } of made) value?.clientSecret.wipe();

console.log('# TYPE plastiq_calls_total counter');
for (const [status, count] of calls) console.log(`plastiq_calls_total{status="${status}"} ${count}`);
console.log('# TYPE plastiq_attempt_seconds summary');
console.log(`plastiq_attempt_seconds_sum ${attempts.seconds}\nplastiq_attempt_seconds_count ${attempts.count}`);
const { connectionsOpen, repeats } = client.stats();
console.log(`# TYPE plastiq_connections_open gauge\nplastiq_connections_open ${connectionsOpen}`);
console.log(`# TYPE plastiq_repeats_total counter\nplastiq_repeats_total ${repeats}`);
await client.close();
