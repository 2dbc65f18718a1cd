// SPDX-License-Identifier: MIT
// What a program is told when the library is missing or too old, or the addon is not there: one sentence, and no crash.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';

import { copyChanged, copyPackage, root, run } from './support.mjs';

const folder = mkdtempSync(path.join(tmpdir(), 'plastiq-node-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** What a program sees that imports the package, and does without it: it goes on. By both doors. */
function load(env, own = root) {
  const source = `
    const told = (error) => console.log(error.name, error.code, error.message);
    setTimeout(() => console.log('goes on'), 50);
    import(${JSON.stringify(path.join(own, 'dist', 'index.mjs'))}).then(() => console.log('loaded'), (error) => {
      told(error);
      try { require(${JSON.stringify(path.join(own, 'dist', 'index.js'))}); } catch (other) { if (other.message !== error.message) told(other); }
    });`;
  const done = run(source, { type: 'commonjs', env });
  assert.equal(done.status, 0, done.stderr);
  const [sentence, ...rest] = done.stdout.split('\n');
  assert.deepEqual(rest, ['goes on', ''], done.stdout);
  return sentence;
}

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
  const said = load({ LD_LIBRARY_PATH: fake('old', imports(), old) });
  assert.equal(said, 'PlastiqLoadError PLQ_E_ABI plastiq found libplastiq 0.0.9 with ABI 0.9, and needs ABI 1.0 or a later one of the same major.');
});

test('a library that lacks a function is a sentence, not a crash', () => {
  const functions = imports().filter((name) => name !== 'plq_queue_submit_message');
  const said = load({ LD_LIBRARY_PATH: fake('lacking', functions, old) });
  assert.match(said, /^PlastiqLoadError PLQ_E_ABI plastiq needs libplastiq\.so\.1 with ABI 1\.0 or later, and the system's loader says: .*plq_queue_submit_message/);
});

const copy = (name) => copyPackage(path.join(folder, name));
const changed = (name, from, to) => copyChanged(path.join(folder, name), from, to);

test('a library that is missing is a sentence', () => {
  // The same file, which looks for its library by a name that there is not.
  const said = load({}, changed('missing', 'libplastiq.so.1', 'libplastiq.so.9'));
  assert.match(said, /^PlastiqLoadError PLQ_E_ABI plastiq needs libplastiq\.so\.1 with ABI 1\.0 or later, and the system's loader says: libplastiq\.so\.9: cannot open/);
});

test('an addon that was not built is a sentence that says how to', () => {
  assert.match(load({}, copy('unbuilt')), /^PlastiqLoadError PLQ_E_ABI the addon of plastiq is not built.*"npx plastiq-build"/);
});

test('a program that may load no addons is told so', () => {
  assert.match(load({ NODE_OPTIONS: '--no-addons' }), /^PlastiqLoadError PLQ_E_ABI the addon of plastiq cannot be loaded: .*addons/);
});

/** What the addon takes from glibc, with the version that each has. */
function fromGlibc() {
  const symbols = execFileSync('nm', ['-D', '--undefined-only', '--with-symbol-versions', path.join(root, 'build', 'plastiq.node')], { encoding: 'utf8' });
  return [...symbols.matchAll(/U (\w+)@+GLIBC_(\d+)\.([\d.]+)/g)].map(([, name, major, minor]) => ({ name, version: Number(major) * 1000 + parseFloat(minor), text: `${major}.${minor}` }));
}

const byGlibc = fromGlibc();
const otherLibc = byGlibc.length === 0 && 'this addon was not compiled with glibc';

test('an addon for a later glibc is a sentence', { skip: otherLibc }, () => {
  const needed = `GLIBC_${byGlibc[0].text}`;
  const said = load({}, changed('later', needed, needed.replace('_2', '_9')));
  assert.match(said, /^PlastiqLoadError PLQ_E_ABI the addon of plastiq was compiled for another system.* "npx plastiq-build".*GLIBC_9.*not found/);
});

test('the addon takes nothing from glibc that 2.28 does not have', { skip: otherLibc }, () => {
  // With 2.34 these came to libc.so from other files, and got a new version there; they are much older.
  const moved = ['pthread_create', 'pthread_join', 'pthread_once', 'dlsym'];
  assert.deepEqual(byGlibc.filter(({ name, version }) => version > 2028 && !moved.includes(name)), []);
  const most = byGlibc.reduce((one, other) => (other.version > one.version ? other : one));
  console.log(`glibc: the addon that was compiled here needs ${most.text} or later`);
});

const noMusl = spawnSync('musl-gcc', ['--version']).error !== undefined && 'there is no musl-gcc (Debian: musl-tools)';
test('the addon compiles with musl, and is a sentence where there is glibc', { skip: noMusl || otherLibc }, () => {
  const own = copy('musl');
  for (const part of ['addon', 'scripts']) cpSync(path.join(root, part), path.join(own, part), { recursive: true });
  const built = spawnSync(process.execPath, [path.join(own, 'scripts', 'build-addon.mjs')], { encoding: 'utf8', env: { ...process.env, CC: 'musl-gcc' } });
  assert.equal(built.status, 0, built.stderr);
  assert.doesNotMatch(built.stderr, /warning/);
  assert.match(load({}, own), /^PlastiqLoadError PLQ_E_ABI the addon of plastiq was compiled for another system.* "npx plastiq-build"/);
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
