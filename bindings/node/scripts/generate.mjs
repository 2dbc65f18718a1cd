#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// Writes src/generated.ts from what the library says of itself: options, operations, events, statuses. Nothing of that is typed by hand.
// With --check it writes nothing, and fails where the file is not what it would write.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { decode, encode } from '@msgpack/msgpack';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const module = { exports: {} };
process.dlopen(module, path.join(root, 'build', 'plastiq.node'));

function table(name) {
  const reply = decode(module.exports.call(null, encode({ v: 1, op: 'describe', params: { table: name } })));
  const { columns, rows } = reply.results;
  return rows.map((row) => Object.fromEntries(columns.map((column, i) => [column, row[i]])));
}

const camel = (name) => name.replace(/_([a-z0-9])/g, (_, letter) => letter.toUpperCase());
const pascal = (name) => camel(name).replace(/^./, (letter) => letter.toUpperCase());
const doc = (text, indent = '  ') => `${indent}/** ${text.replaceAll('*/', '* /')} */\n`;
const union = (names) => names.map((name) => `'${name}'`).join(' | ');
const unique = (names) => [...new Set(names)];

// ---- options ----

const optionTypes = {
  secret: () => 'string | Uint8Array',
  text: () => 'string',
  path: () => 'string',
  bool: () => 'boolean',
  int: () => 'number',
  ms: () => 'number',
  list: () => 'string | readonly (string | number)[]',
  choice: (option) => union(option.choices.split(',')),
};

function optionDoc(option) {
  const facts = [];
  if (option.default !== '') facts.push(`Default: ${option.default}.`);
  if (option.min !== '') facts.push(`From ${option.min} to ${option.max}.`);
  facts.push(option.variable !== '' ? `Variable: ${option.variable}.` : 'Only from code.');
  return [option.doc, ...facts].join(' ');
}

/** What the types say, for those who do not have them. */
function optionKinds() {
  const kinds = table('options').map((option) => `  ${option.name}: '${option.type}',\n`);
  return `/** What a value of an option may be beside text. */
export const OPTION_KINDS = {
${kinds.join('')}} as const;
`;
}

function options() {
  const lines = table('options').map((option) => `${doc(optionDoc(option))}  ${camel(option.name)}?: ${optionTypes[option.type](option)} | null | undefined;\n`);
  return `/** Options of a client. One that is undefined or null is not set: then the environment, the file and the default count. */
export interface ClientOptions {
${lines.join('')}  /** An option of a transport, as it writes it, such as \`stub.script\`. */
  [key: \`\${string}.\${string}\`]: string | number | boolean | Uint8Array | readonly (string | number)[] | null | undefined;
}

/** One option as it is in effect. */
export interface OptionRow {
${Object.keys(table('options')[0])
  .map((column) => `  readonly ${camel(column)}: string;\n`)
  .join('')}}
`;
}

// ---- operations ----

function fieldType(field) {
  return field.rule === 'choice' ? union(field.choices.split(',')) : 'string';
}

/** Fields by path become objects in objects. */
function tree(fields) {
  const top = {};
  for (const field of fields) {
    const steps = field.name.split('.');
    let at = top;
    for (const step of steps.slice(0, -1)) at = at[step] ??= {};
    at[steps.at(-1)] = field;
  }
  return top;
}

function members(node, indent) {
  return Object.entries(node)
    .map(([name, value]) =>
      typeof value.rule === 'string'
        ? `${doc(value.doc, indent)}${indent}${camel(name)}?: ${fieldType(value)} | null | undefined;\n`
        : `${indent}${camel(name)}?: {\n${members(value, `${indent}  `)}${indent}} | undefined;\n`,
    )
    .join('');
}

function operation(one) {
  const name = one.name.split('.').map(pascal).join('');
  const fields = table('operation_fields').filter((field) => field.operation === one.name);
  const results = table('operation_results').filter((result) => result.operation === one.name);
  return `/** Params of {@link ${pascal(one.name.split('.')[0])}.${camel(one.name.split('.')[1])}}. */
export interface ${name}Params {
${members(tree(fields), '  ')}}

/** Results of {@link ${pascal(one.name.split('.')[0])}.${camel(one.name.split('.')[1])}}. */
export interface ${name}Result extends CallFacts {
${results.map((result) => `${doc(result.doc)}  readonly ${camel(result.name)}: ${result.type === 'secret' ? 'Secret' : 'string'};\n`).join('')}}
`;
}

function group(name, all) {
  const methods = all.map((one) => {
    const method = camel(one.name.split('.')[1]);
    const type = one.name.split('.').map(pascal).join('');
    const safe = one.repeatable === 'true' ? ' Repeated by the library if it fails in a way that allows it.' : '';
    return `${doc(`${one.doc}${safe}`)}  ${method}(params?: ${type}Params | null, options?: CallOptions): Promise<${type}Result> {
    return this.#caller.call('${one.name}', params, options) as Promise<CallFacts> as Promise<${type}Result>;
  }

${doc(`As {@link ${method}}, but blocks the thread until the outcome.`)}  ${method}Sync(params?: ${type}Params | null, options?: Omit<CallOptions, 'signal'>): ${type}Result {
    return this.#caller.callSync('${one.name}', params, options) as CallFacts as ${type}Result;
  }
`;
  });
  return `/** The operations \`${name}\`. */
export class ${pascal(name)} {
  readonly #caller: Caller;

  /** @internal */
  constructor(caller: Caller) {
    this.#caller = caller;
  }

${methods.join('\n')}}
`;
}

function operations() {
  const all = table('operations');
  const groups = unique(all.map((one) => one.name.split('.')[0]));
  return `interface Caller {
  call(operation: string, params?: object | null, options?: CallOptions): Promise<Results>;
  callSync(operation: string, params?: object | null, options?: Omit<CallOptions, 'signal'>): Results;
}

${all.map(operation).join('\n')}
${groups.map((name) => group(name, all.filter((one) => one.name.startsWith(`${name}.`)))).join('\n')}`;
}

// ---- events ----

function events() {
  const fields = table('event_fields');
  const all = table('events').map(({ name, doc: text }) => {
    const own = fields.filter((field) => field.event === name);
    return {
      name,
      text,
      type: `${pascal(name)}Event`,
      body: own.map((field) => `${doc(field.doc)}  readonly ${camel(field.name)}: ${field.type === 'str' ? 'string' : 'number'};\n`).join(''),
    };
  });
  // A list of attempts says what the event does, but for these: it has a name for status_name, bools, and nothing for what is not known.
  const unlike = ['client', 'call', 'time_us', 'attempt', 'status', 'status_name', 'kind'];
  const attempt = fields.filter((field) => field.event === 'attempt_end' && !unlike.includes(field.name));
  const attemptType = (field) => (['reused', 'resumed'].includes(field.name) ? 'boolean' : field.type === 'str' ? 'string' : 'number');
  return `/** One attempt of a call. What is not known is missing. */
export interface Attempt {
  /** Name of its status: PLQ_OK or PLQ_E_*. */
  readonly code: ErrorCode;
  readonly status: number;
${attempt.map((field) => `${doc(field.doc)}  readonly ${camel(field.name)}?: ${attemptType(field)};\n`).join('')}}

${all.map((one) => `/** ${one.text} */\nexport interface ${one.type} {\n  readonly event: '${camel(one.name)}';\n${one.body}}\n`).join('\n')}
/** Anything that a listener may be told. */
export type PlastiqEvent = ${all.map((one) => one.type).join(' | ')};

/** The events of a client, and what their listeners are given. */
export interface EventMap {
${all.map((one) => `${doc(one.text)}  ${camel(one.name)}: [${one.type}];\n`).join('')}}
`;
}

// ---- vocabulary ----

function vocabulary() {
  const statuses = table('statuses');
  const phases = unique(['none', 'config', 'load', 'resolve', 'connect', 'proxy', 'tls', 'send', 'wait', 'receive', 'decode', 'backoff', ...statuses.map((row) => row.phase)]);
  return `/** Every status that this version knows, by its name. */
export const STATUS = {
${statuses.map((row) => `${doc(row.text)}  ${row.name}: ${row.number},\n`).join('')}} as const;

/** Name of a status. A newer library may have further ones. */
export type ErrorCode = keyof typeof STATUS | (string & {});

/** What sort of failure. */
export type Kind = ${union(unique(statuses.map((row) => row.kind)))};

/** Where in a call. */
export type Phase = ${union(phases.filter(Boolean))};

/** The tables that {@link describe} knows. */
export type TableName = ${union(unique(table('tables').flatMap((row) => [row.name, camel(row.name)])))};

/** Names of the numbers of {@link ClientStats}, in the library's order. */
export const CLIENT_STATS = [${table('stats')
    .map((row) => `'${camel(row.name)}'`)
    .join(', ')}] as const;

/** What a client has done, counted since it was made. */
export interface ClientStats {
${table('stats')
  .map((row) => `  readonly ${camel(row.name)}: number;\n`)
  .join('')}}
`;
}

const text = `// SPDX-License-Identifier: MIT
// Made by scripts/generate.mjs from what the library says of itself: change that.
import type { CallFacts, CallOptions, Results } from './message.js';
import type { Secret } from './secret.js';

${[vocabulary(), optionKinds(), options(), operations(), events()].join('\n')}`;

const file = path.join(root, 'src', 'generated.ts');
if (process.argv.includes('--check')) {
  if (readFileSync(file, 'utf8') !== text) {
    console.error('src/generated.ts is not what the library says: run "npm run generate".');
    process.exit(1);
  }
} else {
  writeFileSync(file, text);
}
