import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gather, sleep } from 'corral';
import { VirtualClock } from 'corral/testing';
import { Client } from '../policies/client.ts';

/** Runs `body` with a client of a service that answers after `lasts(call)` ms; negative is a failure. */
async function served(lasts: (call: number) => number, body: (client: Client) => Promise<unknown>) {
  const clock = new VirtualClock();
  let calls = 0;
  const client = new Client(async (question) => {
    const ms = lasts(++calls);
    await sleep(Math.abs(ms));
    if (ms < 0) throw new Error('503');
    return `answer to ${question}`;
  });
  const value = await clock.run(() => body(client).catch((error: unknown) => error));
  return { value, calls, ms: clock.now() };
}

test('policies: a failure and a call that is too slow are tried again', async () => {
  const { value, calls } = await served(
    (call) => [-10, 60_000][call - 1] ?? 10,
    (client) => client.ask('why'),
  );
  assert.equal(value, 'answer to why');
  assert.equal(calls, 3);
});

test('policies: a slow read is asked a second time', async () => {
  const { value, calls, ms } = await served(
    (call) => (call === 1 ? 900 : 20),
    (client) => client.read('why'),
  );
  assert.deepEqual([value, calls, ms], ['answer to why', 2, 220]);
});

test('policies: a service that is down is called a few times, by however many', async () => {
  const asks = Array.from({ length: 100 }, () => (client: Client) => client.ask('why').catch(() => {}));
  const { calls } = await served(
    () => -10,
    (client) => gather(asks.map((ask) => () => ask(client))),
  );
  assert.ok(calls < 60, `${calls} calls`);
});

test('policies: no more than fifty in a second', async () => {
  const { calls, ms } = await served(
    () => 1,
    (client) => gather(Array.from({ length: 200 }, () => () => client.ask('why'))),
  );
  assert.deepEqual([calls, ms], [200, 3_001]);
});
