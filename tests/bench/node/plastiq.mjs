// SPDX-License-Identifier: MIT
// The binding. PLASTIQ_NODE names the folder of the built package.
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { AGENT, IP, KEY, PAYER, run, settings } from './common.mjs';

const folder = process.env.PLASTIQ_NODE ?? path.join(path.dirname(fileURLToPath(import.meta.url)), '..', '..', '..', 'bindings', 'node');
const { Client } = await import(pathToFileURL(path.join(folder, 'dist', 'index.mjs')).href);

const stub = settings.transport === 'stub';
const client = new Client(
  {
    transport: settings.transport,
    accessToken: KEY,
    transportDir: settings.transportDir,
    ...(stub ? { allowTestTransports: true } : { baseUrl: `https://127.0.0.1:${settings.port}/api`, caFile: settings.caFile }),
    maxConnections: settings.maxConnections ?? settings.inFlight,
  },
  { ambient: false },
);
const params = { payer: { id: PAYER }, userAgent: AGENT, endUserIp: IP };

function look({ clientSecret }) {
  if (clientSecret.use((bytes) => bytes.length) === 0) throw new Error('no secret');
  clientSecret.wipe();
}

const once = settings.job === 'sync' ? () => look(client.clientSecrets.createSync(params)) : async () => look(await client.clientSecrets.create(params));
once.blocks = settings.job === 'sync';
await run(once, async () => {
  const { connectionsOpened } = client.stats();
  if (!stub && connectionsOpened > (settings.maxConnections ?? settings.inFlight)) throw new Error(`${connectionsOpened} connections`);
  await client.close();
});
