// SPDX-License-Identifier: MIT
import { errorFromMap, makeError, type PlastiqError } from './errors.js';
import { native, type Failure } from './native.js';

export function errorFromStatus(status: number, options?: ErrorOptions): PlastiqError {
  const [code, kind, phase, message] = native.status(status);
  return makeError({ code, status, kind, phase, message, delivery: 'not_sent' }, options);
}

export function errorFrom(failure: Failure): PlastiqError {
  if (typeof failure === 'number') return errorFromStatus(failure);
  return errorFromMap(JSON.parse(failure) as Record<string, unknown>, undefined);
}

export function isFailure(value: unknown): value is Failure {
  return typeof value === 'string' || typeof value === 'number';
}
