// SPDX-License-Identifier: MIT
// The same addon in other programs: other Nodes, the oldest that is served among them, and Bun and Deno, which have no libuv for it. test/runtimes/package.json names them.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';

import { copyChanged, Emulator, emulatorProgram, KEY, root, where } from './support.mjs';

const modules = process.env.TEST_RUNTIMES ?? path.join(root, 'test', 'runtimes', 'node_modules');
/** A file in one of the folders of a scope: there is one for each kind of machine. */
const inside = (scope, name) => {
  const folders = existsSync(path.join(modules, scope)) ? readdirSync(path.join(modules, scope)) : [];
  return folders.map((own) => path.join(modules, scope, own, name)).find((file) => existsSync(file));
};
const programs = [
  ['node-18', path.join(modules, 'node-18', 'bin', 'node'), []],
  ['node-22', path.join(modules, 'node-22', 'bin', 'node'), []],
  ['node-26', path.join(modules, 'node-26', 'bin', 'node'), []],
  // Its install script moves it, where scripts are run.
  ['bun', inside('@oven', 'bin/bun') ?? path.join(modules, 'bun', 'bin', 'bun.exe'), []],
  ['deno', inside('@deno', 'deno') ?? path.join(modules, 'deno', 'deno'), ['run', '--no-prompt', '--allow-ffi', '--allow-read', '--allow-env']],
];

// In node_modules, as it is installed: Deno reads a package's CommonJS only there.
const folder = mkdtempSync(path.join(tmpdir(), 'plastiq-node-'));
mkdirSync(path.join(folder, 'node_modules'));
symlinkSync(root, path.join(folder, 'node_modules', 'plastiq'));
writeFileSync(path.join(folder, 'package.json'), '{}');
let emulator;
after(async () => {
  rmSync(folder, { recursive: true, force: true });
  await emulator?.stop();
});

const source = `
import { Client } from 'plastiq';
const options = JSON.parse(process.env.TEST_OPTIONS);
const made = (one) => new Client({ ...${JSON.stringify({ ...where, accessToken: KEY })}, ...one }, { ambient: false });
const client = made(options);
const told = [];
client.on('callEnd', ({ statusName }) => told.push(statusName));
const { clientSecret } = await client.clientSecrets.create({ endUserIp: '192.0.2.1' });
const many = await Promise.all(Array.from({ length: 300 }, () => client.clientSecrets.create()));
const wrong = await client.clientSecrets.create({ type: 'x' }).catch((error) => error.name + ' ' + error.field);
const hanging = made({ transport: 'stub', allowTestTransports: true, 'stub.script': '[{"hang": true}, {"hang": true}]' });
const left = new AbortController();
setTimeout(() => left.abort(), 20);
const aborted = await hanging.clientSecrets.create({}, { signal: left.signal, timeoutMs: Infinity }).catch((error) => error.name);
const closing = hanging.clientSecrets.create({}, { timeoutMs: Infinity }).catch((error) => error.code);
await hanging.close();
console.log(JSON.stringify({
  secret: clientSecret.use((bytes) => bytes.length > 8), shown: String(clientSecret), taken: clientSecret.take().length > 8, many: many.length, wrong, aborted,
  closed: await closing, sync: client.clientSecrets.createSync().httpStatus, warm: await client.warm(2), told: new Set(told).size, stack: client.transport().stack,
}));
// And no close(): an idle client keeps nothing alive.
`;
const system = /OpenSSL (\S+)/.exec(spawnSync('openssl', ['version'], { encoding: 'utf8' }).stdout ?? '')?.[1];
const expected = { secret: true, shown: '[redacted]', taken: true, many: 300, wrong: 'PlastiqInputError type', aborted: 'AbortError', closed: 'PLQ_E_CANCELLED', sync: 200, warm: 2, told: 1 };

// A package that finds no library, in a program that does without it.
const lacking = path.join(folder, 'lacking');
copyChanged(path.join(lacking, 'node_modules', 'plastiq'), 'libplastiq.so.1', 'libplastiq.so.9');
writeFileSync(path.join(lacking, 'package.json'), '{}');
writeFileSync(path.join(lacking, 'program.mjs'), `
try { await import('plastiq'); } catch (error) { console.log(error.name, error.code, error.message); }
setTimeout(() => console.log('goes on'), 50);`);

for (const [name, program, args] of programs) {
  test(`${name} without the library`, { skip: !existsSync(program) && 'it is not installed (test/runtimes)' }, () => {
    const done = spawnSync(program, [...args, 'program.mjs'], { encoding: 'utf8', cwd: lacking, timeout: 60_000, env: { ...process.env, NODE_TEST_CONTEXT: undefined, DENO_DIR: path.join(folder, 'deno') } });
    assert.equal(done.status, 0, done.stderr + done.stdout);
    assert.match(done.stdout, /^PlastiqLoadError PLQ_E_ABI plastiq needs libplastiq\.so\.1 .*libplastiq\.so\.9.*\ngoes on\n$/);
  });

  for (const transport of ['stub', 'curl', 'openssl']) {
    const why = !existsSync(program) ? 'it is not installed (test/runtimes)' : transport !== 'stub' && emulatorProgram === undefined ? 'EMULATOR_BIN does not name the emulator program' : false;
    test(`${name} over ${transport}`, { skip: why }, async () => {
      if (transport !== 'stub') emulator ??= await Emulator.start();
      const options = transport === 'stub' ? { transport, allowTestTransports: true } : { transport, baseUrl: emulator.url, caFile: emulator.ca, maxConnections: 2 };
      const file = path.join(folder, 'program.mjs');
      writeFileSync(file, source);
      const began = performance.now();
      const done = spawnSync(program, [...args, file], { encoding: 'utf8', cwd: folder, timeout: 60_000, env: { ...process.env, NODE_TEST_CONTEXT: undefined, DENO_DIR: path.join(folder, 'deno'), TEST_OPTIONS: JSON.stringify(options) } });
      assert.equal(done.status, 0, done.stderr + done.stdout);
      const { stack, ...said } = JSON.parse(done.stdout);
      assert.deepEqual(said, expected);
      // Later Nodes have another OpenSSL inside, and Bun something else: the transport runs on the system's.
      if (transport !== 'stub' && system !== undefined) assert.ok(stack.endsWith(`OpenSSL/${system}`), stack);
      assert.ok(performance.now() - began < 20_000);
    });
  }
}
