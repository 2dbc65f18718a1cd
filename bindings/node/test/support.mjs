// SPDX-License-Identifier: MIT
// What the tests share. From the environment: EMULATOR_BIN, the emulator program; VECTORS_DIR, the folder of the vectors; TRANSPORT_DIR, the folder of the
// transports, where the library does not know it because its prefix was moved; and PLASTIQ_TRANSPORT for the live tests.
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import { fileURLToPath, pathToFileURL } from 'node:url';

export const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
export const KEY = 'test-key-0000000000000000';
export const PAYER = '2f8d1b7a-4c9e-4f03-a6b5-d8e1c7f20394';

const { VECTORS_DIR, EMULATOR_BIN, TRANSPORT_DIR, PLASTIQ_TRANSPORT } = process.env;
export const vectors = VECTORS_DIR ?? path.join(root, '..', '..', 'tests', 'vectors');
export const emulatorProgram = EMULATOR_BIN;
/** Options that every client of the tests needs to find its transport. */
export const where = TRANSPORT_DIR === undefined ? {} : { transportDir: TRANSPORT_DIR };
/** Those of a client over the stub; and as text, for programs. */
export const STUB = { transport: 'stub', allowTestTransports: true, accessToken: KEY, ...where };
export const STUB_TEXT = JSON.stringify(STUB);
/** Which transport the live tests run over: this variable alone decides. */
export const transport = PLASTIQ_TRANSPORT;

// Nothing of the surroundings decides how tests end.
for (const name of Object.keys(process.env)) if (name.startsWith('PLASTIQ_')) delete process.env[name];

export const plastiq = await import(pathToFileURL(path.join(root, 'dist', 'index.mjs')).href);

const open = new Set();

/** A client over the stub, closed at the latest by closeAll(). */
export function stub(options = {}, script) {
  const own = script === undefined ? {} : { 'stub.script': JSON.stringify(script) };
  const client = new plastiq.Client(
    { ...STUB, backoffBaseMs: 1, backoffCapMs: 2, ...own, ...options },
    { ambient: false },
  );
  open.add(client);
  return client;
}

export async function closeAll() {
  const clients = [...open];
  open.clear();
  await Promise.all(clients.map((client) => client.close()));
}

/** What a program prints and how it ends, at most 60 s later. */
export function run(source, { args = [], env = {}, type = 'module', node = process.execPath, timeout = 60_000, cwd } = {}) {
  const began = process.hrtime.bigint();
  const done = spawnSync(node, [...args, `--input-type=${type}`, '--eval', source], {
    encoding: 'utf8',
    timeout,
    cwd,
    env: { ...process.env, PLASTIQ_DIST: path.join(root, 'dist', type === 'module' ? 'index.mjs' : 'index.js'), NODE_TEST_CONTEXT: undefined, ...env },
  });
  return { ...done, ms: Number(process.hrtime.bigint() - began) / 1e6 };
}

/** The beginning of such a program: a client over the stub. */
export const prelude = `
const { Client, PlastiqError } = await import(process.env.PLASTIQ_DIST);
const client = new Client(${STUB_TEXT}, { ambient: false });
`;

/** A copy of the package as it is installed, without its addon. */
export function copyPackage(to) {
  mkdirSync(to, { recursive: true });
  for (const part of ['dist', 'package.json']) cpSync(path.join(root, part), path.join(to, part), { recursive: true });
  symlinkSync(path.join(root, 'node_modules'), path.join(to, 'node_modules'));
  return to;
}

/** One whose addon has another text in it, of the same length. */
export function copyChanged(to, from, into) {
  copyPackage(to);
  mkdirSync(path.join(to, 'build'));
  const addon = readFileSync(path.join(root, 'build', 'plastiq.node'));
  const at = addon.indexOf(`${from}\0`);
  if (at <= 0 || from.length !== into.length) throw new Error(`${from} is not in the addon, or ${into} is not as long`);
  addon.write(into, at, 'latin1');
  writeFileSync(path.join(to, 'build', 'plastiq.node'), addon);
  return to;
}

/** plastiq-emulator with a throwaway CA. */
export class Emulator {
  static async start(...args) {
    const self = new Emulator();
    self.folder = mkdtempSync(path.join(tmpdir(), 'plastiq-node-'));
    const command = ['--make-ca', path.join(self.folder, 'ca'), '--ready-fd', '3', '--log', 'none', ...args];
    self.process = spawn(emulatorProgram, command, { stdio: ['ignore', 'ignore', 'inherit', 'pipe'] });
    const [line] = await new Promise((resolve, reject) => {
      self.process.once('error', reject);
      self.process.once('exit', (code) => reject(new Error(`the emulator ended with ${code}`)));
      readline.createInterface({ input: self.process.stdio[3] }).once('line', (text) => resolve([text]));
    });
    Object.assign(self, JSON.parse(line));
    self.agent = new https.Agent({ ca: readFileSync(self.ca), keepAlive: false });
    return self;
  }

  request(method, url, body, headers = {}) {
    return new Promise((resolve, reject) => {
      const request = https.request(url, { method, agent: this.agent, headers }, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (part) => (text += part));
        response.on('end', () => resolve({ status: response.statusCode, json: text === '' ? undefined : JSON.parse(text) }));
      });
      request.on('error', reject);
      request.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  async admin(method, what, body) {
    const { status, json } = await this.request(method, `${this.admin_url}/${what}`, body);
    if (status !== 200) throw new Error(`the emulator answers ${status}: ${JSON.stringify(json)}`);
    return json;
  }

  faults(...faults) {
    return this.admin('POST', 'faults', faults);
  }

  /** Spends a secret, as a buyer's browser would. */
  spend(secret) {
    const url = this.url.replace(/\/api$/, '/api/payment-methods');
    return this.request('POST', url, {}, { Authorization: `Bearer ${secret}`, Accept: 'application/json', 'Content-Type': 'application/json', 'User-Agent': 'test' });
  }

  async stop() {
    this.process.removeAllListeners('exit');
    const gone = new Promise((resolve) => this.process.once('exit', resolve));
    this.process.kill('SIGTERM');
    const code = await gone;
    rmSync(this.folder, { recursive: true, force: true });
    if (code !== 0) throw new Error(`the emulator ended with ${code}`);
  }
}
