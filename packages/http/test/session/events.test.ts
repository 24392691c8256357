import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sleep } from 'corral';
import { BodyLimitError } from '../../src/errors.ts';
import { exponential } from '../../src/retry/retry-policy.ts';
import type { SessionOptions } from '../../src/session/options.ts';
import { errorOf, pair } from './fixture.ts';

const HEARD = ['onAdmitted', 'onRetry', 'onRedirect', 'onEnd', 'onError', 'onCancelled'] as const;

/** A session that keeps the names of what it tells. */
async function heard(options: SessionOptions = {}) {
  const events: string[] = [];
  const listener = Object.fromEntries(HEARD.map((name) => [name, () => events.push(name)]));
  return { events, at: await pair({ ...options, listener }) };
}

test('listener: a failure that came whole before it is asked again does not end the request', async () => {
  const { events, at } = await heard({ retry: exponential({ baseMs: 1 }) });
  await using _ = at;
  await at.session.get('/fault/flaky?fails=2&how=503&key=whole').bytes();
  assert.deepEqual(events, ['onAdmitted', 'onRetry', 'onAdmitted', 'onRetry', 'onAdmitted', 'onEnd']);
});

test('listener: nor does a redirect that came whole', async () => {
  const { events, at } = await heard();
  await using _ = at;
  await at.session.get('/fault/redirect?to=/fault/text').bytes();
  assert.deepEqual(events, ['onAdmitted', 'onRedirect', 'onAdmitted', 'onEnd']);
});

test('listener: a status that is to be an error ends the request as one', async () => {
  const { events, at } = await heard({ raiseForStatus: true });
  await using _ = at;
  await errorOf(at.session.get('/fault/status?status=404&body=gone'));
  assert.deepEqual(events, ['onAdmitted', 'onError']);
});

test('listener: a body that breaks off ends the request as an error, once', async () => {
  const { events, at } = await heard({ timeout: { readMs: 20 } });
  await using _ = at;
  await errorOf(at.session.get('/fault/stall-body').bytes());
  assert.deepEqual(events, ['onAdmitted', 'onError']);
});

test('listener: a response that is released unread has ended', async () => {
  const { events, at } = await heard();
  await using _ = at;
  {
    await using response = await at.session.get('/fault/stall-body');
    assert.equal(response.status, 200);
  }
  assert.deepEqual(events, ['onAdmitted', 'onEnd']);
});

test('listener: a body that had grown too large before anybody asked for it ends the request as an error', async () => {
  const { events, at } = await heard({ maxBytes: 10 });
  await using _ = at;
  await using response = await at.session.get('/fault/endless-body');
  while (response.body.receivedBytes <= 10) await sleep(1);
  assert.ok((await errorOf(response.bytes())) instanceof BodyLimitError);
  assert.deepEqual(events, ['onAdmitted', 'onError']);
});
for (const name of ['onQueued', 'onAdmitted', 'onSent', 'onHeaders', 'onChunk'] as const) {
  test(`listener: may close the session in ${name}: nothing more is sent, and no time limit is left`, async () => {
    const close = (): void => void at.session.close({ graceMs: 0 });
    await using at = await pair({ limits: { total: 1 }, listener: { [name]: close } });
    const timers = process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
    const errors = [errorOf(at.session.get('/fault/bytes').bytes()), errorOf(at.session.get('/fault/text').bytes())];
    for (const error of await Promise.all(errors)) assert.equal(error.name, 'SessionClosedError');
    assert.equal(process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length, timers);
    if (name === 'onQueued' || name === 'onAdmitted') assert.equal(at.server.requests.length, 0);
  });
}
