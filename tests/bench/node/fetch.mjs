// SPDX-License-Identifier: MIT
// The same by Node's own fetch, which is undici, with connections that are kept. It trusts a CA only from the environment, at the start.
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';

import { AGENT, IP, KEY, PAYER, run, settings } from './common.mjs';

if (process.env.NODE_EXTRA_CA_CERTS !== settings.caFile) {
  const child = spawn(process.execPath, process.argv.slice(1), { stdio: 'inherit', env: { ...process.env, NODE_EXTRA_CA_CERTS: settings.caFile } });
  process.on('SIGTERM', () => child.kill());
  child.on('exit', (code) => process.exit(code ?? 1));
} else {
  const url = `https://127.0.0.1:${settings.port}/api/client-secrets`;
  await run(async () => {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        Authorization: `Bearer ${KEY}`,
        Accept: 'application/json',
        'Content-Type': 'application/json',
        'Trace-Id': randomUUID(),
        'User-Agent': AGENT,
        'End-User-Ip': IP,
      },
      body: JSON.stringify({ payer: { id: PAYER } }),
      signal: AbortSignal.timeout(15_000),
    });
    if (response.status !== 200) throw new Error(`status ${response.status}`);
    const { clientSecret } = await response.json();
    if (typeof clientSecret !== 'string' || clientSecret === '') throw new Error('no secret');
  });
  process.exit();
}
