// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, test } from 'node:test';
import { format, inspect, promisify } from 'node:util';

import { closeAll, plastiq, run, stub, STUB_TEXT } from './support.mjs';

afterEach(closeAll);

async function secret(options, script) {
  const { clientSecret } = await stub(options, script).clientSecrets.create();
  return clientSecret;
}

const KNOWN = 'test-secret-0001';
const known = () => secret({}, [{ status: 200, body: JSON.stringify({ clientSecret: KNOWN }) }]);

test('prints as redacted everywhere', async () => {
  const one = await known();
  const holder = { deep: { one } };
  const shown = [
    String(one),
    `${one}`,
    one + '',
    JSON.stringify(holder),
    inspect(holder, { depth: 9, showHidden: true }),
    format('%s %o %O %j %d', one, one, one, one, one),
    Object.keys(one).join(),
    JSON.stringify(Object.getOwnPropertyDescriptors(one)),
    inspect(structuredClone({ ...one })),
    new Error('x', { cause: one }).cause.toString(),
  ];
  for (const text of shown) assert.doesNotMatch(text, /test-secret/);
  assert.match(shown[0], /redacted/);
  assert.match(inspect(one), /redacted/);
  assert.equal(one.reveal(), KNOWN);
});

test('shows nothing to a debugger', async () => {
  const one = await known();
  globalThis.secretUnderTest = one;
  const session = new Session();
  session.connect();
  const post = promisify(session.post.bind(session));
  const { result } = await post('Runtime.evaluate', { expression: 'secretUnderTest', generatePreview: true });
  const properties = await post('Runtime.getProperties', { objectId: result.objectId, generatePreview: true, ownProperties: false });
  const said = JSON.stringify([result, properties]);
  assert.match(said, /owner/); // it is seen that there is something
  assert.doesNotMatch(said, /test-secret/);
  session.disconnect();
  delete globalThis.secretUnderTest;
});

test('does not show in an uncaught exception', () => {
  const done = run(`
    const { Client } = await import(process.env.PLASTIQ_DIST);
    const script = JSON.stringify([{ status: 200, body: JSON.stringify({ clientSecret: '${KNOWN}' }) }]);
    const client = new Client({ ...${STUB_TEXT}, 'stub.script': script }, { ambient: false });
    const result = await client.clientSecrets.create();
    console.error(result);
    throw Object.assign(new Error('a panic'), { client, result });`);
  assert.equal(done.status, 1);
  assert.match(done.stderr, /a panic/);
  assert.match(done.stderr, /redacted/);
  // The program's own text has it: what comes after the message is the object.
  assert.doesNotMatch(done.stderr.slice(done.stderr.indexOf('Error: a panic')), /test-secret|test-key/);
});

test('is taken once', async () => {
  const one = await known();
  const bytes = one.take();
  assert.equal(bytes.toString(), KNOWN);
  for (const again of ['take', 'reveal']) assert.throws(() => one[again](), { name: 'PlastiqSecretError', code: 'PLQ_E_SECRET_TAKEN', kind: 'secret' });
  assert.throws(() => one.use(() => 1), { code: 'PLQ_E_SECRET_TAKEN' });
  bytes.fill(0);
});

test('is shown for a while, and then wiped', async () => {
  const one = await known();
  let kept;
  assert.equal(one.use((bytes) => ((kept = bytes), bytes.toString())), KNOWN);
  assert.ok(kept.every((byte) => byte === 0));
  const later = one.use(async (bytes) => {
    kept = bytes;
    await new Promise((resolve) => setTimeout(resolve, 5));
    return bytes.toString();
  });
  assert.equal(kept.toString(), KNOWN);
  assert.equal(await later, KNOWN);
  assert.ok(kept.every((byte) => byte === 0));
  // Of a promise that is none of Node's.
  const foreign = one.use((bytes) => ((kept = bytes), { then: (resolve) => setTimeout(() => resolve(bytes.toString()), 5) }));
  assert.equal(kept.toString(), KNOWN);
  assert.equal(await foreign, KNOWN);
  assert.ok(kept.every((byte) => byte === 0));
  assert.throws(() => one.use((bytes) => { kept = bytes; throw new Error('x'); }), /x/);
  assert.ok(kept.every((byte) => byte === 0));
});

test('is gone when it was wiped', async () => {
  const one = await known();
  one.wipe();
  one.wipe();
  assert.equal(one.lifeMs, 0);
  assert.throws(() => one.reveal(), { code: 'PLQ_E_SECRET_TAKEN' });
  const other = await known();
  other[Symbol.dispose]();
  assert.throws(() => other.take(), { code: 'PLQ_E_SECRET_TAKEN' });
});

test('knows its life', async () => {
  const one = await known();
  assert.ok(one.lifeMs > 0 && one.lifeMs <= 60_000);
  assert.ok(Math.abs(one.expiresAtMs - plastiq.Secret.now() - one.lifeMs) < 50);
});

test('is gone when its life is over', () => {
  // A clock that goes 61 s ahead when the program says so, as it does over a suspend.
  const folder = mkdtempSync(path.join(tmpdir(), 'plastiq-node-'));
  writeFileSync(path.join(folder, 'clock.c'), `
    #define _GNU_SOURCE
    #include <dlfcn.h>
    #include <stdlib.h>
    #include <time.h>
    int clock_gettime(clockid_t id, struct timespec *out) {
      static int (*real)(clockid_t, struct timespec *);
      if (real == NULL) *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
      int result = real(id, out);
      if (result == 0 && id == CLOCK_BOOTTIME && getenv("TEST_SUSPENDED") != NULL) out->tv_sec += 61;
      return result;
    }`);
  execFileSync('cc', ['-shared', '-fPIC', '-o', 'clock.so', 'clock.c', '-ldl'], { cwd: folder });
  const done = run(`
    const { Client } = await import(process.env.PLASTIQ_DIST);
    const client = new Client({ ...${STUB_TEXT} }, { ambient: false });
    const { clientSecret } = await client.clientSecrets.create();
    const code = (use) => { try { return use() && 'given'; } catch (error) { return error.name + ' ' + error.code; } };
    const look = () => [clientSecret.lifeMs > 0, ...[() => clientSecret.reveal(), () => clientSecret.use((bytes) => bytes.length), () => clientSecret.take()].map(code)];
    console.log(clientSecret.lifeMs > 0, code(() => clientSecret.reveal()));
    process.env.TEST_SUSPENDED = '1';
    console.log(...look());`, { env: { LD_PRELOAD: path.join(folder, 'clock.so') } });
  rmSync(folder, { recursive: true });
  const expired = 'PlastiqSecretError PLQ_E_SECRET_EXPIRED';
  assert.equal(done.stdout, `true given\nfalse ${expired} ${expired} ${expired}\n`, done.stderr);
});

test('outlives its client', async () => {
  const client = stub();
  const { clientSecret } = await client.clientSecrets.create();
  await client.close();
  assert.match(clientSecret.reveal(), /^cs_test_/);
});

test('is made by calls only', () => {
  assert.throws(() => new plastiq.Secret(), TypeError);
  assert.throws(() => plastiq.Secret.prototype.reveal.call({}), TypeError);
  assert.throws(() => plastiq.Secret.prototype.reveal.call(Object.create(plastiq.Secret.prototype)), TypeError);
});

test('never passes through what msgpack decodes', async () => {
  // A reply names a handle. If it had the bytes, so would the memory that replies share.
  const original = TextDecoder.prototype.decode;
  const decoded = [];
  const utf8 = Buffer.prototype.utf8Slice;
  TextDecoder.prototype.decode = function (...args) {
    const text = original.apply(this, args);
    decoded.push(text);
    return text;
  };
  try {
    await known();
  } finally {
    TextDecoder.prototype.decode = original;
  }
  assert.equal(Buffer.prototype.utf8Slice, utf8);
  assert.ok(decoded.every((text) => !text.includes('test-secret')));
});

test('leaves no copy in memory that was wiped', () => {
  // The program looks through its own memory for the secret, which the stub made up, after everything was wiped.
  const source = `
    import { readFileSync, openSync, readSync } from 'node:fs';
    const { Client } = await import(process.env.PLASTIQ_DIST);
    const client = new Client({ ...${STUB_TEXT} }, { ambient: false });
    const { clientSecret } = await client.clientSecrets.create();
    // Its fingerprint: the bytes, each changed, so that the fingerprint is no copy.
    const print = clientSecret.use((bytes) => Uint8Array.from(bytes, (byte) => byte ^ 0x5a));
    function count() {
      let found = 0;
      const memory = openSync('/proc/self/mem', 'r');
      const chunk = new Uint8Array(new SharedArrayBuffer(1 << 16));
      for (const line of readFileSync('/proc/self/maps', 'utf8').split('\\n')) {
        const match = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line);
        if (!match || line.includes('[v')) continue;
        let [at, end] = [BigInt('0x' + match[1]), BigInt('0x' + match[2])];
        for (; at < end; at += 65472n) { // pieces overlap by the length of a secret
          let got;
          try { got = readSync(memory, chunk, 0, Number(end - at < 65536n ? end - at : 65536n), at); } catch { break; }
          outer: for (let i = 0; i + print.length <= got; i++) {
            for (let j = 0; j < print.length; j++) if ((chunk[i + j] ^ 0x5a) !== print[j]) continue outer;
            found++;
          }
        }
      }
      return found;
    }
    const before = count();
    clientSecret.wipe();
    await client.close();
    console.log(before, count());`;
  const done = run(source);
  assert.equal(done.status, 0, done.stderr);
  const [before, afterwards] = done.stdout.trim().split(' ').map(Number);
  assert.ok(before >= 1, 'the search finds a secret that is there');
  // What the search itself read may be there twice while the secret lives, and not afterwards.
  assert.equal(afterwards, 0);
});
