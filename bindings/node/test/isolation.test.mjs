// SPDX-License-Identifier: MIT
// Node brings an OpenSSL of its own. Each TLS transport runs on the system's all the same, or says that it cannot.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import { after, before, test } from 'node:test';

import { Emulator, emulatorProgram, KEY, plastiq, run, where } from './support.mjs';

const bringsOwn = process.config.variables.node_shared_openssl === false;
const why =
  emulatorProgram === undefined ? 'EMULATOR_BIN does not name the emulator program'
  : !bringsOwn ? 'this Node has no OpenSSL of its own'
  : undefined;

/** What glibc's loader says of a program: which file's symbol was bound to which file. Exact, also where both OpenSSL are of one version. */
function bindings(source) {
  const folder = mkdtempSync(path.join(tmpdir(), 'plastiq-node-'));
  const done = run(source, { env: { LD_DEBUG: 'bindings', LD_DEBUG_OUTPUT: path.join(folder, 'log') } });
  const text = readdirSync(folder).map((name) => readFileSync(path.join(folder, name), 'utf8')).join('');
  rmSync(folder, { recursive: true });
  assert.equal(done.status, 0, done.stderr);
  return {
    out: done.stdout.trim(),
    list: [...text.matchAll(/binding file (\S+) \[\d+\] to (\S+) \[\d+\]: \S+ symbol `(\w+)'/g)].map(([, from, to, symbol]) => ({ from, to, symbol })),
  };
}

const isNode = (file) => path.basename(file) === path.basename(process.execPath);
const isOpenssl = (file) => /\/lib(ssl|crypto)\.so\.3$/.test(file);
const isTls = ({ from }) => /\/(libplastiq-transport-\w+|libcurl|libssl|libcrypto)\.so/.test(from);
const OURS = /^(SSL|TLS|EVP|X509|BIO|ERR|OPENSSL|CRYPTO|OSSL)_/;

if (why !== undefined) {
  test('isolation', { skip: why }, () => {});
} else {
  let emulator;
  before(async () => {
    emulator = await Emulator.start();
  });
  after(() => emulator?.stop());

  const make = (options) => new plastiq.Client({ ...where, baseUrl: emulator.url, caFile: emulator.ca, accessToken: KEY, ...options }, { ambient: false });

  test('what binds to the OpenSSL of Node is seen', () => {
    // The check of the next tests on something that has no isolation: an addon that asks for TLS_method() and gets Node's.
    const folder = mkdtempSync(path.join(tmpdir(), 'plastiq-node-'));
    writeFileSync(path.join(folder, 'plain.c'), 'void *TLS_method(void); void *napi_register_module_v1(void *e, void *x) { (void)e; return TLS_method() ? x : 0; }');
    execFileSync('cc', ['-shared', '-fPIC', '-o', 'plain.node', 'plain.c'], { cwd: folder });
    const { list } = bindings(`process.dlopen({ exports: {} }, ${JSON.stringify(path.join(folder, 'plain.node'))});`);
    rmSync(folder, { recursive: true });
    assert.ok(list.some(({ to, symbol }) => symbol === 'TLS_method' && isNode(to)));
  });

  for (const name of ['curl', 'openssl']) {
    test(`${name} runs on the system's OpenSSL`, () => {
      const { out, list } = bindings(`
        const { Client } = await import(process.env.PLASTIQ_DIST);
        const options = ${JSON.stringify({ ...where, transport: name, baseUrl: emulator.url, caFile: emulator.ca, accessToken: KEY })};
        const client = new Client(options, { ambient: false });
        const { httpStatus } = await client.clientSecrets.create();
        console.log(httpStatus, client.transport().stack);
        await client.close();`);
      assert.match(out, /^200 (libcurl\/\S+ )?OpenSSL\/\d/);
      const theirs = list.filter(({ from, symbol }) => isTls({ from }) && OURS.test(symbol));
      const strangers = theirs.filter(({ to }) => isNode(to));
      assert.deepEqual(strangers, []);
      assert.ok(theirs.filter(({ from, to }) => /transport|libcurl/.test(from) && isOpenssl(to)).length > 20);
      console.log(`${name}: ${out}, ${theirs.length} symbols, none from Node, which has OpenSSL ${process.versions.openssl}`);
    });

    test(`${name} works beside Node's own TLS`, async () => {
      const client = make({ transport: name });
      const node = new Promise((resolve, reject) => {
        const socket = tls.connect({ port: emulator.port, host: '127.0.0.1', ca: readFileSync(emulator.ca), servername: 'localhost' }, () => resolve(socket.end()));
        socket.on('error', reject);
      });
      await Promise.all([node, ...Array.from({ length: 20 }, () => client.clientSecrets.create())]);
      await client.close();
    });

    // In a process of its own: a transport that was loaded well stays so.
    test(`${name} without isolation refuses, and names what clashes`, () => {
      const { stdout, stderr } = run(`
        const { Client } = await import(process.env.PLASTIQ_DIST);
        try {
          new Client(${JSON.stringify({ ...where, transport: name, transportIsolation: 'off' })}, { ambient: false });
        } catch (error) {
          console.log(error.name, error.code, error.message);
        }`);
      assert.match(stdout, /^PlastiqLoadError PLQ_E_TRANSPORT_REFUSED .*OpenSSL/, stderr);
    });
  }
}
