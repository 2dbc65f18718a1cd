// SPDX-License-Identifier: MIT
// The whole life of secrets over TLS, against the emulator. PLASTIQ_TRANSPORT alone says over which transport.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { Emulator, emulatorProgram, KEY, PAYER, plastiq, root, transport, where } from './support.mjs';

const why = emulatorProgram === undefined ? 'EMULATOR_BIN does not name the emulator program' : transport === undefined ? 'PLASTIQ_TRANSPORT names no transport' : undefined;

if (why !== undefined) {
  test('live', { skip: why }, () => {});
} else {
  let emulator;
  const clients = [];

  before(async () => {
    emulator = await Emulator.start();
    process.env.PLASTIQ_TRANSPORT = transport;
  });
  after(async () => {
    await Promise.all(clients.map((client) => client.close()));
    await emulator?.stop();
  });

  const connect = (options = {}) => {
    const client = new plastiq.Client({ ...where, baseUrl: emulator.url, caFile: emulator.ca, accessToken: KEY, backoffBaseMs: 1, backoffCapMs: 5, ...options });
    clients.push(client);
    return client;
  };
  const mint = async (client, ...args) => (await client.clientSecrets.create(...args)).clientSecret;

  test('runs over the transport that the variable names', async () => {
    const client = connect();
    assert.equal(client.transport().name, transport);
    assert.equal(client.options().find((row) => row.name === 'transport').source, 'environment');
  });

  test('a secret is made, used once, and not twice', async () => {
    const client = connect();
    const secret = await mint(client, { payer: { id: PAYER }, type: 'CARD', endUserIp: '192.0.2.1' });
    assert.equal((await emulator.spend(secret.reveal())).status, 201);
    assert.equal((await emulator.spend(secret.reveal())).status, 401);
    secret.wipe();
  });

  test('a blocking call makes one too', async () => {
    const { clientSecret } = connect().clientSecrets.createSync();
    assert.equal((await emulator.spend(clientSecret.reveal())).status, 201);
  });

  test('it expires', async () => {
    const client = connect();
    const secret = await mint(client);
    const later = await client.clientSecrets.createV2();
    await emulator.admin('POST', 'clock', { advance_ms: 61_000 });
    assert.equal((await emulator.spend(secret.reveal())).status, 401);
    assert.equal((await emulator.spend(later.clientSecret.reveal())).status, 201);
  });

  test('connections are opened ahead, and kept', async () => {
    const client = connect();
    assert.equal(await client.warm(2), 2);
    const events = [];
    client.on('connectionReused', (event) => events.push(event));
    client.on('connectionOpened', (event) => events.push(event));
    await client.clientSecrets.create();
    assert.equal(events.length, 1);
    assert.equal(events[0].event, 'connectionReused');
    assert.equal(events[0].verified, 1);
    assert.ok(events[0].tlsVersion >= 0x0303);
  });

  test('the token is rotated', async () => {
    const client = connect();
    await emulator.admin('PUT', 'keys', { keys: ['test-key-new'], forbidden: ['test-key-bad'] });
    await assert.rejects(client.clientSecrets.create(), { name: 'PlastiqHttpError', code: 'PLQ_E_HTTP_UNAUTHORIZED', httpStatus: 401, serviceCode: 'AUTHORIZATION_ERROR', delivery: 'answered' });
    client.setTokens(KEY, 'test-key-new');
    assert.deepEqual((await client.clientSecrets.create({}, { attempts: true })).attempts.map((one) => one.token), [1, 2]);
    client.setTokens('test-key-new');
    await mint(client);
    client.setTokens('test-key-bad');
    await assert.rejects(client.clientSecrets.create(), { code: 'PLQ_E_HTTP_FORBIDDEN', httpStatus: 403 });
    await emulator.admin('PUT', 'keys', { keys: [KEY], forbidden: [] });
  });

  test('503 with Retry-After is waited for, or told', async () => {
    const client = connect();
    await emulator.faults({ status: 503, retry_after: 1 });
    const began = performance.now();
    const { attempts } = await client.clientSecrets.create({}, { attempts: true });
    assert.deepEqual(attempts.map((one) => one.httpStatus), [503, 200]);
    assert.ok(performance.now() - began > 900);
    await emulator.faults({ status: 503, retry_after: 3600 });
    await assert.rejects(client.clientSecrets.create(), { httpStatus: 503, retryAfterMs: 3_600_000, serviceCode: 'SERVICE_UNAVAILABLE', repeatable: true });
  });

  test('an answer that is cut is made good, and one that is late is given up', async () => {
    const client = connect();
    await emulator.faults({ truncate_body: 5 });
    const { attempts } = await client.clientSecrets.create({}, { attempts: true });
    assert.equal(attempts.length, 2);
    await emulator.faults({ delay_ms: 5000 });
    await assert.rejects(client.clientSecrets.create({}, { timeoutMs: 200, maxRepeats: 0 }), { kind: 'timeout', delivery: 'maybe_sent' });
    await emulator.admin('DELETE', 'faults');
  });

  test('a call in flight is cancelled', async () => {
    const client = connect();
    await mint(client);
    await emulator.faults({ delay_ms: 10_000 });
    const controller = new AbortController();
    const call = client.clientSecrets.create({}, { signal: controller.signal });
    setTimeout(() => controller.abort(), 100);
    const began = performance.now();
    await assert.rejects(call, { name: 'AbortError', code: 'PLQ_E_CANCELLED', delivery: 'maybe_sent' });
    assert.ok(performance.now() - began < 2000);
    await mint(client);
  });

  test('1,000 at once', async () => {
    const client = connect({ maxConnections: 16 });
    const secrets = await Promise.all(Array.from({ length: 1000 }, () => mint(client)));
    assert.equal(new Set(secrets.map((one) => one.reveal())).size, 1000);
    assert.ok(client.stats().connectionsOpened <= 16);
    for (const one of secrets) one.wipe();
  });

  test('closes with calls in flight', async () => {
    const client = connect();
    await emulator.faults({ count: 20, delay_ms: 10_000 });
    const calls = Array.from({ length: 20 }, () => client.clientSecrets.create().catch((error) => error.code));
    await new Promise((resolve) => setTimeout(resolve, 200));
    const began = performance.now();
    await client.close();
    assert.ok(performance.now() - began < 2000);
    assert.deepEqual(new Set(await Promise.all(calls)), new Set(['PLQ_E_CANCELLED']));
    await emulator.admin('DELETE', 'faults');
  });

  test('a server that nobody vouches for gets nothing', async () => {
    const client = connect({ caFile: undefined });
    const before = (await emulator.admin('GET', 'state')).requests;
    await assert.rejects(client.clientSecrets.create(), { name: 'PlastiqVerifyError', delivery: 'not_sent' });
    assert.equal((await emulator.admin('GET', 'state')).requests, before);
  });

  test('a process with an idle connection ends by itself', async () => {
    const source = `
      const { Client } = await import(${JSON.stringify(path.join(root, 'dist', 'index.mjs'))});
      const client = new Client(${JSON.stringify({ ...where, baseUrl: emulator.url, caFile: emulator.ca, accessToken: KEY })});
      await client.clientSecrets.create();
      console.log(client.stats().queue.connectionsOpen, Date.now());`;
    const child = spawn(process.execPath, ['--input-type=module', '--eval', source], { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, PLASTIQ_TRANSPORT: transport } });
    let text = '';
    child.stdout.on('data', (part) => (text += part));
    const code = await new Promise((resolve) => child.once('exit', resolve));
    const [connections, made] = text.split(' ').map(Number);
    assert.equal(code, 0);
    assert.equal(connections, 1);
    assert.ok(Date.now() - made < 1000, `${Date.now() - made} ms after the last result`);
  });
}
