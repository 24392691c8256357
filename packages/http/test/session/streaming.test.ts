import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isCancelled, sleep, withScope } from 'corral';

import { BodyLimitError, TruncatedError } from '../../src/errors.ts';
import { lineOf } from '../faults/bodies.ts';
import { textOf } from '../faults/encodings.ts';
import { errorOf, gate, pair, type Pair } from './fixture.ts';

const text = (bytes: Uint8Array | undefined): string => new TextDecoder().decode(bytes);

/** Answers with chunks that come one by one, the next when it is let. */
function stepwise(pieces: readonly string[]) {
  const steps = pieces.map(() => gate());
  const routes: Parameters<typeof pair>[1] = {
    '/': async (exchange) => {
      await exchange.head(200, { 'Transfer-Encoding': 'chunked' });
      for (const [index, piece] of pieces.entries()) {
        await steps[index]!.promise;
        await exchange.chunk(piece);
      }
      await exchange.chunk();
    },
  };
  return { routes, next: (index: number) => steps[index]!.open() };
}

test('body: is an iterable of chunks, as they come', async () => {
  const { routes, next } = stepwise(['one', 'two']);
  await using at = await pair({}, routes);
  await using response = await at.session.get('/');
  const seen: string[] = [];
  next(0);
  for await (const chunk of response.body) {
    seen.push(text(chunk));
    next(1);
  }
  assert.deepEqual(seen, ['one', 'two']);
});

test('body: the head is there before the body', async () => {
  const { routes, next } = stepwise(['late']);
  await using at = await pair({}, routes);
  await using response = await at.session.get('/');
  assert.equal(response.status, 200);
  next(0);
  assert.equal(await response.text(), 'late');
});

for (const framing of ['length', 'chunked', 'close']) {
  test(`body: framed by ${framing} comes whole`, async () => {
    await using at = await pair();
    const bytes = await at.session.get(`/fault/bytes?bytes=200000&framing=${framing}&chunk=777`).bytes();
    assert.equal(bytes.byteLength, 200_000);
  });
}

test('body: length is what the server said, receivedBytes what came', async () => {
  await using at = await pair();
  await using response = await at.session.get('/fault/bytes?bytes=1000');
  assert.equal(response.body.length, 1_000);
  await response.bytes();
  assert.equal(response.body.receivedBytes, 1_000);
  await using chunked = await at.session.get('/fault/bytes?bytes=1000&framing=chunked');
  assert.equal(chunked.body.length, undefined);
});

test('body: receivedBytes counts what was sent, not what it was decoded to', async () => {
  await using at = await pair();
  await using response = await at.session.get('/fault/encoded?bytes=12000');
  assert.equal((await response.bytes()).byteLength, 12_000);
  assert.equal(response.body.receivedBytes, response.body.length);
  assert.ok(response.body.receivedBytes < 1_000);
});

for (const method of ['HEAD'] as const) {
  test(`body: of ${method} is empty, whatever its headers say`, async () => {
    await using at = await pair();
    await using response = await at.session.request(method, '/fault/encoded');
    assert.equal(await response.text(), '');
    assert.ok(Number(response.header('content-length')) > 0);
  });
}

for (const status of [204, 304]) {
  test(`body: of ${status} is empty, though it is said to be gzip`, async () => {
    await using at = await pair({}, { '/': (exchange) => exchange.head(status, { 'Content-Encoding': 'gzip' }) });
    await using response = await at.session.delete('/');
    assert.equal(response.status, status);
    assert.equal((await response.bytes()).byteLength, 0);
  });
}

test('body: with Content-Length: 0 is empty, though it is said to be gzip', async () => {
  await using at = await pair();
  assert.equal(await at.session.get('/fault/wrong-encoding?body=').text(), '');
});

for (const encoding of ['gzip', 'x-gzip', 'deflate', 'deflate-raw', 'br', 'gzip, br', 'identity']) {
  test(`body: in ${encoding} is decoded, whole and in pieces`, async () => {
    await using at = await pair();
    const path = `/fault/encoded?encoding=${encodeURIComponent(encoding)}`;
    assert.equal(await at.session.get(path).text(), textOf(12_000));
    let pieces = '';
    for await (const chunk of at.session.get(path).stream()) pieces += text(chunk);
    assert.equal(pieces, textOf(12_000));
  });
}

test('decompress: false asks for the body as it is, and gives it as it is', async () => {
  await using at = await pair();
  const bytes = await at.session.get('/fault/encoded', { decompress: false }).bytes();
  assert.equal(at.last.headers['accept-encoding'], 'identity');
  assert.deepEqual([bytes[0], bytes[1]], [0x1f, 0x8b]);
});

for (const path of ['corrupt-encoding', 'cut-encoding', 'wrong-encoding']) {
  test(`body: of ${path} throws, and never looks complete`, async () => {
    await using at = await pair();
    const whole = await errorOf(at.session.get(`/fault/${path}`).text());
    assert.match(whole.name, /^(DecodeError|TruncatedError)$/);
    const read = async (): Promise<void> => {
      for await (const chunk of at.session.get(`/fault/${path}`).stream()) assert.ok(chunk.byteLength > 0);
    };
    assert.match((await errorOf(read())).name, /^(DecodeError|TruncatedError)$/);
    await at.server.waitFor(({ inFlight }) => inFlight.now === 0);
    assert.equal(at.session.snapshot().inFlight, 0);
  });
}

for (const path of ['cut-length', 'cut-chunked', 'reset-in-body']) {
  test(`body: of ${path} throws TruncatedError, however it is read`, async () => {
    await using at = await pair();
    const url = `/fault/${path}`;
    const all = async (chunks: AsyncIterable<unknown>): Promise<void> => {
      for await (const chunk of chunks) assert.ok(chunk !== undefined);
    };
    for (const read of [
      () => at.session.get(url).text(),
      () => all(at.session.get(url).stream()),
      () => all(at.session.get(url).lines()),
      async () => (await at.session.get(url)).body.readUntil('nothing'),
      async () => (await at.session.get(url)).body.readExactly(100_000),
      async () => all((await at.session.get(url)).body.toWeb()),
    ]) {
      const error = await errorOf(read());
      assert.ok(error instanceof TruncatedError, String(error));
      assert.equal(error.phase, 'body');
    }
  });
}

test('body: what came before it broke off can be read', async () => {
  await using at = await pair();
  await using response = await at.session.get('/fault/reset-in-body');
  assert.equal((await response.body.readExactly(100)).byteLength, 100);
  assert.ok((await errorOf(response.body.read())) instanceof TruncatedError);
});

test('body: nobody reads further than some 64 KiB ahead of the reader', async () => {
  await using at = await pair();
  await using response = await at.session.get('/fault/endless-body');
  await sleep(100);
  const { receivedBytes } = response.body;
  assert.ok(receivedBytes < 1_000_000, `${receivedBytes} bytes came`);
  await response.body.read();
});

// Whole ----------------------------------------------------------------------------------------------------------------

test('body: is read once', async () => {
  await using at = await pair();
  await using response = await at.session.get('/fault/text');
  assert.equal(await response.text(), 'ok');
  for (const again of [
    () => response.text(),
    () => response.json(),
    () => response.bytes(),
    () => response.body.read(),
    () => response.body.readExactly(1),
    () => response.body.readUntil('x'),
  ]) {
    assert.match((await errorOf(again())).message, /^Cannot read the body as it was read/);
  }
});

test('body: after a release it cannot be read, though it has come', async () => {
  await using at = await pair();
  const response = await at.session.get('/fault/text');
  await sleep(10);
  await response.release();
  for (const read of [() => response.text(), () => response.body.read()]) {
    assert.match((await errorOf(read())).message, /^Cannot read the body as the response was released/);
  }
});

test('bytes: after lines or read gives what is left', async () => {
  await using at = await pair();
  await using response = await at.session.get('/fault/text?body=one%0Atwo%0Athree');
  assert.equal(text(await response.body.readUntil('\n')), 'one\n');
  assert.equal(await response.text(), 'two\nthree');
});

test('maxBytes: bounds what is read as a whole', async () => {
  await using at = await pair({ maxBytes: 1_000 });
  assert.equal((await at.session.get('/fault/bytes?bytes=1000').bytes()).byteLength, 1_000);
  const error = await errorOf(at.session.get('/fault/bytes?bytes=1001').bytes());
  assert.ok(error instanceof BodyLimitError);
  assert.equal(error.limit, 1_000);
  assert.ok((await errorOf(at.session.get('/fault/endless-body').bytes())) instanceof BodyLimitError);
});

test('maxBytes: of a request goes first', async () => {
  await using at = await pair({ maxBytes: 10 });
  assert.equal((await at.session.get('/fault/bytes?bytes=1000', { maxBytes: 1_000 }).bytes()).byteLength, 1_000);
});

test('maxBytes: counts what is decoded', async () => {
  await using at = await pair();
  const error = await errorOf(at.session.get('/fault/gzip-bomb?mib=4', { maxBytes: 1_000_000 }).bytes());
  assert.ok(error instanceof BodyLimitError, String(error));
});

test('maxBytes: what has come already is bounded too', async () => {
  await using at = await pair({ maxBytes: 10 });
  const response = await at.session.get('/fault/bytes?bytes=1000');
  await sleep(20);
  assert.ok((await errorOf(response.bytes())) instanceof BodyLimitError);
});

test('maxBytes: does not bound what is read in pieces', async () => {
  await using at = await pair({ maxBytes: 10 });
  let size = 0;
  for await (const chunk of at.session.get('/fault/bytes?bytes=100000').stream()) size += chunk.byteLength;
  assert.equal(size, 100_000);
});

test('maxRatio: bounds what a bomb may become', async () => {
  await using at = await pair({ maxRatio: 10 });
  const drain = async (): Promise<void> => {
    for await (const chunk of at.session.get('/fault/endless-bomb').stream()) assert.ok(chunk.byteLength > 0);
  };
  assert.ok((await errorOf(drain())) instanceof BodyLimitError);
});

test('body: a loop over chunks that are there already ends when its scope is cancelled', async () => {
  await using at = await pair();
  await using response = await at.session.get('/fault/bytes?bytes=60000&chunk=1000&framing=chunked');
  await sleep(20);
  await withScope(async (scope) => {
    const loop = async (): Promise<void> => {
      for await (const chunk of response.body) {
        assert.ok(chunk.byteLength > 0);
        scope.cancel();
      }
    };
    assert.ok(isCancelled(await errorOf(loop())));
  });
});

// In pieces ------------------------------------------------------------------------------------------------------------

test('lines: come as they do, whatever the chunks', async () => {
  await using at = await pair();
  for (const query of ['n=20', 'n=20&split=9', 'n=20&end=%0D%0A', 'n=20&split=7&end=%0D%0A', 'n=20&last=false']) {
    const lines: string[] = [];
    for await (const line of at.session.get(`/fault/lines?${query}`).lines()) lines.push(line);
    assert.deepEqual(
      lines,
      Array.from({ length: 20 }, (_, i) => lineOf(i + 1)),
      query,
    );
  }
});

test('lines: each is given when it has come', async () => {
  const { routes, next } = stepwise(['a\nb', 'c\n']);
  await using at = await pair({}, routes);
  const seen: string[] = [];
  next(0);
  for await (const line of at.session.get('/').lines()) {
    seen.push(line);
    next(1);
  }
  assert.deepEqual(seen, ['a', 'bc']);
});

test('lines: one without an end is bounded', async () => {
  await using at = await pair();
  const read = async (options?: { maxLineBytes: number }): Promise<void> => {
    for await (const line of at.session.get('/fault/endless-line').lines(options)) assert.fail(line.slice(0, 10));
  };
  for (const [options, limit] of [
    [undefined, 1_048_576],
    [{ maxLineBytes: 1_000 }, 1_000],
  ] as const) {
    const error = await errorOf(read(options));
    assert.ok(error instanceof BodyLimitError, String(error));
    assert.equal(error.limit, limit);
  }
  await at.server.waitFor(({ inFlight }) => inFlight.now === 0);
});

test('lines: left early, the response is released', async () => {
  const endless: Parameters<typeof pair>[1] = {
    '/': async (exchange) => {
      await exchange.head(200, { 'Transfer-Encoding': 'chunked' });
      for (; exchange.isOpen; await exchange.sleep(0)) await exchange.chunk('line\n'.repeat(1_000));
    },
  };
  await using at = await pair({}, endless);
  await using response = await at.session.get('/');
  for await (const line of response.body.lines()) {
    assert.equal(line, 'line');
    break;
  }
  await at.server.waitFor(({ requests }) => requests[0]?.abandoned);
  assert.equal(at.session.snapshot().inFlight, 0);
});

test('chunks: are all of that size but the last', async () => {
  await using at = await pair();
  await using response = await at.session.get('/fault/bytes?bytes=1000&chunk=33&framing=chunked');
  const sizes: number[] = [];
  for await (const chunk of response.body.chunks(300)) sizes.push(chunk.byteLength);
  assert.deepEqual(sizes, [300, 300, 300, 100]);
});

test('read: gives what is there, up to a size, and an empty array at the end', async () => {
  await using at = await pair();
  await using response = await at.session.get('/fault/text?body=12345');
  const { body } = response;
  assert.deepEqual([text(await body.read(2)), text(await body.read(2)), text(await body.read(2))], ['12', '34', '5']);
  assert.equal((await body.read(2)).byteLength, 0);
  assert.equal((await body.read()).byteLength, 0);
});

test('readExactly: throws when the body is shorter, and what there was can be read', async () => {
  await using at = await pair();
  await using response = await at.session.get('/fault/text?body=12345');
  const error = await errorOf(response.body.readExactly(6));
  assert.ok(error instanceof TruncatedError);
  assert.match(error.message, /6 bytes were wanted, 5 are left/);
  assert.equal(text(await response.body.read()), '12345');
});

test('readUntil: gives up to and with a separator, then what is left, then undefined', async () => {
  await using at = await pair();
  await using response = await at.session.get('/fault/text?body=a--b--c');
  const { body } = response;
  assert.deepEqual(
    [text(await body.readUntil('--')), text(await body.readUntil('--')), text(await body.readUntil('--'))],
    ['a--', 'b--', 'c'],
  );
  assert.equal(await body.readUntil('--'), undefined);
});

test('read: two at a time are refused, and the first gets its bytes', async () => {
  const { routes, next } = stepwise(['data']);
  await using at = await pair({}, routes);
  await using response = await at.session.get('/');
  const first = response.body.read();
  const second = errorOf(response.body.read());
  assert.match((await second).message, /await one read before the next/);
  next(0);
  assert.equal(text(await first), 'data');
});

test('read: cancelled, nothing is lost', async () => {
  const { routes, next } = stepwise(['one ', 'two']);
  await using at = await pair({}, routes);
  await using response = await at.session.get('/');
  next(0);
  assert.equal(text(await response.body.read(2)), 'on');
  await withScope(async (scope) => {
    setTimeout(() => scope.cancel(), 10);
    assert.ok(isCancelled(await errorOf(response.body.readExactly(6))));
  });
  next(1);
  assert.equal(text(await response.body.readExactly(5)), 'e two');
});

test('read: in a cancelled scope throws at once, and nothing is lost', async () => {
  await using at = await pair();
  await using response = await at.session.get('/fault/text?body=12345');
  await withScope(async (scope) => {
    scope.cancel();
    assert.ok(isCancelled(await errorOf(response.body.read())));
  });
  assert.equal(text(await response.body.read()), '12345');
});

test('toWeb: is a stream of the chunks, and nothing is read ahead', async () => {
  await using at = await pair();
  await using response = await at.session.get('/fault/bytes?bytes=300000');
  const whole = await new Response(response.body.toWeb()).arrayBuffer();
  assert.equal(whole.byteLength, 300_000);
});

test('toWeb: cancelled, the response is released', async () => {
  await using at = await pair();
  await using response = await at.session.get('/fault/endless-body');
  const reader = response.body.toWeb().getReader();
  await reader.read();
  await reader.cancel();
  await at.server.waitFor(({ requests }) => requests[0]?.abandoned);
});

function sink(write?: (chunk: Uint8Array) => void) {
  const seen = { bytes: 0, closed: false, aborted: undefined as unknown };
  const stream = new WritableStream<Uint8Array>({
    write: (chunk) => {
      write?.(chunk);
      seen.bytes += chunk.byteLength;
    },
    close: () => void (seen.closed = true),
    abort: (reason) => void (seen.aborted = reason),
  });
  return { seen, stream };
}

test('pipeTo: writes all of it, and closes', async () => {
  await using at = await pair();
  const { seen, stream } = sink();
  await (await at.session.get('/fault/bytes?bytes=300000')).body.pipeTo(stream);
  assert.deepEqual(seen, { bytes: 300_000, closed: true, aborted: undefined });
});

test('pipeTo: of a body that breaks off aborts the stream', async () => {
  await using at = await pair();
  const { seen, stream } = sink();
  const error = await errorOf((await at.session.get('/fault/cut-length')).body.pipeTo(stream));
  assert.ok(error instanceof TruncatedError);
  assert.deepEqual([seen.closed, seen.aborted], [false, error]);
});

test('pipeTo: to a stream that fails throws its error, and releases the response', async () => {
  await using at = await pair();
  const mine = new Error('mine');
  const { stream } = sink(() => {
    throw mine;
  });
  assert.equal(await errorOf((await at.session.get('/fault/endless-body')).body.pipeTo(stream)), mine);
  await at.server.waitFor(({ requests }) => requests[0]?.abandoned);
});

test('pipeTo: cancelled, the stream is aborted', async () => {
  await using at: Pair = await pair();
  const { seen, stream } = sink();
  await withScope(async (scope) => {
    const response = await at.session.get('/fault/stall-body');
    const piped = errorOf(response.body.pipeTo(stream));
    await sleep(20);
    scope.cancel();
    assert.ok(isCancelled(await piped));
  });
  assert.equal(seen.closed, false);
  assert.ok(isCancelled(seen.aborted));
});
