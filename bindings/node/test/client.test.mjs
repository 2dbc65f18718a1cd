// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe as suite, test } from 'node:test';
import { inspect } from 'node:util';
import { runInNewContext } from 'node:vm';

import { closeAll, KEY, PAYER, plastiq, root, run, stub, STUB, STUB_TEXT, where } from './support.mjs';

const { Client, describe, versions } = plastiq;

afterEach(closeAll);

suite('a call', () => {
  test('brings a secret and its facts', async () => {
    const result = await stub().clientSecrets.create({ payer: { id: PAYER }, type: 'CARD', endUserIp: '192.0.2.1', userAgent: 'test', endUserDeviceId: 'device-1' });
    assert.match(result.clientSecret.reveal(), /^cs_test_/);
    assert.equal(result.httpStatus, 200);
    assert.match(result.traceId, /^[0-9a-f-]{36}$/);
    assert.deepEqual(Object.keys(result).sort(), ['clientSecret', 'httpStatus', 'traceId']);
  });

  test('blocks if it is asked to', () => {
    const client = stub();
    assert.match(client.clientSecrets.createSync().clientSecret.reveal(), /^cs_test_/);
    assert.ok(client.clientSecrets.createV2Sync().clientSecret.lifeMs > 60_000);
    assert.throws(() => stub({}, [{ status: 403 }]).clientSecrets.createSync(), { code: 'PLQ_E_HTTP_FORBIDDEN', name: 'PlastiqHttpError' });
  });

  test('of the later variant lives 30 minutes', async () => {
    const { clientSecret } = await stub().clientSecrets.createV2();
    assert.ok(clientSecret.lifeMs > 1_700_000 && clientSecret.lifeMs <= 1_800_000);
  });

  test('takes params as objects, by path, null and undefined as not set', async () => {
    const client = stub();
    await client.clientSecrets.create({ payer: { id: null }, type: undefined, traceId: null });
    await client.call('client_secrets.create', { 'payer.id': PAYER, end_user_ip: '::1' });
    await client.clientSecrets.create(null);
    await assert.rejects(client.clientSecrets.create({ payer: { id: 'no-uuid' } }), { field: 'payer.id', code: 'PLQ_E_FIELD_VALUE' });
    await assert.rejects(client.clientSecrets.create({ 'payer.id': 'no-uuid' }), { field: 'payer.id' });
  });

  test('takes a trace id, headers and extra members', async () => {
    const traceId = '9d2b7c64-51aa-4c1e-8f3d-6b7a8c9d0e1f';
    const client = stub();
    const result = await client.clientSecrets.create(
      { traceId },
      { headers: { 'End-User-Os': 'test' }, extra: { payerId: PAYER, deep: [1, 1.5, true, null, 'x', { y: -1 }], skipped: undefined } },
    );
    assert.equal(result.traceId, traceId);
    await client.clientSecrets.create({}, { headers: [{ name: 'End-User-Os', value: 'test-private', sensitive: true }] });
    await assert.rejects(client.clientSecrets.create({}, { headers: { Host: 'x' } }), { code: 'PLQ_E_HEADER_OWNED', field: 'Host' });
    await assert.rejects(client.clientSecrets.create({ type: 'CARD' }, { extra: { type: 'OTHER' } }), { code: 'PLQ_E_EXTRA_CONFLICT' });
  });

  test('is repeated, and says how often on request', async () => {
    const client = stub({}, [{ status: 503 }, { status: 500 }, { engine: true }]);
    const { attempts } = await client.clientSecrets.create({}, { attempts: true });
    assert.deepEqual(attempts.map((one) => one.httpStatus), [503, 500, 200]);
    assert.equal(attempts[0].code, 'PLQ_E_HTTP_SERVER');
    assert.equal(attempts[2].code, 'PLQ_OK');
    const once = stub({}, [{ status: 503 }, { engine: true }]);
    await assert.rejects(once.clientSecrets.create({}, { maxRepeats: 0 }), (error) => error.httpStatus === 503 && error.attempts.length === 1);
  });

  test('has a deadline of its own', async () => {
    const client = stub({}, [{ hang: true }, { hang: true }]);
    await assert.rejects(client.clientSecrets.create({}, { timeoutMs: 20, maxRepeats: 0 }), { name: 'PlastiqTimeoutError', kind: 'timeout', delivery: 'maybe_sent' });
    const result = await stub().clientSecrets.create({}, { timeoutMs: Infinity });
    assert.equal(result.httpStatus, 200);
  });

  test('is one of thousands at once', async () => {
    const client = stub();
    const results = await Promise.all(Array.from({ length: 5000 }, () => client.clientSecrets.create()));
    assert.equal(new Set(results.map(({ clientSecret }) => clientSecret.reveal())).size, 5000);
    assert.equal(client.stats().queue.inFlight, 0);
    for (const { clientSecret } of results) clientSecret.wipe();
  });

  test('past the room of the queue is refused', async () => {
    const client = stub({ queueMaxCalls: 2 }, [{ hang: true }, { hang: true }]);
    const first = [1, 2].map(() => client.clientSecrets.create({}, { timeoutMs: Infinity }).catch((error) => error.code));
    await assert.rejects(client.clientSecrets.create(), { code: 'PLQ_E_QUEUE_FULL', name: 'PlastiqStateError' });
    await client.close();
    assert.deepEqual(await Promise.all(first), ['PLQ_E_CANCELLED', 'PLQ_E_CANCELLED']);
  });

  const threads = globalThis[Symbol.for('plastiq.threads')] === true && 'the host of a threadsafe function decides how many it takes in a turn';
  test('leaves the loop to others after 256 results', { skip: threads }, async () => {
    const client = stub();
    let turn = 0;
    let most = 0;
    let turns = 0;
    let left = 4000;
    const look = () => {
      most = Math.max(most, turn);
      turns += turn > 0 ? 1 : 0;
      turn = 0;
      if (left > 0) setImmediate(look);
    };
    setImmediate(look);
    const calls = Array.from({ length: left }, () => client.clientSecrets.create().then(({ clientSecret }) => (turn++, left--, clientSecret.wipe())));
    await Promise.all(calls);
    assert.ok(most > 0 && most <= 256, `${most} results in one turn`);
    assert.ok(turns >= Math.floor(4000 / 256));
  });
});

suite('a signal', () => {
  test('cancels, and the error says why and how far it came', async () => {
    const client = stub({}, [{ hang: true }]);
    const controller = new AbortController();
    const call = client.clientSecrets.create({}, { signal: controller.signal, timeoutMs: Infinity });
    setTimeout(() => controller.abort(new Error('the buyer left')), 20);
    await assert.rejects(call, (error) => {
      assert.ok(error instanceof plastiq.PlastiqCancelledError);
      assert.equal(error.name, 'AbortError');
      assert.equal(error.code, 'PLQ_E_CANCELLED');
      assert.equal(error.cause.message, 'the buyer left');
      assert.equal(error.delivery, 'maybe_sent');
      return true;
    });
  });

  test('that was aborted before sends nothing', async () => {
    const client = stub();
    await assert.rejects(client.clientSecrets.create({}, { signal: AbortSignal.abort() }), { name: 'AbortError', delivery: 'not_sent' });
    assert.equal(client.stats().calls, 0);
  });

  test('with a timeout is one too', async () => {
    const client = stub({}, [{ hang: true }]);
    await assert.rejects(client.clientSecrets.create({}, { signal: AbortSignal.timeout(20), timeoutMs: Infinity }), (error) => error.cause.name === 'TimeoutError');
  });

  test('keeps no listener after the call', async () => {
    const client = stub();
    const controller = new AbortController();
    let removed = 0;
    const { signal } = controller;
    const remove = signal.removeEventListener.bind(signal);
    signal.removeEventListener = (...args) => (removed++, remove(...args));
    await client.clientSecrets.create({}, { signal });
    assert.equal(removed, 1);
    controller.abort(); // of a call that is over: nothing happens
    await client.clientSecrets.create();
  });

  test('may be that of many calls', async () => {
    const warnings = [];
    const listen = (warning) => warnings.push(warning);
    process.on('warning', listen);
    const client = stub({}, Array.from({ length: 50 }, () => ({ hang: true })));
    const controller = new AbortController();
    const calls = Array.from({ length: 50 }, () => client.clientSecrets.create({}, { signal: controller.signal, timeoutMs: Infinity }).catch((error) => error.code));
    controller.abort();
    assert.deepEqual(new Set(await Promise.all(calls)), new Set(['PLQ_E_CANCELLED']));
    const other = new AbortController();
    await Promise.all(Array.from({ length: 50 }, () => stub().clientSecrets.create({}, { signal: other.signal })));
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', listen);
    assert.deepEqual(warnings, []);
  });

  test('cancels one of many', async () => {
    const client = stub({}, Array.from({ length: 100 }, () => ({ hang: true })));
    const controllers = Array.from({ length: 100 }, () => new AbortController());
    const calls = controllers.map(({ signal }, i) => client.clientSecrets.create({}, { signal, timeoutMs: Infinity }).catch((error) => [i, error.code]));
    controllers[42].abort();
    assert.deepEqual(await Promise.race(calls), [42, 'PLQ_E_CANCELLED']);
    assert.equal(client.stats().queue.inFlight, 99);
  });
});

suite('bad input', () => {
  const wrong = [
    ['a number for text', { payer: { id: 5 } }, {}, 'PlastiqInputError', 'payer.id'],
    ['a list for text', { userAgent: [] }, {}, 'PlastiqInputError', 'userAgent'],
    ['a function', { type: () => 'CARD' }, {}, 'PlastiqInputError', 'type'],
    ['a date', { traceId: new Date() }, {}, 'PlastiqInputError', 'traceId'],
    ['a UUID that is none', { payer: { id: 'x' } }, {}, 'PlastiqInputError', 'payer.id'],
    ['an address that is none', { endUserIp: '1.2.3' }, {}, 'PlastiqInputError', 'endUserIp'],
    ['an unknown param', { payerIdd: 'x' }, {}, 'PlastiqInputError', undefined],
    ['an unknown choice', { type: 'OTHER' }, {}, 'PlastiqInputError', 'type'],
    ['params that are text', 'x', {}, 'PlastiqInputError', 'params'],
    ['params that are a list', [], {}, 'PlastiqInputError', 'params'],
    ['an unknown option', {}, { timeout: 5 }, 'PlastiqUsageError', 'timeout'],
    ['options that are text', {}, 'x', 'PlastiqUsageError', 'options'],
    ['half a millisecond', {}, { timeoutMs: 0.5 }, 'PlastiqUsageError', 'timeoutMs'],
    ['a timeout that is text', {}, { timeoutMs: '5' }, 'PlastiqUsageError', 'timeoutMs'],
    ['a timeout of 0', {}, { timeoutMs: 0 }, undefined, 'timeoutMs'],
    ['repeats below 0', {}, { maxRepeats: -1 }, undefined, 'maxRepeats'],
    ['NaN', {}, { maxRepeats: NaN }, 'PlastiqUsageError', 'maxRepeats'],
    ['headers that are a number', {}, { headers: 5 }, 'PlastiqUsageError', 'headers'],
    ['a header that is a number', {}, { headers: { 'X-Test': 5 } }, 'PlastiqInputError', 'X-Test'],
    ['a header with a line break', {}, { headers: { 'X-Test': 'a\r\nb' } }, 'PlastiqInputError', 'X-Test'],
    ['a key of a header that is none', {}, { headers: [{ name: 'X-Test', valu: 'x' }] }, 'PlastiqUsageError', undefined],
    ['headers that are a Headers', {}, { headers: new globalThis.Headers({ 'X-Test': 'x' }) }, 'PlastiqUsageError', 'headers'],
    ['headers that are pairs', {}, { headers: [['X-Test', 'x']] }, 'PlastiqUsageError', 'headers'],
    ['a header that is a function', {}, { headers: { 'X-Test': () => 'x' } }, 'PlastiqInputError', 'X-Test'],
    ['a header of a list that is a function', {}, { headers: [{ name: 'X-Test', value: () => 'x' }] }, 'PlastiqInputError', 'X-Test'],
    ['a name of a header that is a function', {}, { headers: [{ name: () => 'x', value: 'x' }] }, 'PlastiqInputError', 'headers'],
    ['sensitive that is text', {}, { headers: [{ name: 'X-Test', value: 'x', sensitive: 'x' }] }, 'PlastiqUsageError', 'headers'],
    ['extra with a symbol', {}, { extra: { a: Symbol('x') } }, 'PlastiqInputError', 'extra'],
    ['extra with a function', {}, { extra: { a: () => 1 } }, 'PlastiqInputError', 'extra'],
    ['extra with a bigint', {}, { extra: { a: 1n } }, 'PlastiqInputError', 'extra'],
    ['extra with a date', {}, { extra: { a: new Date() } }, 'PlastiqInputError', 'extra'],
    ['extra with a Map', {}, { extra: { a: [new Map()] } }, 'PlastiqInputError', 'extra'],
    ['extra with NaN', {}, { extra: { a: NaN } }, 'PlastiqInputError', 'extra'],
    ['extra that is a list', {}, { extra: [] }, undefined, 'extra'],
    ['extra that is a promise', {}, { extra: Promise.resolve({}) }, 'PlastiqInputError', 'extra'],
    ['a signal that is none', {}, { signal: {} }, 'PlastiqUsageError', 'signal'],
    ['half a signal', {}, { signal: { aborted: false, addEventListener() {} } }, 'PlastiqUsageError', 'signal'],
    ['attempts that are text', {}, { attempts: 'yes' }, 'PlastiqUsageError', 'attempts'],
    ['events that are a number', {}, { events: 1 }, 'PlastiqUsageError', 'events'],
    ['a timeout that is NaN', {}, { timeoutMs: NaN }, 'PlastiqUsageError', 'timeoutMs'],
    ['a timeout that is huge', {}, { timeoutMs: 2 ** 53 }, 'PlastiqUsageError', 'timeoutMs'],
    ['a timeout below -1', {}, { timeoutMs: -5 }, 'PlastiqUsageError', 'timeoutMs'],
    ['repeats without end', {}, { maxRepeats: Infinity }, 'PlastiqUsageError', 'maxRepeats'],
    ['a NUL', { endUserDeviceId: 'a\0b' }, {}, 'PlastiqInputError', 'endUserDeviceId'],
    ['a NUL in a UUID', { payer: { id: `${PAYER}\0` } }, {}, 'PlastiqUsageError', 'payer.id'],
    ['text that is empty', { userAgent: '' }, {}, 'PlastiqInputError', 'userAgent'],
    ['text that is too long', { userAgent: 'x'.repeat(70_000) }, {}, 'PlastiqInputError', 'userAgent'],
    // msgpack's encoder treats short texts and long ones in two ways.
    ...['\ud800', 'x'.repeat(100) + '\udc00'].flatMap((half) => [
      [`half a pair in ${half.length} characters`, { userAgent: half }, {}, 'PlastiqUsageError', 'userAgent'],
      [`a header with half a pair in ${half.length} characters`, {}, { headers: { 'X-Test': half } }, 'PlastiqUsageError', 'X-Test'],
      [`a header of a list with half a pair in ${half.length} characters`, {}, { headers: [{ name: 'X-Test', value: half }] }, 'PlastiqUsageError', 'X-Test'],
      [`extra with half a pair in ${half.length} characters`, {}, { extra: { a: [half] } }, 'PlastiqUsageError', 'extra'],
      [`extra with half a pair in a key of ${half.length} characters`, {}, { extra: { [half]: 1 } }, 'PlastiqUsageError', 'extra'],
    ]),
  ];
  for (const [name, params, options, type, field] of wrong) {
    test(name, async () => {
      const client = stub();
      await assert.rejects(client.clientSecrets.create(params, options), (error) => {
        assert.ok(error instanceof plastiq.PlastiqError, inspect(error));
        if (type !== undefined) assert.equal(error.name, type);
        if (field !== undefined) assert.equal(error.field, field, inspect(error));
        assert.equal(error.delivery, 'not_sent');
        assert.match(error.code, /^PLQ_E_/);
        return true;
      });
      assert.equal(client.stats().attempts, 0);
    });
  }

  test('extra that goes round in circles', async () => {
    const extra = {};
    extra.self = extra;
    await assert.rejects(stub().clientSecrets.create({}, { extra }), { name: 'PlastiqInputError', field: 'extra' });
  });

  test('an operation that there is not', async () => {
    await assert.rejects(stub().call('client_secrets.craete'), { code: 'PLQ_E_UNKNOWN_OPERATION' });
    for (const operation of [5, undefined, null, Symbol('x'), {}]) await assert.rejects(stub().call(operation), { name: 'PlastiqUsageError', field: 'operation' });
  });

  test('options of a client', () => {
    const bad = [
      [{ timeoutMs: 'soon' }, 'PLQ_E_OPTION_VALUE', 'timeoutMs'],
      [{ timeoutMs: 1.5 }, 'PLQ_E_OPTION_VALUE', 'timeoutMs'],
      [{ timeoutMs: {} }, 'PLQ_E_OPTION_VALUE', 'timeoutMs'],
      [{ timeoutMs: NaN }, 'PLQ_E_OPTION_VALUE', 'timeoutMs'],
      [{ timeoutMs: -7 }, 'PLQ_E_OPTION_VALUE', 'timeoutMs'],
      [{ maxConnections: 1e21 }, 'PLQ_E_OPTION_VALUE', 'maxConnections'],
      [{ maxConnections: Infinity }, 'PLQ_E_OPTION_VALUE', 'maxConnections'],
      [{ accessToken: '' }, 'PLQ_E_TOKEN_INVALID', 'accessToken'],
      [{ retryStatuses: ['a,b'] }, 'PLQ_E_OPTION_VALUE', 'retryStatuses'],
      [{ environment: 'prodction' }, 'PLQ_E_ENVIRONMENT_UNKNOWN', 'environment'],
      [{ baseUrl: 'http://plastiq.test/api' }, 'PLQ_E_PLAIN_HTTP', 'baseUrl'],
      [{ accessToken: 'a\nb' }, 'PLQ_E_TOKEN_INVALID', 'accessToken'],
      [{ 'stub.scrpt': '[]' }, undefined, undefined],
    ];
    for (const [options, code, field] of bad) {
      assert.throws(
        () => stub(options),
        (error) => {
          assert.ok(error instanceof plastiq.PlastiqConfigError, inspect(error));
          if (code !== undefined) assert.equal(error.code, code);
          if (field !== undefined) assert.equal(error.field, field);
          return true;
        },
      );
    }
    for (const accessToken of [`${KEY}\0`, Buffer.from(`${KEY}\0`), Buffer.from([0xff, 0xfe])]) {
      assert.throws(() => stub({ accessToken }), (error) => error.code === 'PLQ_E_TEXT_ENCODING' && error.field === 'accessToken' && !error.message.includes('test-key'));
    }
    assert.throws(() => stub({ timeuotMs: 5 }), { code: 'PLQ_E_OPTION_UNKNOWN', message: /nearest is "timeout_ms"/ });
    for (const options of ['x', 5, null, [], new Map(), Promise.resolve({}), () => ({})]) assert.throws(() => new Client(options), { name: 'PlastiqUsageError', field: 'options' });
    for (const settings of ['x', 5, null, []]) assert.throws(() => new Client(STUB, settings), { name: 'PlastiqUsageError', field: 'settings' });
    for (const ambient of ['no', 0, null]) assert.throws(() => new Client(STUB, { ambient }), { name: 'PlastiqUsageError', field: 'ambient' });
    assert.throws(() => new Client(STUB, { ambiant: false }), { name: 'PlastiqUsageError', field: 'ambiant', message: /there is no setting ambiant; there are ambient/ });
    assert.throws(() => new Client({ ...where, transport: 'nope' }, { ambient: false }), (error) => error instanceof plastiq.PlastiqLoadError && error.load.length > 0);
    assert.throws(() => new Client({ ...where, transport: 'stub' }, { ambient: false }), { kind: 'load' });
  });

  test('every option of a type that is not its own', () => {
    const values = { number: 5, boolean: true, list: ['x'], bytes: Buffer.from('x'), object: {}, date: new Date(), symbol: Symbol('x'), bigint: 1n, function: () => 1, halfPair: 'x\ud800' };
    const own = { secret: ['bytes'], bool: ['boolean'], int: ['number'], ms: ['number'], list: ['list'] };
    for (const { name, type } of describe('options')) {
      const key = name.replace(/_([a-z0-9])/g, (_, letter) => letter.toUpperCase());
      for (const [what, value] of Object.entries(values)) {
        if (own[type]?.includes(what)) continue;
        assert.throws(() => new Client({ ...STUB, [key]: value }, { ambient: false }), (error) => {
          assert.ok(error instanceof plastiq.PlastiqError, inspect(error));
          assert.equal(error.field, key, inspect(error));
          assert.equal(error.code, what === 'halfPair' ? 'PLQ_E_TEXT_ENCODING' : 'PLQ_E_OPTION_VALUE', inspect(error));
          return true;
        });
      }
    }
  });

  test('a transport that is none', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'plastiq-node-'));
    const file = path.join(folder, 'libplastiq-transport-fake.so');
    const refused = (options, code) =>
      assert.throws(
        () => new Client({ accessToken: KEY, ...options }, { ambient: false }),
        (error) => {
          assert.ok(error instanceof plastiq.PlastiqLoadError);
          assert.deepEqual([error.code, error.field, error.load.at(-1)?.path], [code, 'transport', file], error.message);
          return true;
        },
      );
    refused({ transportDir: folder, transport: 'fake' }, 'PLQ_E_TRANSPORT_NOT_FOUND');
    writeFileSync(file, 'this is text', { mode: 0o644 });
    refused({ transport: file }, 'PLQ_E_TRANSPORT_FORMAT');
    // A library that is no transport: the addon itself.
    cpSync(path.join(root, 'build', 'plastiq.node'), file);
    refused({ transportDir: folder, transport: 'fake' }, 'PLQ_E_TRANSPORT_FOREIGN');
    rmSync(folder, { recursive: true });
  });

  test('no token', async () => {
    await assert.rejects(stub({ accessToken: undefined }).clientSecrets.create(), { code: 'PLQ_E_TOKEN_MISSING' });
  });

  test('of the client itself', async () => {
    const client = stub();
    await assert.rejects(client.warm(-1), { field: 'count' });
    await assert.rejects(client.warm(1, { timeoutMs: 'x' }), { field: 'timeoutMs' });
    await assert.rejects(client.warm('x'), { name: 'PlastiqUsageError', field: 'count' });
    await assert.rejects(client.warm(1, { timeout: 5 }), { name: 'PlastiqUsageError', field: 'timeout' });
    await assert.rejects(client.warm(1, null), { name: 'PlastiqUsageError', field: 'settings' });
    for (const token of [5, true, {}, Symbol('x')]) {
      assert.throws(() => client.setTokens(token), { name: 'PlastiqConfigError', field: 'token' });
      assert.throws(() => client.setTokens(KEY, token), { name: 'PlastiqConfigError', field: 'secondToken' });
    }
    assert.throws(() => client.setTokens(KEY, 'a b'), { code: 'PLQ_E_TOKEN_INVALID', field: 'secondToken' });
    assert.throws(() => client.clientSecrets.createSync({}, { signal: AbortSignal.abort() }), { name: 'PlastiqUsageError', field: 'signal' });
    assert.throws(() => client.describe('nope'), { code: 'PLQ_E_NOT_FOUND' });
    assert.throws(() => describe(5), { field: 'table' });
  });

  test('of close() leaves the client open', async () => {
    const client = stub();
    for (const [settings, field] of [[5, 'settings'], [null, 'settings'], [{ cancel: 'no' }, 'cancel'], [{ timeoutMs: NaN }, 'timeoutMs'], [{ timeoutMs: -2 }, 'timeoutMs'], [{ timeout: 5 }, 'timeout']]) {
      await assert.rejects(client.close(settings), { name: 'PlastiqUsageError', field });
    }
    assert.equal(client.closed, false);
    await client.clientSecrets.create();
  });

  test('objects and bytes of another vm context are none', async () => {
    const client = stub();
    const { params, options, token, date } = runInNewContext(`({ params: { payer: { id: '${PAYER}' } }, options: { extra: { a: [{}] } }, token: new Uint8Array([0x61]), date: new Date() })`);
    assert.ok(!(params instanceof Object));
    await client.clientSecrets.create(params, options);
    client.setTokens(token);
    await assert.rejects(client.clientSecrets.create(date), { field: 'params' });
  });

  test('fields of objects that others made reach nobody', async () => {
    const params = Object.create({ type: 'OTHER' });
    await assert.rejects(stub().clientSecrets.create(params), { field: 'params' });
    await stub().clientSecrets.create(Object.create(null));
  });

  test('thousands of random values never crash', async () => {
    let seed = 1;
    const random = (most) => (seed = (seed * 48271) % 2147483647) % most;
    const values = [undefined, null, 0, -1, 1.5, NaN, Infinity, '', 'x', '\0', '\ud800', PAYER, true, [], [[]], {}, { a: 1 }, () => 1, new Uint8Array(3), new Date(0), 2 ** 63, 'x'.repeat(70_000)];
    const keys = ['payer', 'type', 'traceId', 'userAgent', '', 'x', '__proto__', 'constructor', 'payer.id', 'timeoutMs', 'headers', 'extra', 'maxRepeats', 'v', 'op', 'want'];
    const object = () => Object.fromEntries(Array.from({ length: random(4) }, () => [keys[random(keys.length)], values[random(values.length)]]));
    const client = stub();
    for (let i = 0; i < 5000; i++) {
      const pick = () => (random(4) === 0 ? values[random(values.length)] : object());
      await client.clientSecrets.create(pick(), pick()).then(
        ({ clientSecret }) => clientSecret.wipe(),
        (error) => assert.ok(error instanceof plastiq.PlastiqError, inspect(error)),
      );
    }
  });
});

suite('errors', () => {
  test('have all that the service said', async () => {
    const body = JSON.stringify({ code: 'VALIDATION_ERROR', message: 'no', traceId: '9d2b7c64-51aa-4c1e-8f3d-6b7a8c9d0e1f', errors: [{ details: 'payer is unknown' }] });
    const error = await stub({}, [{ status: 400, body, headers: [['Retry-After', '7']] }])
      .clientSecrets.create()
      .catch((caught) => caught);
    assert.ok(error instanceof plastiq.PlastiqHttpError && error instanceof Error);
    assert.equal(error.code, 'PLQ_E_HTTP_CLIENT');
    assert.equal(error.kind, 'http');
    assert.equal(error.delivery, 'answered');
    assert.equal(error.httpStatus, 400);
    assert.equal(error.serviceCode, 'VALIDATION_ERROR');
    assert.equal(error.serviceMessage, 'no');
    assert.deepEqual(error.details, ['payer is unknown']);
    assert.equal(error.retryAfterMs, 7000);
    assert.equal(error.attempts.length, 1);
    assert.equal(error.repeatable, false);
    assert.equal(Math.floor(error.status / 1000), 15);
  });

  test('of every kind that the library has are a class', () => {
    const kinds = new Set(describe('statuses').map((row) => row.kind));
    kinds.delete('ok');
    for (const kind of kinds) {
      const name = `Plastiq${kind[0].toUpperCase()}${kind.slice(1)}Error`;
      assert.equal(typeof plastiq[name], 'function', name);
      assert.ok(plastiq[name].prototype instanceof plastiq.PlastiqError);
    }
    assert.equal(kinds.size, Object.keys(plastiq).filter((name) => /^Plastiq.+Error$/.test(name) && name !== 'PlastiqError').length);
  });

  test('are the same from both kinds of module', () => {
    const other = createRequire(import.meta.url)(path.join(root, 'dist', 'index.js'));
    for (const name of Object.keys(plastiq)) assert.equal(other[name], plastiq[name], name);
    assert.deepEqual(Object.keys(other).sort(), Object.keys(plastiq).sort());
  });
});

suite('listeners', () => {
  test('are told what happened, in order', async () => {
    const client = stub({}, [{ status: 503 }, { engine: true }]);
    const told = [];
    for (const name of ['callStart', 'attemptStart', 'attemptEnd', 'repeat', 'callEnd']) client.on(name, (event) => told.push([event.event, event]));
    const { traceId } = await client.clientSecrets.create();
    assert.deepEqual(told.map(([name]) => name), ['callStart', 'attemptStart', 'attemptEnd', 'repeat', 'attemptStart', 'attemptEnd', 'callEnd']);
    const end = told.at(-1)[1];
    assert.equal(end.statusName, 'PLQ_OK');
    assert.equal(end.attempts, 2);
    assert.equal(end.traceId, traceId);
    assert.equal(typeof end.elapsedUs, 'number');
    assert.equal(told[3][1].reason, 'backoff');
  });

  test('are told by blocking calls and of failures too', async () => {
    const client = stub({}, [{ status: 403 }]);
    const ended = once(client, 'callEnd');
    assert.throws(() => client.clientSecrets.createSync());
    assert.equal((await ended)[0].httpStatus, 403);
  });

  test('know the place of the call', async () => {
    const client = stub();
    const storage = new AsyncLocalStorage();
    const seen = [];
    client.on('callEnd', () => seen.push(storage.getStore()));
    await Promise.all([1, 2, 3].map((n) => storage.run(n, () => client.clientSecrets.create())));
    assert.deepEqual(seen.sort(), [1, 2, 3]);
  });

  test('that throw do not keep a call from its result', async () => {
    const done = run(`
      const { Client } = await import(process.env.PLASTIQ_DIST);
      const client = new Client({ ...${STUB_TEXT} }, { ambient: false });
      process.on('uncaughtException', (error) => console.log('uncaught', error.message));
      client.on('callEnd', () => { throw new Error('a listener'); });
      const { httpStatus } = await client.clientSecrets.create();
      console.log(httpStatus);
    `);
    assert.deepEqual(done.stdout.trim().split('\n').sort(), ['200', 'uncaught a listener'], done.stderr);
  });

  test('are not needed for the events of one call', async () => {
    const { events } = await stub().clientSecrets.create({}, { events: true });
    assert.equal(events.at(-1).event, 'callEnd');
    const none = await stub().clientSecrets.create();
    assert.equal(none.events, undefined);
  });

  test('may close the client', async () => {
    const client = stub();
    client.on('callStart', () => void client.close());
    await client.clientSecrets.create();
    assert.equal(client.closed, true);
    await client.close();
  });
});

suite('tokens', () => {
  test('are replaced while the client lives', async () => {
    const client = stub({ 'stub.api_keys': 'test-key-new' });
    await assert.rejects(client.clientSecrets.create(), { httpStatus: 401, name: 'PlastiqHttpError' });
    client.setTokens(Buffer.from('test-key-new'));
    await client.clientSecrets.create();
    client.setTokens(KEY, 'test-key-new');
    const { attempts } = await client.clientSecrets.create({}, { attempts: true });
    assert.deepEqual(attempts.map((one) => one.token), [1, 2]);
    assert.throws(() => client.setTokens('a b\n'), { code: 'PLQ_E_TOKEN_INVALID' });
    client.setTokens(null);
    await assert.rejects(client.clientSecrets.create(), { code: 'PLQ_E_TOKEN_MISSING' });
  });

  test('come from a file that is followed', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'plastiq-node-'));
    const file = path.join(folder, 'token');
    writeFileSync(file, `${KEY}\n`, { mode: 0o600 });
    await stub({ accessToken: undefined, accessTokenFile: file }).clientSecrets.create();
    rmSync(folder, { recursive: true });
  });
});

suite('what is said of itself', () => {
  test('versions', () => {
    assert.match(versions.library, /^\d+\.\d+\.\d+$/);
    assert.equal(versions.serves, true);
  });

  test('options in effect, without secrets', () => {
    const rows = stub({ timeoutMs: 1234 }).options();
    const named = Object.fromEntries(rows.map((row) => [row.name, row]));
    assert.equal(named.timeout_ms.value, '1234');
    assert.equal(named.timeout_ms.source, 'code');
    assert.equal(named.max_repeats.source, 'default');
    assert.equal(named.access_token.value, '[set]');
  });

  test('the transport', () => {
    const facts = stub().transport();
    assert.equal(facts.name, 'stub');
    assert.equal(facts.class, 'test');
    assert.ok(facts.capabilities.includes('async'));
  });

  test('statistics', async () => {
    const client = stub();
    await client.clientSecrets.create();
    client.clientSecrets.createSync();
    const stats = client.stats();
    assert.equal(stats.calls, 2);
    assert.equal(stats.callsSucceeded, 2);
    assert.deepEqual(Object.keys(stats.queue), ['calls', 'inFlight', 'ready', 'maxCalls', 'connectionsOpen', 'connectionsBusy']);
    assert.equal(stats.queue.calls, 1);
  });

  test('every table', () => {
    const client = stub();
    for (const { name } of describe('tables')) {
      // Those of transports depend on what is installed where: the client knows.
      const rows = name.startsWith('transport') ? client.describe(name) : describe(name);
      if (name !== 'transport_options') assert.ok(rows.length > 0, name);
    }
  });

  test('every option is taken', () => {
    // Each by itself, with its default or a value that its type allows: the binding passes all of them on.
    const taken = { list: 'x', secret: 'x', path: '/x', text: 'x', bool: true, int: 1, ms: 1 };
    for (const row of describe('options')) {
      const key = row.name.replace(/_([a-z0-9])/g, (_, letter) => letter.toUpperCase());
      const value = row.type === 'choice' ? row.choices.split(',')[0] : row.default !== '' ? row.default : taken[row.type];
      const numbers = row.type === 'int' || row.type === 'ms' ? Number(value) : value;
      try {
        const client = new Client({ ...STUB, [key]: numbers }, { ambient: false });
        assert.equal(client.options().find((one) => one.name === row.name).source, 'code', row.name);
        void client.close();
      } catch (error) {
        assert.ok(error instanceof plastiq.PlastiqError, inspect(error));
        assert.notEqual(error.code, 'PLQ_E_OPTION_UNKNOWN');
      }
    }
  });

  test('inspection shows nothing that is private', () => {
    const client = stub();
    assert.equal(inspect(client, { depth: 9, showHidden: true }), 'Client { open }');
    assert.doesNotMatch(JSON.stringify(client), /test-key/);
  });

  test('the environment counts if it may', () => {
    const source = `
      const { Client } = await import(process.env.PLASTIQ_DIST);
      for (const ambient of [true, false]) {
        const client = new Client(${STUB_TEXT}, { ambient });
        console.log(client.options().find((row) => row.name === 'timeout_ms').value);
        await client.close();
      }`;
    assert.equal(run(source, { env: { PLASTIQ_TIMEOUT_MS: '4321' } }).stdout, '4321\n15000\n');
  });
});

suite('warming', () => {
  test('opens connections, and calls wait for it', async () => {
    const client = stub();
    const [open, result] = await Promise.all([client.warm(3), client.clientSecrets.create()]);
    assert.equal(open, 3);
    assert.equal(result.httpStatus, 200);
  });

  test('is one at a time', async () => {
    const client = stub();
    const first = client.warm(1);
    await assert.rejects(client.warm(1), { code: 'PLQ_E_BUSY' });
    await first;
    await assert.rejects(client.warm(65_536), (error) => error instanceof plastiq.PlastiqError);
  });
});
