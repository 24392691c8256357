import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ByteReader } from '../../src/response/byte-reader.ts';

class TooLong extends Error {}
class TooShort extends Error {}

/** A source of these chunks, which counts how often it was asked, and whether it was left. */
class Source implements AsyncIterator<Uint8Array, undefined> {
  readonly #chunks: (string | Uint8Array | Error)[];
  asked = 0;
  left = 0;

  constructor(chunks: readonly (string | Uint8Array | Error)[]) {
    this.#chunks = [...chunks];
  }

  next(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.asked++;
    const chunk = this.#chunks.shift();
    if (chunk instanceof Error) return Promise.reject(chunk);
    if (chunk === undefined) return Promise.resolve({ done: true, value: undefined });
    return Promise.resolve({ done: false, value: typeof chunk === 'string' ? Buffer.from(chunk) : chunk });
  }

  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.left++;
    return Promise.resolve({ done: true, value: undefined });
  }
}

function of(...chunks: (string | Uint8Array | Error)[]): { reader: ByteReader; source: Source } {
  const source = new Source(chunks);
  const long = (limit: number): Error => new TooLong(`${limit}`);
  const short = (wanted: number, there: number): Error => new TooShort(`${wanted} ${there}`);
  return { reader: new ByteReader(source, long, short), source };
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

const text = (bytes: Uint8Array | undefined): string | undefined => bytes && Buffer.from(bytes).toString();

// lines ----------------------------------------------------------------------------------------------------------------

for (const [what, chunks, lines] of [
  ['of one chunk', ['a\nb\nc\n'], ['a', 'b', 'c']],
  ['without an end of the last', ['a\nb'], ['a', 'b']],
  ['across chunks', ['a', 'b\nc', '', 'd', '\n', 'e'], ['ab', 'cd', 'e']],
  ['that end with CR LF', ['a\r\nb\r\n'], ['a', 'b']],
  ['whose CR and LF come in two chunks', ['a\r', '\nb\r', '\n'], ['a', 'b']],
  ['that are empty', ['\n\n', '\r\n', 'a\n\n'], ['', '', '', 'a', '']],
  ['with a CR that ends none', ['a\rb\n', '\rc\r', 'd\n'], ['a\rb', '\rc\rd']],
  ['with a CR before CR LF', ['a\r\r\n'], ['a\r']],
  ['that are a CR at the end', ['a\n\r'], ['a', '\r']],
  ['of no chunk', [], []],
  ['of chunks without bytes', ['', ''], []],
  ['with other separators of Unicode, which end none', ['a\u2028b\u0085c\vd\n'], ['a\u2028b\u0085c\vd']],
] as const) {
  test(`lines: those ${what}`, async () => {
    assert.deepEqual(await all(of(...chunks).reader.lines()), lines);
  });
}

test('lines: characters that lie across chunks are whole', async () => {
  const bytes = Buffer.from('zürich €\n🎉\n');
  const chunks = Array.from(bytes, (byte) => Uint8Array.of(byte));
  assert.deepEqual(await all(of(...chunks).reader.lines()), ['zürich €', '🎉']);
});

test('lines: what is no UTF-8 is U+FFFD', async () => {
  assert.deepEqual(await all(of(Uint8Array.of(0x61, 0xff, 0x0a)).reader.lines()), ['a\ufffd']);
});

test('lines: a byte order mark is left out at the beginning alone', async () => {
  assert.deepEqual(await all(of('\ufeffa\n', '\ufeffb\n').reader.lines()), ['a', '\ufeffb']);
  assert.deepEqual(await all(of('\ufeffa').reader.lines()), ['a']);
  assert.deepEqual(await all(of(Uint8Array.of(0xef), Uint8Array.of(0xbb, 0xbf, 0x61)).reader.lines()), ['a']);
  assert.deepEqual(await all(of('\ufeff\n').reader.lines()), ['']);
});

test('lines: a byte order mark after what was read otherwise is text', async () => {
  const { reader } = of('12\ufeffa\n');
  await reader.readExactly(2);
  assert.deepEqual(await all(reader.lines()), ['\ufeffa']);
});

test('lines: one of the limit is given, one more byte throws', async () => {
  for (const chunks of [['12345\n'], ['123', '45', '\n'], ['12345\r', '\n'], ['12345']]) {
    assert.deepEqual(await all(of(...chunks).reader.lines(5)), ['12345'], JSON.stringify(chunks));
  }
  for (const chunks of [['123456\n'], ['123', '456', '\n'], ['123456\r\n'], ['123456'], ['123', '456']]) {
    await assert.rejects(all(of(...chunks).reader.lines(5)), new TooLong('5'), JSON.stringify(chunks));
  }
});

test('lines: those before one that is too long are given', async () => {
  const seen: string[] = [];
  const read = async (): Promise<void> => {
    for await (const line of of('a\nb\n123456').reader.lines(5)) seen.push(line);
  };
  await assert.rejects(read(), TooLong);
  assert.deepEqual(seen, ['a', 'b']);
});

test('lines: no more is read of one without an end than its limit, and the source is left', async () => {
  const { reader, source } = of(...Array.from({ length: 1_000 }, () => '0123456789'));
  await assert.rejects(all(reader.lines(95)), TooLong);
  assert.equal(source.asked, 10);
  assert.equal(source.left, 1);
});

test('lines: a huge one of many chunks is joined once', async () => {
  const chunk = Buffer.alloc(65_536, 'x');
  const { reader } = of(...Array.from({ length: 256 }, () => chunk), '\n');
  const began = performance.now();
  const [line] = await all(reader.lines(Infinity));
  assert.equal(line?.length, 256 * 65_536);
  assert.ok(performance.now() - began < 5_000);
});

test('lines: left early, the source is left, once', async () => {
  const { reader, source } = of('a\nb\n', 'c\n');
  for await (const line of reader.lines()) {
    assert.equal(line, 'a');
    break;
  }
  assert.equal(source.left, 1);
  assert.equal(source.asked, 1);
});

test('lines: read to the end, the source is not left: it has ended', async () => {
  const { reader, source } = of('a\n');
  await all(reader.lines());
  assert.equal(source.left, 0);
});

test('lines: the error of the source comes after the lines before it', async () => {
  const mine = new Error('mine');
  const seen: string[] = [];
  const read = async (): Promise<void> => {
    for await (const line of of('a\nb', mine).reader.lines()) seen.push(line);
  };
  await assert.rejects(read(), mine);
  assert.deepEqual(seen, ['a']);
});

test('lines: another read in the middle takes what follows', async () => {
  const { reader } = of('a\nb\nc\nd\n');
  const seen: (string | undefined)[] = [];
  for await (const line of reader.lines()) {
    seen.push(line);
    if (line === 'a') seen.push(text(await reader.readExactly(2)));
  }
  assert.deepEqual(seen, ['a', 'b\n', 'c', 'd']);
});

test('lines: another read that needs more chunks takes what follows', async () => {
  const { reader } = of('a\nb', 'c\nd\n', 'e\n');
  const seen: (string | undefined)[] = [];
  for await (const line of reader.lines()) {
    seen.push(line);
    if (line === 'a') seen.push(text(await reader.readExactly(4)));
  }
  assert.deepEqual(seen, ['a', 'bc\nd', '', 'e']);
});

// readExactly ----------------------------------------------------------------------------------------------------------

test('readExactly: takes from one chunk, or joins several, and leaves the rest', async () => {
  const { reader, source } = of('abc', 'de', 'fgh', 'ij');
  assert.equal(text(await reader.readExactly(2)), 'ab');
  assert.equal(source.asked, 1);
  assert.equal(text(await reader.readExactly(5)), 'cdefg');
  assert.equal(source.asked, 3);
  assert.equal(text(await reader.readExactly(3)), 'hij');
});

test('readExactly: of more than there is throws, and what there was can be read', async () => {
  const { reader } = of('abc', 'de');
  await assert.rejects(reader.readExactly(6), new TooShort('6 5'));
  assert.equal(text(await reader.readExactly(5)), 'abcde');
  await assert.rejects(reader.readExactly(1), new TooShort('1 0'));
});

test('readExactly: when the source fails, what there was can be read', async () => {
  const mine = new Error('mine');
  const { reader } = of('abc', mine, 'de');
  await assert.rejects(reader.readExactly(5), mine);
  assert.equal(text(await reader.readExactly(5)), 'abcde');
});

for (const size of [0, -1, 1.5, Number.NaN, Infinity, '1', 2 ** 53]) {
  test(`readExactly: refuses ${String(size)} (${typeof size}), and reads nothing`, async () => {
    const { reader, source } = of('abc');
    await assert.rejects(reader.readExactly(size as number), RangeError);
    assert.equal(source.asked, 0);
  });
}

// read -----------------------------------------------------------------------------------------------------------------

test('read: gives what is there, and asks for no more than it has to', async () => {
  const { reader, source } = of('abc', 'de');
  assert.equal(text(await reader.read()), 'abc');
  assert.equal(source.asked, 1);
  assert.equal(text(await reader.read(1)), 'd');
  assert.equal(text(await reader.read(5)), 'e');
  assert.equal(source.asked, 2);
});

test('read: gives an empty array at the end, again and again', async () => {
  const { reader, source } = of('a');
  await reader.read();
  for (let i = 0; i < 3; i++) assert.equal((await reader.read()).byteLength, 0);
  assert.equal(source.asked, 2);
});

test('read: an empty chunk is not the end', async () => {
  const { reader } = of('', '', 'a');
  assert.equal(text(await reader.read()), 'a');
});

// readUntil ------------------------------------------------------------------------------------------------------------

test('readUntil: finds a separator within a chunk, across chunks, and at their borders', async () => {
  for (const chunks of [['a--b--c'], ['a-', '-b', '--', 'c'], ['a', '-', '-', 'b', '-', '-c']]) {
    const { reader } = of(...chunks);
    const found = [await reader.readUntil('--'), await reader.readUntil('--'), await reader.readUntil('--')];
    assert.deepEqual(found.map(text), ['a--', 'b--', 'c'], JSON.stringify(chunks));
    assert.equal(await reader.readUntil('--'), undefined);
  }
});

test('readUntil: finds one that begins like itself', async () => {
  for (const chunks of [['aaab'], ['a', 'a', 'a', 'b'], ['aa', 'ab']]) {
    assert.equal(text(await of(...chunks).reader.readUntil('aab')), 'aaab');
  }
});

test('readUntil: takes bytes as well', async () => {
  assert.equal(text(await of('a\0b').reader.readUntil(Uint8Array.of(0))), 'a\0');
});

test('readUntil: an empty separator is refused', async () => {
  await assert.rejects(of('a').reader.readUntil(''), TypeError);
  await assert.rejects(of('a').reader.readUntil(new Uint8Array(0)), TypeError);
});

test('readUntil: what is found within the limit is given, what is not throws', async () => {
  for (const chunks of [['12345\n'], ['123', '45\n']]) {
    assert.equal(text(await of(...chunks).reader.readUntil('\n', 6)), '12345\n');
    await assert.rejects(of(...chunks).reader.readUntil('\n', 5), new TooLong('5'), JSON.stringify(chunks));
  }
});

test('readUntil: reads no more than its limit of what has no separator', async () => {
  const { reader, source } = of(...Array.from({ length: 100 }, () => '0123456789'));
  await assert.rejects(reader.readUntil('x', 25), TooLong);
  assert.equal(source.asked, 3);
});

test('readUntil: over many chunks takes time in proportion', async () => {
  const { reader } = of(...Array.from({ length: 2_000 }, () => Buffer.alloc(4_096, '.')), 'x');
  const began = performance.now();
  assert.equal((await reader.readUntil('x', Infinity))?.byteLength, 2_000 * 4_096 + 1);
  assert.ok(performance.now() - began < 2_000, `${performance.now() - began} ms`);
});

// chunks and rest ------------------------------------------------------------------------------------------------------

test('chunks: are of that size, whatever comes', async () => {
  for (const given of [['abcdefg'], ['a', 'b', 'c', 'd', 'e', 'f', 'g'], ['abcd', 'efg'], ['', 'abcdef', 'g']]) {
    assert.deepEqual((await all(of(...given).reader.chunks(3))).map(text), ['abc', 'def', 'g']);
  }
  assert.deepEqual((await all(of('abcdef').reader.chunks(3))).map(text), ['abc', 'def']);
  assert.deepEqual(await all(of().reader.chunks(3)), []);
});

test('chunks: left early, the source is left', async () => {
  const { reader, source } = of('abcdef');
  for await (const chunk of reader.chunks(2)) {
    assert.equal(text(chunk), 'ab');
    break;
  }
  assert.equal(source.left, 1);
});

test('rest: is what has not been read', async () => {
  const { reader } = of('abc', 'def', 'ghi');
  await reader.readExactly(2);
  assert.equal(text(await reader.rest(100)), 'cdefghi');
});

test('rest: of more than the limit throws, and the source is left', async () => {
  const { reader, source } = of('abc', 'def', 'ghi', 'jkl');
  await assert.rejects(reader.rest(5), new TooLong('5'));
  assert.equal(source.left, 1);
  assert.equal(source.asked, 2);
});

test('rest: of the limit is given', async () => {
  assert.equal(text(await of('abc', 'de').reader.rest(5)), 'abcde');
});
