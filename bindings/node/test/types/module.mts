// SPDX-License-Identifier: MIT
// Compiled only: what the types allow, and what they do not, as a user with ES modules sees it.
import { Client, describe, PlastiqCancelledError, PlastiqError, PlastiqHttpError, Secret, versions } from 'plastiq';
import type { Attempt, CallEndEvent, CallOptions, ClientOptions, ClientSecretsCreateParams, ClientSecretsCreateResult, ErrorCode, PlastiqEvent } from 'plastiq';

const options: ClientOptions = { accessToken: Buffer.from('x'), environment: 'sandbox', timeoutMs: 5, retryStatuses: [429, 503], allowTestTransports: true, 'stub.script': '[]' };
// @ts-expect-error there is no such option
const unknown: ClientOptions = { timeuot: 5 };
// @ts-expect-error it is one of two
const wrong: ClientOptions = { environment: 'live' };

await using client = new Client(options, { ambient: false });
const params: ClientSecretsCreateParams = { payer: { id: 'x' }, type: 'CARD', endUserIp: '192.0.2.1' };
const call: CallOptions = { signal: AbortSignal.timeout(5), timeoutMs: Infinity, headers: [{ name: 'X-Test', value: 'x', sensitive: true }], extra: { a: [1] } };
const result: ClientSecretsCreateResult = await client.clientSecrets.create(params, call);
// @ts-expect-error it is no text
const text: string = result.clientSecret;
// @ts-expect-error there is no such param
await client.clientSecrets.create({ payerId: 'x' });
// @ts-expect-error a blocking call takes no signal
client.clientSecrets.createSync({}, { signal: AbortSignal.timeout(5) });

using secret: Secret = result.clientSecret;
const length: number = secret.use((bytes: Buffer) => bytes.length);
const later: Promise<number> = secret.use(async (bytes) => bytes.length);
const attempts: readonly Attempt[] | undefined = result.attempts;
const events: readonly PlastiqEvent[] | undefined = result.events;

client.on('callEnd', (event: CallEndEvent) => event.elapsedUs.toFixed());
client.on('repeat', ({ reason, waitUs }) => reason.concat(String(waitUs)));
// @ts-expect-error there is no such event
client.on('callOver', () => undefined);

try {
  await client.clientSecrets.createV2();
} catch (error) {
  if (error instanceof PlastiqCancelledError) throw error;
  if (error instanceof PlastiqHttpError && error.httpStatus === 401) throw error;
  if (error instanceof PlastiqError) {
    const code: ErrorCode = error.code;
    const delivery: 'not_sent' | 'maybe_sent' | 'answered' = error.delivery;
    console.log(code, delivery, error.retryAfterMs?.toFixed(), error.attempts[0]?.peer);
  }
}
console.log(unknown, wrong, text, length, later, attempts, events, versions.library, describe('options'), client.stats().queue.inFlight);
