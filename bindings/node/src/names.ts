// SPDX-License-Identifier: MIT
// The library says end_user_ip where JavaScript says endUserIp. One rule for options, params, results, errors, events and tables.

const toCamel = new Map<string, string>();
const toSnake = new Map<string, string>();

// Names come from tables, so there are few. What is not one must not fill the memory.
const MOST = 1000;

function remember(map: Map<string, string>, from: string, to: string): string {
  if (map.size < MOST) map.set(from, to);
  return to;
}

export function camel(name: string): string {
  return toCamel.get(name) ?? remember(toCamel, name, name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()));
}

export function snake(name: string): string {
  return toSnake.get(name) ?? remember(toSnake, name, name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));
}

/** The same object with names of JavaScript. */
export function camelObject(from: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const made: Record<string, unknown> = {};
  for (const key in from) made[camel(key)] = from[key];
  return made;
}
