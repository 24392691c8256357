import assert from 'node:assert/strict';
import { test } from 'node:test';

import { BodyLimitError, DecodeError } from '../../src/errors.ts';
import { elsewhere } from '../faults/elsewhere.ts';
import { errorOf, pair } from '../session/fixture.ts';
import { assertSound, failsWith } from './fixture.ts';

const skip = elsewhere;
const MIB = 1_048_576;

async function drain(body: AsyncIterable<Uint8Array>): Promise<number> {
  let size = 0;
  for await (const chunk of body) size += chunk.byteLength;
  return size;
}

test('gzip bomb: the decoded size is limited, and the memory with it', { skip }, async () => {
  await using at = await pair({ maxBytes: 8 * MIB });
  const before = process.memoryUsage().rss;
  const error = await failsWith(at.session.get('/fault/gzip-bomb?mib=200').bytes(), BodyLimitError);
  assert.equal(error.phase, 'body');
  assert.ok(process.memoryUsage().rss - before < 150 * MIB, 'the memory grew with the bomb');
  await assertSound(at);
});

test('gzip bomb: the ratio is limited, where the size is not', { skip }, async () => {
  await using at = await pair({ maxBytes: Infinity, maxRatio: 100 });
  await failsWith(at.session.get('/fault/gzip-bomb?mib=64').bytes(), BodyLimitError);
  await assertSound(at);
});

test('gzip bomb: in a stream the ratio is limited as well', { skip }, async () => {
  await using at = await pair({ maxRatio: 100 });
  await failsWith(drain(at.session.get('/fault/gzip-bomb?mib=64').stream()), BodyLimitError);
  await assertSound(at);
});

test('gzip bomb: in many members is no way around the limit', { skip }, async () => {
  await using at = await pair({ maxBytes: 8 * MIB });
  await failsWith(at.session.get('/fault/gzip-bomb?mib=4&members=20').bytes(), BodyLimitError);
  await assertSound(at);
});

for (const encoding of ['br', 'deflate', 'gzip, gzip']) {
  test(`bomb of ${encoding}: is limited as well`, { skip }, async () => {
    await using at = await pair({ maxBytes: MIB });
    await failsWith(at.session.get('/fault/bomb', { query: { encoding, mib: 16 } }).bytes(), BodyLimitError);
    await assertSound(at);
  });
}

test('endless bomb: is limited as well', { skip }, async () => {
  await using at = await pair({ maxBytes: 8 * MIB, timeout: 20_000 });
  await failsWith(at.session.get('/fault/endless-bomb').bytes(), BodyLimitError);
  await assertSound(at);
});

test('endless body: is limited, and in the text of an error too', { skip }, async () => {
  await using at = await pair({ maxBytes: MIB });
  await failsWith(at.session.get('/fault/endless-body').bytes(), BodyLimitError);
  await failsWith(at.session.get('/fault/endless-body').text(), BodyLimitError);
  await failsWith(at.session.get('/fault/endless-body').json(), BodyLimitError);
  await assertSound(at);
});

for (const encoding of ['gzip', 'deflate', 'br']) {
  test(`corrupt ${encoding}: throws DecodeError`, { skip }, async () => {
    await using at = await pair();
    await failsWith(at.session.get(`/fault/corrupt-encoding?encoding=${encoding}`).bytes(), DecodeError);
    await failsWith(drain(at.session.get(`/fault/corrupt-encoding?encoding=${encoding}`).stream()), DecodeError);
    await assertSound(at);
  });
}

for (const encoding of ['gzip', 'x-gzip', 'deflate', 'deflate-raw', 'br']) {
  for (const chunked of [false, true]) {
    test(
      `${encoding} cut short in complete framing${chunked ? ' (chunked)' : ''}: throws DecodeError`,
      { skip },
      async () => {
        await using at = await pair();
        const path = `/fault/cut-encoding?encoding=${encoding}&chunked=${chunked}`;
        await failsWith(at.session.get(path).text(), DecodeError);
        await failsWith(drain(at.session.get(path).stream()), DecodeError);
        await assertSound(at);
      },
    );
  }
}

test('gzip without its checksum: throws DecodeError', { skip }, async () => {
  await using at = await pair();
  await failsWith(at.session.get('/fault/cut-encoding?missing=8').text(), DecodeError);
  await failsWith(at.session.get('/fault/cut-encoding?missing=1').text(), DecodeError);
  await assertSound(at);
});

test('gzip cut by the connection: throws, and not what has come', { skip }, async () => {
  await using at = await pair(
    {},
    {
      '/': async (exchange) => {
        await exchange.head(200, { 'Content-Encoding': 'gzip', 'Content-Length': 1_000 });
        await exchange.write(Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]));
        exchange.end();
      },
    },
  );
  assert.equal((await errorOf(at.session.get('/').text())).name, 'TruncatedError');
  assert.equal((await errorOf(drain(at.session.get('/').stream()))).name, 'TruncatedError');
  await assertSound(at);
});

test('Content-Encoding 20 times: throws DecodeError, as more than 3 do', { skip }, async () => {
  await using at = await pair();
  await failsWith(at.session.get('/fault/many-encodings?n=20').bytes(), DecodeError);
  await failsWith(at.session.get('/fault/many-encodings?n=4').bytes(), DecodeError);
  assert.equal((await at.session.get('/fault/many-encodings?n=3').bytes()).byteLength, 100);
  await assertSound(at);
});

test('Content-Encoding 20 times: in as many headers is the same', { skip }, async () => {
  await using at = await pair(
    {},
    {
      '/': (exchange) => exchange.respond(200, 'x', { 'Content-Encoding': Array.from({ length: 20 }, () => 'gzip') }),
    },
  );
  await failsWith(at.session.get('/').bytes(), DecodeError);
  await assertSound(at);
});

test('Content-Encoding that is not known: throws DecodeError', { skip }, async () => {
  await using at = await pair();
  await failsWith(at.session.get('/fault/wrong-encoding?encoding=foo').bytes(), DecodeError);
  await failsWith(at.session.get('/fault/wrong-encoding?encoding=gzip').bytes(), DecodeError);
  await assertSound(at);
});

test('Content-Encoding of an empty body: is empty', { skip }, async () => {
  await using at = await pair();
  assert.equal(await at.session.get('/fault/wrong-encoding?body=').text(), '');
  await assertSound(at);
});

test('maxBytes: holds after a redirect', { skip }, async () => {
  await using at = await pair({ maxBytes: 1_000 });
  const to = encodeURIComponent('/fault/bytes?bytes=5000');
  await failsWith(at.session.get(`/fault/redirect?to=${to}`).bytes(), BodyLimitError);
  await assertSound(at);
});

test('maxBytes: holds when a Content-Length is a lie', { skip }, async () => {
  await using at = await pair({ maxBytes: 1_000 });
  await failsWith(at.session.get('/fault/encoded?bytes=12000').bytes(), BodyLimitError);
  await assertSound(at);
});

test('maxBytes: holds for each try', { skip }, async () => {
  await using at = await pair(
    { maxBytes: 1_000, retry: undefined },
    {
      '/': async (exchange) => {
        const n = exchange.server.count('tries');
        await (n === 1 ? exchange.respond(503, '.'.repeat(500)) : exchange.respond(200, '.'.repeat(5_000)));
      },
    },
  );
  await failsWith(at.session.get('/').bytes(), BodyLimitError);
  assert.equal(at.server.requests.length, 2);
  await assertSound(at);
});

test('maxBytes: of a request goes before that of the session', { skip }, async () => {
  await using at = await pair({ maxBytes: 1_000 });
  assert.equal((await at.session.get('/fault/bytes?bytes=5000', { maxBytes: 5_000 }).bytes()).byteLength, 5_000);
  await failsWith(at.session.get('/fault/bytes?bytes=5001', { maxBytes: 5_000 }).bytes(), BodyLimitError);
});

test('lines: one without an end is limited', { skip }, async () => {
  await using at = await pair();
  const read = async (): Promise<void> => {
    for await (const _line of at.session.get('/fault/endless-line').lines()) assert.fail('it has no line');
  };
  await failsWith(read(), BodyLimitError);
  await assertSound(at);
});

test('StatusError: shows the beginning of an endless body, and waits for no more', { skip }, async () => {
  await using at = await pair(
    {},
    {
      '/': async (exchange) => {
        await exchange.head(404, { 'Transfer-Encoding': 'chunked' });
        while (exchange.isOpen) await exchange.chunk('.'.repeat(10_000));
      },
    },
  );
  const error = await errorOf(at.session.get('/', { raiseForStatus: true, timeout: 5_000 }));
  assert.equal((error as { bodySnippet?: string }).bodySnippet?.length, 1_024);
  await assertSound(at);
});

test('many tiny chunks: are read in reasonable time', { skip }, async () => {
  await using at = await pair({ timeout: 20_000 });
  assert.equal((await at.session.get('/fault/many-chunks?n=100000').bytes()).byteLength, 100_000);
  await assertSound(at);
});
