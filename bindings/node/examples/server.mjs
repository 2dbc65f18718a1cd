// SPDX-License-Identifier: MIT
// A server that makes a client secret for each POST to /client-secret, and hands it to the buyer's browser.
//
//     EXAMPLE_TOKEN=... node server.mjs [OPTION VALUE]..
import http from 'node:http';

import { Client, PlastiqError } from 'plastiq';

const options = { accessToken: process.env.EXAMPLE_TOKEN };
for (let i = 2; i + 1 < process.argv.length; i += 2) options[process.argv[i]] = process.argv[i + 1];
const client = new Client(options);

/** What the buyer's browser is told: never why. That is for the log. */
function statusFor(error) {
  if (error.kind === 'state') return 503; // too many at once, or this server is about to end
  return error.kind === 'timeout' ? 504 : 502;
}

async function makeSecret(request, response) {
  const left = new AbortController();
  response.on('close', () => left.abort());
  try {
    const params = { endUserIp: request.socket.remoteAddress, userAgent: request.headers['user-agent'] };
    const { clientSecret } = await client.clientSecrets.create(params, { signal: left.signal, timeoutMs: 5000 });
    response.setHeader('Content-Type', 'application/json');
    response.setHeader('Cache-Control', 'no-store');
    response.end(JSON.stringify({ clientSecret: clientSecret.reveal() }));
    clientSecret.wipe();
  } catch (error) {
    if (!(error instanceof PlastiqError)) throw error;
    console.error(error.code, error.traceId ?? '', error.message);
    if (!response.destroyed) response.writeHead(statusFor(error)).end();
  }
}

const server = http.createServer((request, response) => {
  if (request.method === 'POST' && request.url === '/client-secret') void makeSecret(request, response);
  else response.writeHead(404).end();
});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.on('SIGTERM', () => {
  server.close();
  void client.close({ cancel: false });
});
