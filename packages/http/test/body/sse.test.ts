import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseServerSentEvents, type ServerSentEvent } from '../../src/body/sse.ts';

async function* lines(text: string, separator = '\n'): AsyncGenerator<string> {
  const all = text.split(separator);
  if (all.at(-1) === '') all.pop();
  yield* all;
}

async function events(text: string, separator?: string): Promise<ServerSentEvent[]> {
  const found: ServerSentEvent[] = [];
  for await (const event of parseServerSentEvents(lines(text, separator))) found.push(event);
  return found;
}

test('parseServerSentEvents: gives type, data, id and time to wait', async () => {
  assert.deepEqual(await events('event: add\ndata: 73857293\nid: 7\nretry: 1500\n\n'), [
    { event: 'add', data: '73857293', id: '7', retry: 1500 },
  ]);
});

test('parseServerSentEvents: joins lines of data, and takes away one space only', async () => {
  const [event] = await events('data: YHOO\ndata:+2\ndata:  10\ndata\n\n');
  assert.equal(event?.data, 'YHOO\n+2\n 10\n');
});

test('parseServerSentEvents: the example of the standard with empty data', async () => {
  const found = await events('data\n\ndata\ndata\n\ndata:');
  assert.deepEqual(
    found.map(({ data }) => data),
    ['', '\n'],
  );
});

test('parseServerSentEvents: an event without data is none, and its type is forgotten', async () => {
  const found = await events('event: gone\n\ndata: x\n\n');
  assert.deepEqual(
    found.map(({ event, data }) => [event, data]),
    [['message', 'x']],
  );
});

test('parseServerSentEvents: an event that is cut short is not given', async () => {
  assert.deepEqual(await events('data: whole\n\ndata: half'), [
    { event: 'message', data: 'whole', id: '', retry: undefined },
  ]);
});

test('parseServerSentEvents: the id stays until another comes, and an empty one takes it away', async () => {
  const found = await events(': hello\n\nid: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\nid: x\u0000y\ndata: d\n\n');
  assert.deepEqual(
    found.map(({ id }) => id),
    ['1', '1', '', ''],
  );
});

test('parseServerSentEvents: a time to wait that is no number is none, and comments and unknown fields are skipped', async () => {
  const found = await events('retry: 1x\nretry: -1\n:data: no\nDATA: no\nother: no\ndata: yes:no\n\n');
  assert.deepEqual(found, [{ event: 'message', data: 'yes:no', id: '', retry: undefined }]);
});

test('parseServerSentEvents: lines may end in any way, and a byte order mark is no text', async () => {
  const endings = ['\r\n', '\r', '\n'];
  for (const end of endings) {
    const [event] = await events(`\uFEFFdata: a${end}data: b${end}${end}`);
    assert.equal(event?.data, 'a\nb', JSON.stringify(end));
  }
  const [event] = await events('\uFEFFdata: a\r\ndata: b\r\n\r\n', '\r\n');
  assert.equal(event?.data, 'a\nb');
});

test('parseServerSentEvents: data has a limit', async () => {
  const read = async (text: string): Promise<string> => {
    for await (const { data } of parseServerSentEvents(lines(text), { maxEventLength: 5 })) return data;
    return 'none';
  };
  assert.equal(await read('data: ab\ndata: cd\n\n'), 'ab\ncd');
  await assert.rejects(read('data: ab\ndata: cde\n\n'), { name: 'BodyLimitError', limit: 5 });
});

test('parseServerSentEvents: whoever stops early returns the lines', async () => {
  let returned = false;
  const source = async function* (): AsyncGenerator<string> {
    try {
      for (;;) yield* ['data: x', ''];
    } finally {
      returned = true;
    }
  };
  for await (const _ of parseServerSentEvents(source())) break;
  assert.equal(returned, true);
});
