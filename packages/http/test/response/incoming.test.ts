import assert from 'node:assert/strict';
import { test } from 'node:test';

import { HIGH_WATER_BYTES, IncomingBody } from '../../src/response/incoming.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);
const full = new Uint8Array(HIGH_WATER_BYTES);

function incoming(): { readonly body: IncomingBody; readonly resumed: () => number } {
  let resumed = 0;
  return { body: new IncomingBody({ resume: () => void resumed++ }), resumed: () => resumed };
}

test('IncomingBody: what came before it was asked for is given at once', () => {
  const { body } = incoming();
  body.push(bytes('a'));
  body.push(bytes('b'));
  assert.deepEqual([body.read(), body.read()], [bytes('a'), bytes('b')]);
});

test('IncomingBody: who asks before gets what comes', async () => {
  const { body } = incoming();
  const read = body.read();
  assert.equal(body.beingRead, true);
  body.push(bytes('a'));
  assert.deepEqual(await read, bytes('a'));
  assert.equal(body.beingRead, false);
});

test('IncomingBody: its end is undefined, again and again, after all that came', async () => {
  const { body } = incoming();
  body.push(bytes('a'));
  body.finish();
  assert.deepEqual([await body.read(), await body.read(), await body.read()], [bytes('a'), undefined, undefined]);
  assert.equal(body.complete, true);
});

test('IncomingBody: its end reaches who waits', async () => {
  const { body } = incoming();
  const read = body.read();
  body.finish();
  assert.equal(await read, undefined);
});

test('IncomingBody: what came before a failure is read before it is thrown', async () => {
  const { body } = incoming();
  const mine = new Error('mine');
  body.push(bytes('a'));
  body.fail(mine);
  assert.deepEqual(await body.read(), bytes('a'));
  await assert.rejects(async () => body.read(), mine);
  await assert.rejects(async () => body.read(), mine);
});

test('IncomingBody: of several ends the first holds', async () => {
  const { body } = incoming();
  body.finish();
  body.fail(new Error('late'));
  assert.equal(await body.read(), undefined);
});

test('IncomingBody: from 64 KiB on the transport pauses, until they are read', () => {
  const { body, resumed } = incoming();
  assert.equal(body.push(full.subarray(1)), true);
  assert.equal(body.push(bytes('a')), false);
  assert.equal(body.paused, true);
  assert.equal(resumed(), 0);
  void body.read();
  assert.equal(body.paused, false);
  assert.equal(resumed(), 1);
  void body.read();
  assert.equal(resumed(), 1);
});

test('IncomingBody: with a reader that waits the transport does not pause', async () => {
  const { body } = incoming();
  const read = body.read();
  assert.equal(body.push(full), true);
  assert.equal((await read)?.byteLength, HIGH_WATER_BYTES);
});

test('collect: joins what came and what comes', async () => {
  const { body } = incoming();
  body.push(bytes('a'));
  const whole = body.collect();
  body.push(bytes('b'));
  body.push(bytes('c'));
  body.finish();
  assert.equal(Buffer.from(await whole).toString(), 'abc');
  assert.equal(body.buffered, 0);
});

test('collect: lets the transport go on, and does not pause it', () => {
  const { body, resumed } = incoming();
  body.push(full);
  assert.equal(body.paused, true);
  void body.collect();
  assert.equal(resumed(), 1);
  assert.equal(body.push(full), true);
});

test('collect: of a body that fails throws that, not a part of it', async () => {
  const { body } = incoming();
  const mine = new Error('mine');
  body.push(bytes('a'));
  const whole = body.collect();
  body.fail(mine);
  await assert.rejects(whole, mine);
});

test('collect: of a body that has failed before throws that, not a part of it', async () => {
  const { body } = incoming();
  const mine = new Error('mine');
  body.push(bytes('a'));
  body.fail(mine);
  await assert.rejects(body.collect(), mine);
});

test('collect: of a body that has come gives it at once', async () => {
  const { body } = incoming();
  body.finish();
  assert.equal((await body.collect()).byteLength, 0);
});

test('collect: one chunk is not copied', async () => {
  const { body } = incoming();
  const chunk = bytes('abc');
  body.push(chunk);
  body.finish();
  assert.equal(await body.collect(), chunk);
});

test('unread: puts a chunk back before all others', async () => {
  const { body } = incoming();
  const first = body.read();
  body.push(bytes('a'));
  body.push(bytes('b'));
  body.unread(await first);
  assert.deepEqual([body.read(), body.read()], [bytes('a'), bytes('b')]);
  body.unread(undefined);
  assert.equal(body.buffered, 0);
});

test('unread: after some were taken puts it before those that were not', () => {
  const { body } = incoming();
  for (const each of ['a', 'b', 'c']) body.push(bytes(each));
  void body.read();
  const second = body.read() as Uint8Array;
  body.unread(second);
  assert.deepEqual([body.read(), body.read()], [bytes('b'), bytes('c')]);
});

test('forget: what comes is for the next who asks', async () => {
  const { body } = incoming();
  const abandoned = body.read() as Promise<unknown>;
  body.forget(abandoned);
  body.push(bytes('a'));
  assert.deepEqual(await body.read(), bytes('a'));
});

test('forget: leaves the next reader alone, who gets what was put back', async () => {
  const { body } = incoming();
  const first = body.read() as Promise<Uint8Array>;
  body.push(bytes('a'));
  const second = body.read();
  body.forget(first);
  body.unread(await first);
  body.push(bytes('b'));
  assert.deepEqual([await second, await body.read()], [bytes('a'), bytes('b')]);
});

test('discard: what has come and comes is thrown away, and the transport goes on', () => {
  const { body, resumed } = incoming();
  body.push(full);
  body.discard();
  assert.equal(resumed(), 1);
  assert.equal(body.push(full), true);
  assert.equal(body.buffered, 0);
});
