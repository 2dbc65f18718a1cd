// SPDX-License-Identifier: MIT
// Memory and descriptors stay flat over many calls: 100,000, or 1,000,000 with TEST_LONG=1.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { prelude, run } from './support.mjs';

const calls = process.env.TEST_LONG === '1' ? 1_000_000 : 100_000;

for (const [name, body] of [
  ['that are wiped', 'const { clientSecret } = await client.clientSecrets.create(); clientSecret.wipe();'],
  ['that are left to the collector', 'await client.clientSecrets.create();'],
  ['that fail', "await client.clientSecrets.create({ type: 'x' }).catch(() => {});"],
]) {
  test(`${calls} calls ${name}`, { timeout: 1_200_000 }, () => {
    const done = run(
      `${prelude}
      const { readdirSync, readFileSync } = await import('node:fs');
      const { setTimeout: sleep } = await import('node:timers/promises');
      const look = async () => {
        for (let i = 0; i < 5; i++) { gc(); await sleep(20); }
        const resident = Number(/VmRSS:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]);
        const locked = Number(/VmLck:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]);
        return { descriptors: readdirSync('/proc/self/fd').length, resident, locked, heap: process.memoryUsage().heapUsed / 1024, external: process.memoryUsage().external / 1024 };
      };
      async function make(count) {
        const one = async () => { for (let i = 0; i < count / 50; i++) { ${body} } };
        await Promise.all(Array.from({ length: 50 }, one));
      }
      for (let i = 0; i < 2; i++) { await make(100_000); await look(); } // until V8's spaces have the size that they keep
      const before = await look();
      await make(${calls});
      console.log(JSON.stringify([before, await look()]));`,
      { args: ['--expose-gc'], timeout: 1_200_000 },
    );
    assert.equal(done.status, 0, done.stderr);
    const [before, afterwards] = JSON.parse(done.stdout);
    console.log(`${calls} calls ${name}: ${JSON.stringify(before)} then ${JSON.stringify(afterwards)}, in KiB`);
    assert.ok(afterwards.descriptors <= before.descriptors, 'descriptors');
    assert.ok(afterwards.heap - before.heap < 2048, 'heap');
    assert.ok(afterwards.external - before.external < 1024, 'external');
    assert.ok(afterwards.resident - before.resident < 16 * 1024, 'resident');
  });
}
