import assert from 'node:assert/strict';
import { test } from 'node:test';

import { BodyLimitError, DecodeError, parseServerSentEvents } from '../../src/server.ts';
import { bytesOf, lineOf } from '../faults/bodies.ts';
import { textOf } from '../faults/encodings.ts';
import { errorOf, failure, pair, until } from './fixture.ts';

/** What fetch undoes here. */
const UNDONE =
  'Deno' in globalThis ? ['gzip', 'br'] : ['gzip', 'br', 'deflate', ...('Bun' in globalThis ? [] : ['gzip, gzip'])];

test('fetch session: text, JSON and bytes are what was sent', async () => {
  await using at = await pair();
  assert.equal(await at.session.get('/fault/text?body=grün').text(), 'grün');
  assert.deepEqual(await at.session.get('/fault/json').json(), { ok: true });
  for (const framing of ['length', 'chunked', 'close']) {
    const bytes = await at.session.get(`/fault/bytes?bytes=200000&framing=${framing}`).bytes();
    assert.ok(bytesOf(200_000).equals(bytes), framing);
  }
});

test('fetch session: a response has status, headers and URL', async () => {
  await using at = await pair();
  await using response = await at.session.get('/fault/status?status=404&body=nothing');
  assert.deepEqual([response.status, response.ok], [404, false]);
  assert.equal(response.url, `${at.server.origin}/fault/status?status=404&body=nothing`);
  assert.equal(response.header('content-length'), '7');
  assert.equal(await response.text(), 'nothing');
});

test('fetch session: HEAD and 204 have no body', async () => {
  await using at = await pair();
  await using head = await at.session.head('/fault/text');
  assert.deepEqual([head.status, await head.text()], [200, '']);
  await using none = await at.session.get('/fault/status?status=204');
  assert.deepEqual([none.status, await none.text()], [204, '']);
});

test('fetch session: lines come one by one, wherever the pieces were cut', async () => {
  await using at = await pair();
  const lines: string[] = [];
  for await (const line of at.session.get('/fault/lines?n=20&split=7').lines()) lines.push(line);
  assert.deepEqual(
    lines,
    Array.from({ length: 20 }, (_, n) => lineOf(n + 1)),
  );
});

test('fetch session: leaving a loop over lines early ends the exchange', async () => {
  await using at = await pair();
  for await (const line of at.session.get('/fault/lines?n=1000000&gap=5').lines()) {
    assert.equal(line, lineOf(1));
    break;
  }
  await at.server.waitFor(({ inFlight }) => inFlight.now === 0);
  await until(() => at.session.snapshot().inFlight === 0);
});

test('fetch session: events of a stream are parsed', async () => {
  await using at = await pair();
  await using response = await at.session.get('/fault/events?n=3&split=5');
  const data: string[] = [];
  for await (const event of parseServerSentEvents(response.body.lines())) data.push(event.data);
  assert.deepEqual(data, ['event 1', 'event 2', 'event 3']);
});

test('fetch session: a body that nobody reads is not taken from the server', async () => {
  await using at = await pair();
  await using response = await at.session.get('/fault/endless-body');
  assert.equal((await response.body.read(10)).byteLength, 10);
  assert.ok(response.body.receivedBytes < 4 * 1024 * 1024, `${response.body.receivedBytes} bytes`);
});

for (const encoding of ['gzip', 'br', 'deflate', 'gzip, gzip'] as const) {
  test(`fetch session: ${encoding} is undone by the platform, or is an error, and never taken for the body`, async () => {
    await using at = await pair();
    const path = `/fault/encoded?encoding=${encoding}`;
    if (UNDONE.includes(encoding)) {
      await using response = await at.session.get(path);
      assert.deepEqual(
        [response.header('content-encoding'), response.header('content-length')],
        [undefined, undefined],
      );
      assert.equal((await response.text()) === textOf(12_000), true);
    } else {
      assert.match((await failure(at.session.get(path), DecodeError)).message, /which this platform does not undo$/);
      await using raw = await at.session.get(path, { decompress: false });
      assert.equal(raw.header('content-encoding'), encoding);
      assert.ok((await raw.bytes()).byteLength < 12_000);
    }
  });
}

test('fetch session: a coding that nobody knows is an error', async () => {
  await using at = await pair({}, { '/': (exchange) => exchange.respond(200, 'x', { 'Content-Encoding': 'mystery' }) });
  assert.match((await failure(at.session.get('/'), DecodeError)).message, /mystery/);
});

test('fetch session: a body that is larger than maxBytes is an error, decoded or not', async () => {
  await using at = await pair({ maxBytes: 10_000 });
  for (const path of ['/fault/bytes?bytes=20000', '/fault/encoded?bytes=20000']) {
    assert.equal((await failure(at.session.get(path).bytes(), BodyLimitError)).limit, 10_000);
  }
  assert.equal((await at.session.get('/fault/bytes?bytes=10000').bytes()).byteLength, 10_000);
});

test('fetch session: what is no JSON is an error that shows where it begins', async () => {
  await using at = await pair();
  const error = await failure(at.session.get('/fault/text?body=<html>').json(), DecodeError);
  assert.match(error.message, /<html>/);
});

test('fetch session: JSON, forms and text are sent with their types', async () => {
  await using at = await pair();
  await at.session.post('/fault/echo', { json: { a: [1, 'ü'] } }).text();
  assert.deepEqual([at.last.headers['content-type'], at.last.body.toString()], ['application/json', '{"a":[1,"ü"]}']);
  await at.session.put('/fault/echo', { form: { a: 1, b: ['x y', '&'] } }).text();
  assert.deepEqual([at.last.method, at.last.body.toString()], ['PUT', 'a=1&b=x+y&b=%26']);
  assert.match(at.last.headers['content-type'] ?? '', /^application\/x-www-form-urlencoded/);
  await at.session.patch('/fault/echo', { body: 'plain' }).text();
  assert.deepEqual([at.last.method, at.last.body.toString()], ['PATCH', 'plain']);
});

test('fetch session: multipart is sent with fields and files', async () => {
  await using at = await pair();
  const form = new FormData();
  form.append('text', 'grün');
  form.append('file', new File(['content'], 'a.txt', { type: 'text/plain' }));
  await at.session.post('/fault/echo', { multipart: form }).text();
  assert.match(at.last.headers['content-type'] ?? '', /^multipart\/form-data; boundary=/);
  assert.match(at.last.body.toString(), /name="text"\r\n\r\ngrün\r\n[^]*filename="a.txt"[^]*\r\n\r\ncontent\r\n/);
});

test('fetch session: a body is sent as it comes from a generator', async () => {
  await using at = await pair();
  const body = async function* (): AsyncGenerator<Uint8Array> {
    for (let n = 0; n < 20; n++) yield bytesOf(10_000, n + 1);
  };
  await at.session.post('/fault/echo', { body }).text();
  const whole = Buffer.concat(Array.from({ length: 20 }, (_, n) => bytesOf(10_000, n + 1)));
  assert.ok(at.last.body.equals(whole), `${at.last.body.length} bytes`);
});

test('fetch session: a generator that throws fails the request with its error', async () => {
  await using at = await pair();
  const broken = new Error('disk gone');
  const body = async function* (): AsyncGenerator<string> {
    yield 'part';
    throw broken;
  };
  assert.equal(await errorOf(at.session.post('/fault/echo', { body }).text()), broken);
});
