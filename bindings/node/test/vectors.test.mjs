// SPDX-License-Identifier: MIT
// The shared cases of tests/vectors over the stub: each through create() and createSync(). A new file there is run without a change here.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { inspect } from 'node:util';

import { plastiq, stub, vectors } from './support.mjs';

const CANARIES = /test-key|test-secret|test-private/;
const LIFE_MS = { 'client_secrets.create': 60_000, 'client_secrets.create_v2': 1_800_000 };
const count = { run: 0, notStub: 0, notMessage: 0 };

// ---- reading ----

/** Writes out the abbreviations: repeat and times, join, copies and of. */
function expand(value) {
  if (Array.isArray(value)) {
    return value.flatMap((one) => (one !== null && typeof one === 'object' && 'copies' in one ? Array.from({ length: one.copies }, () => expand(one.of)) : [expand(one)]));
  }
  if (value === null || typeof value !== 'object') return value;
  if ('repeat' in value && 'times' in value) return expand(value.repeat).repeat(value.times);
  if ('join' in value) return expand(value.join).join('');
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, expand(member)]));
}

const cases = readdirSync(vectors)
  .filter((name) => /^row-.*\.json$/.test(name))
  .sort()
  .flatMap((name) => JSON.parse(readFileSync(path.join(vectors, name), 'utf8')))
  .map(expand);

const writtenOut = (text) => text.replaceAll('{port}', '443').replaceAll('{folder}', '/nonexistent').replaceAll('{transport}', 'stub');
const optionText = (value) => (value === null ? null : typeof value === 'string' ? value : JSON.stringify(value));

function clientOptions(one) {
  const own = Object.entries(one.options ?? {}).map(([key, value]) => [writtenOut(key), value === null ? null : writtenOut(optionText(value))]);
  return {
    accessToken: 'test-key-0001',
    transportPathCheck: false,
    allowPlainHttp: true,
    baseUrl: 'https://plastiq.test/api',
    'stub.script': JSON.stringify(one.responses ?? []),
    ...Object.fromEntries(own.map(([key, value]) => [key.includes('.') ? key : key.replace(/_([a-z0-9])/g, (_, letter) => letter.toUpperCase()), value])),
  };
}

// ---- calling ----

const attemptOf = (attempt) => ({
  status: attempt.code,
  phase: attempt.phase ?? 'none',
  delivery: attempt.delivery,
  http_status: attempt.httpStatus,
  token: attempt.token,
  reused: Number(attempt.reused),
  wait_us: attempt.waitUs,
  total_us: attempt.totalUs,
});

function failure(error) {
  assert.ok(error instanceof plastiq.PlastiqError, inspect(error));
  const texts = `${inspect(error, { depth: 9 })} ${JSON.stringify(error)} ${String(error)} ${error.stack}`;
  assert.doesNotMatch(texts, CANARIES);
  return {
    status: error.code,
    kind: error.kind,
    phase: error.phase,
    delivery: error.delivery,
    http_status: error.httpStatus,
    repeatable: Number(error.repeatable),
    retry_after_ms: error.retryAfterMs,
    message: error.message,
    // Names of params and options begin with a small letter, and those of headers do not.
    field: /^[a-z]/.test(error.field ?? '') ? error.field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`) : error.field,
    service_code: error.serviceCode,
    service_message: error.serviceMessage,
    details: error.details,
    trace_id: error.traceId,
    attempts: error.attempts.length,
    attempt_list: error.attempts.map(attemptOf),
  };
}

function success(result, operation) {
  const { clientSecret } = result;
  assert.doesNotMatch(`${inspect(result, { depth: 9 })} ${JSON.stringify(result)}`, CANARIES);
  const life = clientSecret.lifeMs;
  assert.ok(life > 0 && life <= LIFE_MS[operation], `life_ms ${life}`);
  const made = {
    status: 'PLQ_OK',
    http_status: result.httpStatus,
    trace_id: result.traceId,
    attempts: result.attempts.length,
    attempt_list: result.attempts.map(attemptOf),
    secret: clientSecret.reveal(),
    life_ms: life,
  };
  clientSecret.wipe();
  return made;
}

async function play(one, door) {
  const operation = one.operation ?? 'client_secrets.create';
  const options = { headers: one.headers, extra: one.extra, timeoutMs: one.timeout_ms, maxRepeats: one.max_repeats, attempts: true };
  try {
    const client = stub(clientOptions(one));
    try {
      return success(await client[door](operation, one.params, options), operation);
    } finally {
      await client.close();
    }
  } catch (error) {
    return failure(error);
  }
}

// ---- comparing ----

const isNothing = (got) => got === undefined || got === null || got === '' || (Array.isArray(got) && got.length === 0) || (typeof got === 'number' && got <= 0);

function match(problems, what, expected, got) {
  let fits = true;
  if (expected === null) fits = isNothing(got);
  else if (Array.isArray(expected)) {
    fits = Array.isArray(got) && got.length === expected.length;
    if (fits) expected.forEach((one, i) => match(problems, `${what}[${i}]`, one, got[i]));
  } else if (typeof expected !== 'object') fits = typeof got === 'boolean' ? Number(got) === Number(expected) : got === expected;
  else if ('match' in expected) fits = typeof got === 'string' && new RegExp(expected.match, 's').test(got);
  else if ('contains' in expected) fits = expected.contains.every((part) => String(got).includes(part));
  else if ('min' in expected || 'max' in expected) fits = typeof got === 'number' && got >= (expected.min ?? -Infinity) && got <= (expected.max ?? Infinity);
  else if (got !== null && typeof got === 'object') Object.entries(expected).forEach(([key, value]) => match(problems, `${what}.${key}`, value, got[key]));
  else fits = false;
  if (!fits) problems.push(`${what}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(got)}`);
}

function check(one, outcome) {
  const expected = Object.entries(one.outcome_on?.stub ?? one.outcome).filter(([key]) => key !== 'requests' && key !== 'connections');
  assert.ok(expected.length > 0, 'a case without an outcome');
  const problems = [];
  for (const [key, value] of expected) match(problems, key, value, outcome[key]);
  assert.deepEqual(problems, [], JSON.stringify(outcome));
}

for (const one of cases) {
  const name = `row-${String(one.row).padStart(2, '0')}/${one.name}`;
  if (!(one.transports ?? ['stub']).includes('stub')) {
    count.notStub++;
  } else if (typeof one.extra === 'string') {
    count.notMessage++; // what is no object has no message
  } else {
    count.run++;
    for (const door of ['call', 'callSync']) test(`${name}/${door}`, async () => check(one, await play(one, door)));
  }
}

after(() => {
  assert.ok(count.run > 100, `only ${count.run} cases in ${vectors}`);
  console.log(`vectors: ${count.run} cases run, twice each; ${count.notStub} need a server, ${count.notMessage} have an extra that no message can hold`);
});
