// SPDX-License-Identifier: MIT
// The examples and every block of the README run as they stand, over the stub.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import { after, test } from 'node:test';

import { KEY, root, STUB_TEXT, where } from './support.mjs';

const folder = mkdtempSync(path.join(tmpdir(), 'plastiq-node-'));
mkdirSync(path.join(folder, 'node_modules'));
symlinkSync(root, path.join(folder, 'node_modules', 'plastiq'));
after(() => rmSync(folder, { recursive: true, force: true }));

const STUB = ['transport', 'stub', 'allowTestTransports', 'true', ...Object.entries(where).flat()];
const env = { ...process.env, EXAMPLE_TOKEN: KEY };
const node = (file, args, own = {}) => spawnSync(process.execPath, [file, ...args], { encoding: 'utf8', cwd: folder, timeout: 30_000, env: { ...env, ...own } });

const blocks = [...readFileSync(path.join(root, 'README.md'), 'utf8').matchAll(/```js\n([\s\S]*?)```/g)].map((match) => match[1]);

test('the example of the README', () => {
  const file = path.join(folder, 'example.mjs');
  writeFileSync(file, blocks[0]);
  const made = node(file, STUB);
  assert.match(made.stdout, /^cs_test_\S+\n$/, made.stderr);
  assert.equal(made.status, 0);
  const failed = node(file, [...STUB, 'stub.script', '[{"status": 403}]']);
  assert.equal(failed.status, 1);
  assert.match(failed.stderr, /^PLQ_E_HTTP_FORBIDDEN: /);
  assert.equal(failed.stdout, '');
  assert.ok(blocks[0].trim().split('\n').length <= 16);
});

test('the other blocks of the README', () => {
  assert.ok(blocks.length > 3);
  blocks.slice(1).forEach((block, i) => {
    const file = path.join(folder, `block${i}.mjs`);
    const before = `import { Client } from 'plastiq';\nconst client = new Client({ ...${STUB_TEXT}, 'stub.script': '[{"status": 503}]' });\n`;
    const behind = '\nawait client.clientSecrets.create();\nconsole.log("done");\n';
    writeFileSync(file, before + block + behind);
    const done = node(file, []);
    assert.equal(done.status, 0, `${block}\n${done.stderr}`);
    assert.match(done.stdout, /done\n$/);
    assert.doesNotMatch(done.stdout + done.stderr, /cs_test_|test-key/);
  });
});

test('metrics.mjs', () => {
  const file = path.join(folder, 'metrics.mjs');
  writeFileSync(file, readFileSync(path.join(root, 'examples', 'metrics.mjs')));
  const done = node(file, [...STUB, 'stub.script', '[{"status": 503}]']);
  assert.match(done.stdout, /plastiq_calls_total\{status="PLQ_OK"\} 3\n/, done.stderr);
  assert.match(done.stdout, /plastiq_attempt_seconds_count 4\n/);
  assert.match(done.stdout, /plastiq_repeats_total 1\n/);
  assert.equal(done.status, 0);
});

test('server.mjs', async () => {
  const file = path.join(folder, 'server.mjs');
  writeFileSync(file, readFileSync(path.join(root, 'examples', 'server.mjs')));
  const server = spawn(process.execPath, [file, ...STUB, 'stub.script', '[{"engine": true}, {"status": 403}]'], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  server.stderr.on('data', (part) => (said += part));
  const port = await new Promise((resolve) => readline.createInterface({ input: server.stdout }).once('line', resolve));
  const post = () => fetch(`http://127.0.0.1:${port}/client-secret`, { method: 'POST', headers: { Connection: 'close' } });
  const made = await post();
  assert.equal(made.status, 200);
  assert.match((await made.json()).clientSecret, /^cs_test_/);
  assert.equal((await post()).status, 502);
  assert.equal((await fetch(`http://127.0.0.1:${port}/`, { headers: { Connection: 'close' } })).status, 404);
  server.kill('SIGTERM');
  assert.equal(await new Promise((resolve) => server.once('exit', resolve)), 0);
  assert.match(said, /^PLQ_E_HTTP_FORBIDDEN /);
  assert.doesNotMatch(said, /cs_test_|test-key/);
});

test('koffi.mjs declares what the headers do', () => {
  const folder = spawnSync('pkg-config', ['--variable=includedir', 'plastiq'], { encoding: 'utf8' }).stdout.trim();
  const headers = readdirSync(path.join(folder, 'plastiq')).map((name) => readFileSync(path.join(folder, 'plastiq', name), 'utf8')).join('\n');
  // To C's own words: handles are numbers, what is opaque is void.
  const plain = (text) =>
    text
      .replace(/_(Out|Inout)_/g, '')
      .replace(/\bplq_\w+_id\b/g, 'uint64_t')
      .replace(/\b(const )?plq_(options|error|request|response|secret)\b/g, 'void')
      .replace(/(\*|\s)(\w+)(?=[,)])/g, '$1') // names of arguments
      .replace(/\s+/g, '');
  const source = readFileSync(path.join(root, 'examples', 'koffi.mjs'), 'utf8');
  const declared = [...source.matchAll(/library\.func\('([^']+)'\)/g)].map((match) => match[1]);
  assert.ok(declared.length > 10);
  for (const one of declared) {
    const [, result, name] = /^(.*?)\b(plq_\w+)\(/.exec(one);
    const prototype = new RegExp(`PLQ_API ([^;]*?\\b${name}\\([^;]*?\\));`).exec(headers)?.[1];
    assert.ok(prototype !== undefined, name);
    assert.equal(plain(one), plain(prototype), `${result}${name}`);
  }
});

test('koffi.mjs makes a secret without the package', () => {
  const source = readFileSync(path.join(root, 'examples', 'koffi.mjs'), 'utf8');
  assert.ok(source.trim().split('\n').length <= 40);
  assert.doesNotMatch(source, /from 'plastiq'/);
  const linked = spawnSync('ldd', [path.join(root, 'build', 'plastiq.node')], { encoding: 'utf8' }).stdout;
  const library = /libplastiq\.so\.1 => (\S+)/.exec(linked)[1];
  const folders = where.transportDir === undefined ? [] : ['transport_dir', where.transportDir];
  const options = ['transport', 'stub', 'allow_test_transports', 'true', 'access_token', KEY, ...folders];
  const made = node(path.join(root, 'examples', 'koffi.mjs'), options, { LIBPLASTIQ: library });
  assert.match(made.stdout, /^cs_test_\S+\n$/, made.stderr);
  assert.equal(made.status, 0);
  const failed = node(path.join(root, 'examples', 'koffi.mjs'), ['transport', 'nope', ...folders], { LIBPLASTIQ: library });
  assert.notEqual(failed.status, 0);
  assert.match(failed.stderr, /there is no transport "nope"/);
});
