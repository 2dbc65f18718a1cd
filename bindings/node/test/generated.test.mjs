// SPDX-License-Identifier: MIT
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { plastiq, root, stub } from './support.mjs';

test('src/generated.ts is what the library says', () => {
  const done = spawnSync(process.execPath, [path.join(root, 'scripts', 'generate.mjs'), '--check'], { encoding: 'utf8' });
  assert.equal(done.status, 0, done.stderr);
});

test('the versions of package and library are the same', () => {
  const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  assert.equal(version, plastiq.versions.builtFor);
});

test('what attempts and events say is what their types say', async () => {
  const types = readFileSync(path.join(root, 'src', 'generated.ts'), 'utf8');
  const members = (name) => {
    const body = new RegExp(`export interface ${name} \\{\\n([\\s\\S]*?)\\n\\}`).exec(types)[1];
    return new Map([...body.matchAll(/^ {2}readonly (\w+)(\??): (.+);$/gm)].map((match) => [match[1], match]));
  };
  const fits = (what, name, value) => {
    const known = members(name);
    for (const [key, member] of Object.entries(value)) {
      assert.ok(known.has(key), `${what}: ${key} is not in ${name}`);
      if (/^(string|number|boolean)$/.test(known.get(key)[3])) assert.equal(typeof member, known.get(key)[3], `${what}.${key}`);
    }
    for (const [key, match] of known) if (match[2] === '') assert.ok(key in value, `${what}: ${key} is missing`);
  };
  const client = stub({}, [{ status: 503 }, { fault: { status: 'PLQ_E_CONNECT_REFUSED' } }, { engine: true }]);
  const result = await client.clientSecrets.create({}, { attempts: true, events: true });
  for (const attempt of result.attempts) fits('attempt', 'Attempt', attempt);
  assert.equal(result.attempts.length, 3);
  for (const event of result.events) fits(event.event, `${event.event[0].toUpperCase()}${event.event.slice(1)}Event`, event);
  await client.close();
});
