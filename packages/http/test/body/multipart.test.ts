import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeBody, type EncodedBody } from '../../src/body/request-body.ts';
import type { MultipartPart } from '../../src/body/multipart.ts';

function encode(multipart: FormData | readonly MultipartPart[]): EncodedBody {
  return encodeBody({ multipart }) as EncodedBody;
}

async function bytesOf(body: EncodedBody): Promise<Buffer> {
  const opened = body.open();
  if (opened instanceof Uint8Array) return Buffer.from(opened);
  const chunks: Uint8Array[] = [];
  for await (const chunk of opened) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function textOf(body: EncodedBody): Promise<string> {
  const boundary = /boundary=(.*)$/.exec(body.contentType as string)?.[1] as string;
  return (await bytesOf(body)).toString().replaceAll(boundary, 'BOUNDARY');
}

/** What the platform's own parser makes of it. */
async function parsed(body: EncodedBody): Promise<FormData> {
  const bytes = await bytesOf(body);
  return new Response(new Uint8Array(bytes), { headers: { 'content-type': body.contentType as string } }).formData();
}

async function* stream(...chunks: string[]): AsyncGenerator<string> {
  yield* chunks;
}

test('multipart: is what RFC 7578 says, byte for byte', async () => {
  const body = encode([
    { name: 'a', data: 'one' },
    { name: 'f', data: Uint8Array.of(0x78), filename: 'x.bin' },
    { name: 'j', data: '{}', type: 'application/json' },
  ]);
  const expected = [
    '--BOUNDARY',
    'Content-Disposition: form-data; name="a"',
    '',
    'one',
    '--BOUNDARY',
    'Content-Disposition: form-data; name="f"; filename="x.bin"',
    'Content-Type: application/octet-stream',
    '',
    'x',
    '--BOUNDARY',
    'Content-Disposition: form-data; name="j"',
    'Content-Type: application/json',
    '',
    '{}',
    '--BOUNDARY--',
    '',
  ].join('\r\n');
  assert.equal(await textOf(body), expected);
});

test('multipart: the platform reads what was written', async () => {
  const form = new FormData();
  form.append('text', 'grün');
  form.append('text', 'zwei');
  form.append('file', new File(['content'], 'näme.txt', { type: 'text/plain' }));
  form.append('blob', new Blob(['raw']));
  const read = await parsed(encode(form));
  assert.deepEqual(read.getAll('text'), ['grün', 'zwei']);
  const file = read.get('file') as File;
  assert.deepEqual([file.name, await file.text()], ['näme.txt', 'content']);
  assert.match(file.type, /^text\/plain(;|$)/); // Bun adds a charset
  const OCTETS = 'application/octet-stream';
  const blob = read.get('blob') as File;
  assert.deepEqual([blob.name, blob.type || OCTETS, await blob.text()], ['blob', OCTETS, 'raw']); // Bun says nothing
});

test('multipart: a FormData is taken as body as well', async () => {
  const form = new FormData();
  form.append('a', '1');
  const body = encodeBody({ body: form }) as EncodedBody;
  assert.match(String(body.contentType), /^multipart\/form-data; boundary=/);
  assert.equal((await parsed(body)).get('a'), '1');
});

test('multipart: no name can add a header or a part', async () => {
  const evil = 'x"\r\nContent-Type: text/html\r\n\r\n--BOUNDARY';
  const text = await textOf(encode([{ name: evil, data: '', filename: evil }]));
  const escaped = 'x%22%0D%0AContent-Type: text/html%0D%0A%0D%0A--BOUNDARY';
  assert.ok(text.includes(`name="${escaped}"; filename="${escaped}"\r\n`));
  assert.equal(text.split('\r\n').length, 7);
});

test('multipart: refuses a type with line breaks, and does not show it', () => {
  assert.throws(() => encode([{ name: 'a', data: 'x', type: 'text/plain\r\nX: y' }]), {
    name: 'TypeError',
    message: /content-type of part "a".*U\+000D at 10$/,
  });
  const blob = new Blob(['x']);
  Object.defineProperty(blob, 'type', { value: 'a/b\nX: y' });
  assert.throws(() => encode([{ name: 'a', data: blob }]), TypeError);
});

test('multipart: the boundary is another each time', () => {
  const types = new Set(Array.from({ length: 100 }, () => encode([]).contentType));
  assert.equal(types.size, 100);
  for (const type of types) assert.match(String(type), /^multipart\/form-data; boundary=[\w-]{30,70}$/);
});

test('multipart: knows its length when all parts do', async () => {
  const body = encode([
    { name: 'a', data: 'ü' },
    { name: 'b', data: new Blob(['12345']) },
    { name: 'c', data: stream('12', '34'), length: 4 },
  ]);
  assert.equal((await bytesOf(body)).length, body.length);
  assert.equal(encode([{ name: 'a', data: stream('x') }]).length, undefined);
  assert.equal((await bytesOf(encode([]))).length, encode([]).length);
});

test('multipart: can be sent again unless a part is a stream', async () => {
  const replayable = encode([
    { name: 'a', data: () => stream('x') },
    { name: 'b', data: new Blob(['y']) },
  ]);
  assert.equal(replayable.replayable, true);
  assert.equal(await textOf(replayable), await textOf(replayable));
  const once = encode([{ name: 'a', data: stream('x') }]);
  assert.equal(once.replayable, false);
  await bytesOf(once);
  assert.equal(once.used, true);
  assert.throws(() => once.open(), { name: 'TypeError', message: /give a function/ });
});

test('multipart: a stream that breaks its promise of length is an error', async () => {
  for (const [length, is] of [
    [3, 4],
    [5, 4],
  ] as const) {
    await assert.rejects(bytesOf(encode([{ name: 'a', data: stream('12', '34'), length }])), {
      name: 'RangeError',
      message: `Cannot send part "a" as its length was given as ${length}: current value is ${is}`,
    });
  }
});

test('multipart: opens a part when its turn comes, and reads nothing ahead', async () => {
  const trace: string[] = [];
  const noting = (name: string) =>
    async function* () {
      trace.push(`${name} begins`);
      yield 'x';
      trace.push(`${name} ends`);
    };
  const body = encode([
    { name: 'a', data: noting('a') },
    { name: 'b', data: noting('b') },
  ]);
  for await (const chunk of body.open() as AsyncIterable<Uint8Array>) {
    if (Buffer.from(chunk).toString().startsWith('--')) trace.push('head');
  }
  assert.deepEqual(trace, ['head', 'a begins', 'a ends', 'head', 'b begins', 'b ends', 'head']);
});

test('multipart: ending early gives back the stream being read and those never reached', async () => {
  const returned: string[] = [];
  const source = (name: string): AsyncIterableIterator<Uint8Array> => ({
    [Symbol.asyncIterator]() {
      return this;
    },
    next: async () => ({ done: false, value: Uint8Array.of(1) }),
    return: async () => {
      returned.push(name);
      return { done: true, value: undefined };
    },
  });
  const parts = (): MultipartPart[] => ['a', 'b', 'c'].map((name) => ({ name, data: source(name) }));
  let chunks = 0;
  for await (const _ of encode(parts()).open() as AsyncIterable<Uint8Array>) if (++chunks === 3) break;
  assert.deepEqual(returned.sort(), ['a', 'b', 'c']);
  const unsent = encode(parts());
  await unsent.discard();
  await unsent.discard();
  assert.equal(returned.length, 6);
});

test('multipart: a part that fails gives back the others, and its error comes out', async () => {
  const failure = new Error('disk gone');
  let cancelled = 0;
  const body = encode([
    { name: 'a', data: () => Promise.reject(failure) },
    { name: 'b', data: new ReadableStream({ cancel: () => void cancelled++ }) },
  ]);
  await assert.rejects(bytesOf(body), (error) => error === failure);
  assert.equal(cancelled, 1);
});

test('multipart: sends what is large in constant memory', async () => {
  const chunk = new Uint8Array(2 ** 20);
  const body = encode([
    {
      name: 'big',
      length: 512 * chunk.length,
      data: (function* () {
        for (let count = 0; count < 512; count++) yield chunk;
      })(),
    },
  ]);
  const before = process.memoryUsage().arrayBuffers;
  let sent = 0;
  for await (const part of body.open() as AsyncIterable<Uint8Array>) sent += part.length;
  assert.equal(sent, body.length);
  assert.ok(process.memoryUsage().arrayBuffers - before < 8 * 2 ** 20);
});

test('multipart: refuses what is no part', () => {
  for (const part of [null, 'x', {}, { name: 'a' }, { name: 1, data: '' }, { name: 'a', data: '', file: 'x' }]) {
    assert.throws(() => encode([part as unknown as MultipartPart]), TypeError);
  }
  assert.throws(() => encode([{ name: 'a', data: '', filename: 5 as unknown as string }]), TypeError);
  assert.throws(() => encode([{ name: 'a', data: stream(), length: -1 }]), RangeError);
  assert.throws(() => encode('x' as unknown as FormData), TypeError);
});
