// SPDX-License-Identifier: MIT
// What a program is told when the library is missing or too old, or the addon is not there: one sentence, and no crash.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';

import { root, run } from './support.mjs';

const folder = mkdtempSync(path.join(tmpdir(), 'plastiq-node-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const source = "import(process.env.PLASTIQ_DIST).then(() => console.log('loaded'), (error) => console.log(error.name, error.code, error.message));";

/** The functions of libplastiq that the addon calls. */
function imports() {
  const symbols = execFileSync('nm', ['-D', '--undefined-only', path.join(root, 'build', 'plastiq.node')], { encoding: 'utf8' });
  return [...symbols.matchAll(/U (plq_\w+)/g)].map((match) => match[1]);
}

/** A library of this name with these functions, each of which answers 0 but for what is said. */
function fake(name, functions, answers = {}) {
  const own = path.join(folder, name);
  mkdirSync(own);
  const lines = functions.map((one) => answers[one] ?? `long ${one}(void) { return 0; }`);
  writeFileSync(path.join(own, 'fake.c'), lines.join('\n'));
  writeFileSync(path.join(own, 'fake.map'), 'PLASTIQ_1.0 { global: plq_*; };\n');
  execFileSync('cc', ['-shared', '-fPIC', '-Wl,-soname,libplastiq.so.1', '-Wl,--version-script=fake.map', '-o', 'libplastiq.so.1', 'fake.c'], { cwd: own });
  return own;
}

const old = {
  plq_version: 'const char *plq_version(void) { return "0.0.9"; }',
  plq_abi_version: 'unsigned plq_abi_version(void) { return 0 << 16 | 9; }',
  plq_abi_require: 'int plq_abi_require(unsigned major, unsigned minor) { (void)minor; return major == 0 ? 0 : 1003; }',
  plq_status_name: 'const char *plq_status_name(int status) { (void)status; return ""; }',
};

test('a library that does not serve is named with its version', () => {
  const done = run(source, { type: 'commonjs', env: { LD_LIBRARY_PATH: fake('old', imports(), old) } });
  assert.equal(done.status, 0, done.stderr);
  assert.equal(done.stdout, 'PlastiqLoadError PLQ_E_ABI plastiq found libplastiq 0.0.9 with ABI 0.9, and needs ABI 1.0 or a later one of the same major.\n');
});

test('a library that lacks a function is a sentence, not a crash', () => {
  const functions = imports().filter((name) => name !== 'plq_queue_submit_message');
  const done = run(source, { type: 'commonjs', env: { LD_LIBRARY_PATH: fake('lacking', functions, old) } });
  assert.equal(done.status, 0, done.stderr);
  assert.match(done.stdout, /^PlastiqLoadError PLQ_E_ABI plastiq needs libplastiq\.so\.1 with ABI 1\.0 or later, and the system's loader says: .*plq_queue_submit_message.*\n$/);
});

/** A copy of the package as it is installed, without what `left` leaves out. */
function copy(name) {
  const own = path.join(folder, name);
  mkdirSync(own);
  for (const part of ['dist', 'package.json']) cpSync(path.join(root, part), path.join(own, part), { recursive: true });
  symlinkSync(path.join(root, 'node_modules'), path.join(own, 'node_modules'));
  return own;
}

test('a library that is missing is a sentence', () => {
  const own = copy('missing');
  mkdirSync(path.join(own, 'build'));
  // The same file, which looks for its library in a folder that there is not.
  const addon = readFileSync(path.join(root, 'build', 'plastiq.node'));
  const at = addon.indexOf('libplastiq.so.1\0');
  assert.ok(at > 0);
  addon.write('libplastiq.so.9', at, 'latin1');
  writeFileSync(path.join(own, 'build', 'plastiq.node'), addon);
  const done = run(source, { type: 'commonjs', env: { PLASTIQ_DIST: path.join(own, 'dist', 'index.js') } });
  assert.equal(done.status, 0, done.stderr);
  assert.match(done.stdout, /^PlastiqLoadError PLQ_E_ABI plastiq needs libplastiq\.so\.1 with ABI 1\.0 or later, and the system's loader says: libplastiq\.so\.9: cannot open.*\n$/);
});

test('an addon that was not built is a sentence that says how to', () => {
  const own = copy('unbuilt');
  const done = run(source, { type: 'commonjs', env: { PLASTIQ_DIST: path.join(own, 'dist', 'index.js') } });
  assert.match(done.stdout, /^PlastiqLoadError PLQ_E_ABI the addon of plastiq is not built.*npx plastiq-build.*\n$/);
});

test('the script that builds it says what it lacks', () => {
  const build = (env) => spawnSync(process.execPath, [path.join(root, 'scripts', 'build-addon.mjs')], { encoding: 'utf8', env: { ...process.env, ...env } });
  for (const [env, says] of [
    [{ PKG_CONFIG: 'no-such-program' }, /pkg-config/],
    [{ PKG_CONFIG_PATH: folder, PKG_CONFIG_LIBDIR: folder }, /pkg-config does not find plastiq/],
    [{ CC: 'no-such-compiler' }, /a C compiler is needed/],
  ]) {
    const done = build(env);
    assert.equal(done.status, 1);
    assert.match(done.stderr, /^plastiq: the addon was not built: /);
    assert.match(done.stderr, says);
  }
});
