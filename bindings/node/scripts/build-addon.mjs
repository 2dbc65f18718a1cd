#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// Compiles the addon with the system's compiler, against the libplastiq that pkg-config finds. Downloads nothing.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const env = process.env;
const pkgConfig = env.PKG_CONFIG || 'pkg-config';

function fail(sentence) {
  console.error(`plastiq: the addon was not built: ${sentence}`);
  process.exit(1);
}

const words = (text) => text.split(/\s+/).filter(Boolean);

function ask(...args) {
  const done = spawnSync(pkgConfig, args, { encoding: 'utf8' });
  if (done.error) fail(`${pkgConfig} could not be run (${done.error.code}); on Debian it is the package pkg-config.`);
  return done.status === 0 ? done.stdout.trim() : undefined;
}

function findLibrary() {
  const version = ask('--modversion', 'plastiq');
  if (version === undefined) fail('pkg-config does not find plastiq; install libplastiq, and if its prefix is not the system\'s, name <prefix>/lib/pkgconfig in PKG_CONFIG_PATH.');
  const abi = ask('--variable=abi_version', 'plastiq') ?? '';
  if (!/^1\./.test(abi)) fail(`it needs libplastiq with ABI 1, and pkg-config found libplastiq ${version} with ABI ${abi || 'unknown'}.`);
  const folder = ask('--variable=libdir', 'plastiq') || undefined;
  return { cflags: words(ask('--cflags', 'plastiq')), libs: words(ask('--libs', 'plastiq')), folder: folder && path.resolve(folder) };
}

// node-api-headers leaves out uv.h. Node's own include folder has it; Debian's libuv1-dev does too.
function findUv() {
  const own = path.join(path.dirname(path.dirname(process.execPath)), 'include', 'node');
  if (existsSync(path.join(own, 'uv.h'))) return [`-I${own}`];
  const cflags = ask('--cflags', 'libuv');
  if (cflags === undefined) fail(`there is no uv.h: neither in ${own} nor by pkg-config; on Debian it is in the package libuv1-dev.`);
  return words(cflags);
}

function findHeaders() {
  try {
    return createRequire(import.meta.url)('node-api-headers').include_dir;
  } catch {
    return fail('the npm package node-api-headers is missing; npm install brings it.');
  }
}

// Where the dynamic loader looks by itself, no path of its own is written into the addon.
const isStandard = (folder) => /^\/(usr\/)?(local\/)?lib(64)?(\/[^/]+-linux-[^/]+)?$/.test(folder);

const library = findLibrary();
const folder = path.join(root, 'build');
const sources = readdirSync(path.join(root, 'addon')).filter((name) => name.endsWith('.c')).map((name) => path.join('addon', name));
const compiler = words(env.CC || 'cc');
const args = [
  '-std=gnu11', '-O2', '-Wall', '-Wextra', '-fPIC', '-shared', '-fvisibility=hidden', '-pthread', '-DNAPI_VERSION=8',
  ...words(env.CFLAGS ?? ''), '-isystem', findHeaders(), ...findUv().map((flag) => flag.replace(/^-I/, '-isystem')), ...library.cflags,
  ...sources, '-o', path.join(folder, `plastiq.${process.pid}.node`), ...words(env.LDFLAGS ?? ''), ...library.libs,
  // All symbols are resolved when it is loaded, so that an older library is a failed load and not a crash later.
  '-Wl,-z,now', '-Wl,-z,relro', '-Wl,--as-needed', ...(library.folder === undefined || isStandard(library.folder) ? [] : [`-Wl,-rpath,${library.folder}`]),
];
mkdirSync(folder, { recursive: true });
try {
  execFileSync(compiler[0], [...compiler.slice(1), ...args], { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
} catch (error) {
  fail(error.code === 'ENOENT' ? `${compiler[0]} could not be run; a C compiler is needed, on Debian the packages gcc and libc6-dev.` : 'the compiler failed, see above.');
}
renameSync(path.join(folder, `plastiq.${process.pid}.node`), path.join(folder, 'plastiq.node'));
