// SPDX-License-Identifier: MIT
// How clients, workers and processes end.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe as suite, test } from 'node:test';
import { Worker } from 'node:worker_threads';

import { closeAll, plastiq, prelude, root, run, stub, STUB_TEXT } from './support.mjs';

afterEach(closeAll);

const hanging = (count) => Array.from({ length: count }, () => ({ hang: true }));
const FOREVER = { timeoutMs: Infinity };
const descriptors = () => readdirSync('/proc/self/fd').length;

suite('close', () => {
  test('cancels what is in flight, and waits for it', async () => {
    const client = stub({}, hanging(100));
    const calls = Array.from({ length: 100 }, () => client.clientSecrets.create({}, FOREVER));
    const settled = Promise.allSettled(calls);
    let ended = 0;
    for (const call of calls) call.catch(() => ended++);
    await client.close();
    assert.equal(ended, 100);
    for (const { reason } of await settled) {
      assert.equal(reason.code, 'PLQ_E_CANCELLED');
      assert.equal(reason.cause, undefined);
    }
  });

  test('lets what is in flight end, if it is asked to', async () => {
    const client = stub();
    const calls = Array.from({ length: 50 }, () => client.clientSecrets.create());
    const closed = client.close({ cancel: false });
    await assert.rejects(client.clientSecrets.create(), { name: 'PlastiqStateError', code: 'PLQ_E_CLOSED' });
    const results = await Promise.all(calls);
    await closed;
    assert.equal(results.length, 50);
  });

  test('does not wait past its deadline', async () => {
    const client = stub({}, hanging(1));
    const call = client.clientSecrets.create({}, FOREVER);
    const rejected = assert.rejects(call, { code: 'PLQ_E_CANCELLED', delivery: 'maybe_sent' });
    const began = performance.now();
    await client.close({ cancel: false, timeoutMs: 50 });
    await rejected;
    assert.ok(performance.now() - began < 1000);
  });

  test('wipes results that nobody waits for any more', async () => {
    // Both results come in one turn. The listener of the first one ends the client, so that the second has nobody.
    const done = run(`${prelude}
      const { Secret } = await import(process.env.PLASTIQ_DIST);
      const wipe = Secret.prototype.wipe;
      let wiped = 0;
      Secret.prototype.wipe = function () { wiped++; wipe.call(this); };
      let ended = 0;
      client.on('callEnd', () => {
        if (ended++ > 0) return;
        const timers = globalThis.setTimeout;
        globalThis.setTimeout = (now) => now();
        client.close({ timeoutMs: 0 });
        globalThis.setTimeout = timers;
      });
      const all = await Promise.allSettled([client.clientSecrets.create(), client.clientSecrets.create()]);
      console.log(all.map((one) => one.status + (one.reason?.code ?? '')).join(' '), wiped);
    `);
    // From a thread they may come in two turns: then the second one ends with the queue.
    assert.match(done.stdout, globalThis[Symbol.for('plastiq.threads')] ? /^fulfilled rejectedPLQ_E_CANCELLED [01]\n$/ : /^fulfilled rejectedPLQ_E_CANCELLED 1\n$/, done.stderr);
  });

  test('is the same thing the second time, and leaves a client that refuses', async () => {
    const client = stub();
    const first = client.close();
    assert.equal(client.close(), first);
    await first;
    assert.equal(client.closed, true);
    await assert.rejects(client.clientSecrets.create(), { code: 'PLQ_E_CLOSED' });
    await assert.rejects(client.warm(1), { code: 'PLQ_E_CLOSED' });
    for (const use of [() => client.clientSecrets.createSync(), () => client.stats(), () => client.transport(), () => client.options(), () => client.setTokens('x')]) {
      assert.throws(use, { name: 'PlastiqStateError', code: 'PLQ_E_CLOSED', delivery: 'not_sent' });
    }
    await client[Symbol.asyncDispose]();
  });

  test('ends a warming', async () => {
    const client = stub();
    const warming = client.warm(64).catch((error) => error.code);
    await client.close();
    assert.ok([64, 'PLQ_E_CANCELLED', 'PLQ_E_CLOSED'].includes(await warming));
    const other = stub();
    const outlived = other.warm(64).catch((error) => error.code);
    await other.close({ timeoutMs: 0 });
    assert.ok([64, 'PLQ_E_CANCELLED', 'PLQ_E_CLOSED'].includes(await outlived));
  });

  test('gives every descriptor back', async () => {
    await stub().close();
    const before = descriptors();
    for (let i = 0; i < 50; i++) {
      const client = stub();
      await client.clientSecrets.create();
      await client.close();
    }
    assert.equal(descriptors(), before);
  });

  test('is not needed: a client that is collected gives them back too', () => {
    const done = run(
      `${prelude}
      const { readdirSync } = await import('node:fs');
      const { setTimeout: sleep } = await import('node:timers/promises');
      const count = () => readdirSync('/proc/self/fd').length;
      async function use() {
        const one = new Client({ ...${STUB_TEXT} }, { ambient: false });
        await one.clientSecrets.create();
      }
      await use();
      const before = count();
      for (let i = 0; i < 20; i++) await use();
      const most = count();
      for (let i = 0; i < 50 && count() > before; i++) { gc(); await sleep(10); }
      console.log(most > before, count() <= before);
      `,
      { args: ['--expose-gc'] },
    );
    assert.equal(done.stdout, 'true true\n', done.stderr);
  });
});

suite('a process', () => {
  test('that is idle ends by itself in less than a second', () => {
    const empty = run('');
    const done = run(`${prelude} await client.clientSecrets.create(); console.log('made');`);
    assert.equal(done.stdout, 'made\n', done.stderr);
    assert.equal(done.status, 0);
    assert.ok(done.ms - empty.ms < 1000, `${done.ms} ms, of which ${empty.ms} are Node's`);
  });

  test('with a client that was never used ends too', () => {
    const done = run(prelude);
    assert.equal(done.status, 0, done.stderr);
    assert.ok(done.ms < 5000);
  });

  test('waits for calls in flight', () => {
    const done = run(`${prelude} client.clientSecrets.create().then(() => console.log('made'));`);
    assert.equal(done.stdout, 'made\n', done.stderr);
  });

  test('waits for close', () => {
    const done = run(`${prelude} client.close().then(() => console.log('closed'));`);
    assert.equal(done.stdout, 'closed\n', done.stderr);
  });

  for (const [name, end, status] of [
    ['process.exit()', 'process.exit(7)', 7],
    ['an uncaught exception', 'setTimeout(() => { throw new Error("x") })', 1],
    ['SIGTERM', 'process.kill(process.pid, "SIGTERM")', null],
  ]) {
    test(`may end with calls in flight: ${name}`, () => {
      const done = run(`
        const { Client } = await import(process.env.PLASTIQ_DIST);
        const script = JSON.stringify(Array.from({ length: 100 }, () => ({ hang: true })));
        const client = new Client({ ...${STUB_TEXT}, 'stub.script': script }, { ambient: false });
        for (let i = 0; i < 100; i++) client.clientSecrets.create({}, { timeoutMs: Infinity }).catch(() => {});
        client.warm(3).catch(() => {});
        setTimeout(() => { ${end} }, 20);`);
      assert.equal(done.status, status, done.stderr);
      assert.equal(done.signal, status === null ? 'SIGTERM' : null);
    });
  }

  test('may end while a result is being told', () => {
    const done = run(`${prelude} client.on('callEnd', () => process.exit(3)); await client.clientSecrets.create();`);
    assert.equal(done.status, 3, done.stderr);
  });
});

test('a client that gets no thread, where it needs one, is refused', () => {
  // As in Bun and Deno. The system has no more threads from the moment on that the program says so.
  const folder = mkdtempSync(path.join(tmpdir(), 'plastiq-node-'));
  writeFileSync(path.join(folder, 'threads.c'), `
    #define _GNU_SOURCE
    #include <dlfcn.h>
    #include <errno.h>
    #include <pthread.h>
    #include <stdlib.h>
    int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *data) {
      static int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
      if (real == NULL) *(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
      return getenv("TEST_NO_THREADS") != NULL ? EAGAIN : real(thread, attributes, run, data);
    }`);
  execFileSync('cc', ['-shared', '-fPIC', '-o', 'threads.so', 'threads.c', '-ldl'], { cwd: folder });
  const done = run(`
    globalThis[Symbol.for('plastiq.threads')] = true;
    const { Client } = await import(process.env.PLASTIQ_DIST);
    const make = () => new Client({ ...${STUB_TEXT} }, { ambient: false });
    process.env.TEST_NO_THREADS = '1';
    for (let i = 0; i < 10; i++) try { make(); } catch (error) { console.log(error.name, error.code); }
    delete process.env.TEST_NO_THREADS;
    await new Promise((resolve) => setTimeout(resolve, 10)); // what was half made is taken apart
    gc();
    console.log((await make().clientSecrets.create()).httpStatus);`, { args: ['--expose-gc'], env: { LD_PRELOAD: [process.env.LD_PRELOAD, path.join(folder, 'threads.so')].filter(Boolean).join(':') } });
  rmSync(folder, { recursive: true });
  assert.equal(done.stdout, `${'PlastiqResourceError PLQ_E_RESOURCE_SYSTEM\n'.repeat(10)}200\n`, done.stderr);
  assert.equal(done.status, 0, done.stderr);
});

suite('a worker', () => {
  const source = (body) => `
    const { parentPort } = require('node:worker_threads');
    const { Client } = require(${JSON.stringify(path.join(root, 'dist', 'index.js'))});
    const make = (script) => new Client({ ...${STUB_TEXT}, 'stub.script': JSON.stringify(script) }, { ambient: false });
    ${body}`;
  const start = (body) => new Worker(source(body), { eval: true });
  const told = (worker) => new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));

  test('has clients of its own, several at once', async () => {
    const workers = [1, 2, 3, 4].map(() =>
      start(`
        const client = make([]);
        Promise.all(Array.from({ length: 200 }, () => client.clientSecrets.create())).then((all) => parentPort.postMessage(all.length));`),
    );
    assert.deepEqual(await Promise.all(workers.map(told)), [200, 200, 200, 200]);
    await stub().clientSecrets.create();
    await Promise.all(workers.map((worker) => worker.terminate()));
  });

  test('ends by itself when it is idle', async () => {
    const worker = start(`make([]).clientSecrets.create().then(() => parentPort.postMessage('made'));`);
    const code = new Promise((resolve) => worker.once('exit', resolve));
    assert.equal(await told(worker), 'made');
    assert.equal(await code, 0);
  });

  test('is terminated with 100 calls in flight, 50 times', async () => {
    const before = descriptors();
    for (let i = 0; i < 50; i++) {
      const worker = start(`
        const client = make(Array.from({ length: 100 }, () => ({ hang: true })));
        for (let i = 0; i < 100; i++) client.clientSecrets.create({}, { timeoutMs: Infinity }).catch(() => {});
        ${i % 5 === 0 ? 'client.warm(2).catch(() => {});' : ''}
        ${i % 7 === 0 ? 'setInterval(() => make([]).clientSecrets.create(), 1);' : ''}
        parentPort.postMessage(client.stats().queue.inFlight);`);
      assert.equal(await told(worker), 100);
      await worker.terminate();
    }
    assert.ok(descriptors() <= before + 2, `${before} descriptors, then ${descriptors()}`);
  });

  test('is terminated while results pour in, 20 times', async () => {
    for (let i = 0; i < 20; i++) {
      const worker = start(`
        const client = make([]);
        const again = () => client.clientSecrets.create().then(again);
        for (let i = 0; i < 200; i++) again();
        client.on('callEnd', () => {});
        setTimeout(() => parentPort.postMessage('busy'), 5);`);
      await told(worker);
      await worker.terminate();
    }
  });

  test('may be closing when it is terminated', async () => {
    for (let i = 0; i < 10; i++) {
      const worker = start(`
        const client = make(Array.from({ length: 10 }, () => ({ hang: true })));
        for (let i = 0; i < 10; i++) client.clientSecrets.create({}, { timeoutMs: Infinity }).catch(() => {});
        client.close({ cancel: false });
        parentPort.postMessage('closing');`);
      await told(worker);
      await worker.terminate();
    }
  });
});

test('a client cannot be passed to another thread', () => {
  // What arrives is an empty object: nothing of the client is in it, and nothing of it can be used.
  const passed = structuredClone({ ...stub() });
  assert.equal(passed instanceof plastiq.Client, false);
});
