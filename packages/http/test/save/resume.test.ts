import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { suppressedErrors } from 'corral';
import { StatusError, TruncatedError } from '../../src/errors.ts';
import { saveTo } from '../../src/node/save-to.ts';
import type { SaveProgress, SaveResult, SaveToOptions } from '../../src/save/contract.ts';
import { ChecksumError } from '../../src/save/errors.ts';
import { bytesOf, cut, type Fault, RangeServer, sha256 } from './range-server.ts';
import { sending } from './undici-send.ts';

let folder: string;
before(async () => void (folder = await mkdtemp(join(tmpdir(), 'corral-resume-'))));
after(() => rm(folder, { recursive: true }));

const SIZE = 1_000_003;
const CUT = 600_000;
/** They wait between attempts most of the time. */
const TOGETHER = { concurrency: 8 };
const HOUR_AGO = new Date(Date.now() - 3_600_000).toUTCString();

/** A server, a file to be, and a way to save the one to the other. */
class Case implements AsyncDisposable {
  readonly server: RangeServer;
  readonly path: string;
  readonly #folder: string;
  private constructor(server: RangeServer, own: string) {
    this.server = server;
    this.#folder = own;
    this.path = join(own, 'file.bin');
  }

  static async open(): Promise<Case> {
    const own = await mkdtemp(join(folder, 't-'));
    return new Case(await RangeServer.open(bytesOf('v1', SIZE)), own);
  }

  save(options: SaveToOptions = {}): Promise<SaveResult> {
    return saveTo(sending(this.server.url).send, this.path, options);
  }

  /** A first run, that leaves CUT bytes. */
  async cutOff(): Promise<void> {
    this.server.faults.push(cut(this.server, CUT));
    await assert.rejects(this.save({ resume: true, attempts: 1 }), TruncatedError);
    assert.equal((await stat(`${this.path}.part`)).size, CUT);
    this.server.requests.length = 0;
  }

  async sidecar(): Promise<Record<string, unknown>> {
    return JSON.parse(await readFile(`${this.path}.part.json`, 'utf8')) as Record<string, unknown>;
  }

  /** There is the file, as the server has it now, and nothing else. */
  async assertSaved(): Promise<void> {
    const saved = await readFile(this.path);
    assert.ok(saved.equals(this.server.content), `${saved.length} bytes that are not those of the server`);
    assert.deepEqual(await readdir(this.#folder), ['file.bin']);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
  }
}

/** Sends another version: other bytes, another entity tag. */
function change(server: RangeServer, size = SIZE): void {
  server.content = bytesOf('v2', size);
  server.etag = '"v2"';
}

describe('saveTo: a body that breaks off', TOGETHER, () => {
  test('saveTo: the rest is asked for, with the strong entity tag, until it is whole', async () => {
    await using it = await Case.open();
    it.server.faults.push(cut(it.server, 300_000), cut(it.server, 300_000));
    const result = await it.save({ sha256: sha256(it.server.content) });
    await it.assertSaved();
    assert.deepEqual(it.server.asked, [undefined, 'bytes=300000-', 'bytes=600000-']);
    assert.deepEqual(
      it.server.requests.map((headers) => headers['if-range']),
      [undefined, '"v1"', '"v1"'],
    );
    assert.deepEqual([result.status, result.resumedFrom, result.bytes], [206, 0, SIZE]);
  });

  test('saveTo: a small body goes on as well, without a file in between', async () => {
    await using it = await Case.open();
    it.server.content = bytesOf('small', 100_000);
    it.server.faults.push(cut(it.server, 40_000));
    await it.save();
    await it.assertSaved();
    assert.deepEqual(it.server.asked, [undefined, 'bytes=40000-']);
  });

  test('saveTo: after the last attempt the error is thrown, with those before it', async () => {
    await using it = await Case.open();
    const faults = [1, 2, 3].map((turn) => cut(it.server, turn * 1000));
    it.server.faults.push(...faults);
    await assert.rejects(it.save({ attempts: 3 }), (error) => {
      assert.ok(error instanceof TruncatedError);
      assert.equal(suppressedErrors(error).length, 2);
      return true;
    });
    assert.deepEqual(it.server.asked, [undefined, 'bytes=1000-', 'bytes=3000-']);
    await assert.rejects(stat(`${it.path}.part`), { code: 'ENOENT' });
  });

  for (const [what, etag] of [
    ['no entity tag', undefined],
    ['a weak entity tag', 'W/"v1"'],
  ] as const) {
    test(`saveTo: with ${what} it begins anew`, async () => {
      await using it = await Case.open();
      it.server.etag = etag;
      it.server.faults.push(cut(it.server, CUT));
      await it.save();
      await it.assertSaved();
      assert.deepEqual(it.server.asked, [undefined, undefined]);
    });
  }

  test('saveTo: Last-Modified does as a validator when it is a minute old, and not when it is not', async () => {
    await using it = await Case.open();
    it.server.etag = undefined;
    for (const [lastModified, ranged] of [
      [HOUR_AGO, true],
      [new Date(Date.now() - 20_000).toUTCString(), false],
    ] as const) {
      it.server.requests.length = 0;
      it.server.lastModified = lastModified;
      it.server.faults.push(cut(it.server, CUT));
      await it.save();
      await it.assertSaved();
      assert.equal(it.server.requests[1]?.['if-range'], ranged ? lastModified : undefined);
    }
  });

  test('saveTo: another version in between is taken as a whole', async () => {
    await using it = await Case.open();
    it.server.faults.push(cut(it.server, CUT), () => change(it.server, 400_000));
    const result = await it.save();
    await it.assertSaved();
    assert.deepEqual([result.etag, result.totalBytes, result.status], ['"v2"', 400_000, 200]);
  });

  test('saveTo: what is no break is not tried again', async () => {
    await using it = await Case.open();
    it.server.faults.push((_request, response) => {
      response.writeHead(200, { 'transfer-encoding': 'chunked' });
      response.flushHeaders();
      response.socket?.write('5\r\nhello\r\nnot a chunk\r\n');
      return true;
    });
    await assert.rejects(it.save(), { code: 'CORRAL_HTTP_PROTOCOL' });
    assert.equal(it.server.requests.length, 1);
  });
});

describe('saveTo: going on with an earlier run', () => {
  test('saveTo: the next run goes on where the first was cut off', async () => {
    await using it = await Case.open();
    await it.cutOff();
    const { written, etag, total, finalUrl } = await it.sidecar();
    assert.deepEqual(
      { written, etag, total, finalUrl },
      { written: CUT, etag: '"v1"', total: SIZE, finalUrl: it.server.url },
    );
    const told: SaveProgress[] = [];
    const digest = sha256(it.server.content);
    const result = await it.save({ resume: true, sha256: digest, onProgress: (progress) => told.push(progress) });
    await it.assertSaved();
    assert.deepEqual(it.server.asked, [`bytes=${CUT}-`]);
    assert.deepEqual([result.resumedFrom, result.bytes, result.sha256], [CUT, SIZE, digest]);
    assert.deepEqual(told.at(-1), { receivedBytes: SIZE, totalBytes: SIZE, resumedFrom: CUT });
  });

  test('saveTo: without resume nothing is left, and nothing is taken up', async () => {
    await using it = await Case.open();
    await it.cutOff();
    assert.equal((await it.save()).resumedFrom, 0);
    await it.assertSaved();
    it.server.faults.push(cut(it.server, CUT));
    await assert.rejects(it.save({ attempts: 1 }), TruncatedError);
    await it.assertSaved(); // as before: the part has gone, the file is as it was
  });

  test('saveTo: how much the sidecar says was written does not count', async () => {
    await using it = await Case.open();
    await it.cutOff();
    await truncate(`${it.path}.part`, 1234);
    assert.equal((await it.save({ resume: true })).resumedFrom, 1234);
    await it.assertSaved();
  });

  test('saveTo: a part that is whole is asked about, and done', async () => {
    await using it = await Case.open();
    await it.cutOff();
    await writeFile(`${it.path}.part`, it.server.content);
    const result = await it.save({ resume: true, sha256: sha256(it.server.content) });
    await it.assertSaved();
    assert.deepEqual(it.server.asked, [`bytes=${SIZE}-`]);
    assert.deepEqual([result.status, result.resumedFrom], [416, SIZE]);
  });

  test('saveTo: a part that was tampered with is found by the hash, and removed', async () => {
    await using it = await Case.open();
    await it.cutOff();
    await writeFile(`${it.path}.part`, bytesOf('other', CUT));
    await assert.rejects(it.save({ resume: true, sha256: sha256(it.server.content) }), ChecksumError);
    await it.save({ resume: true, sha256: sha256(it.server.content) });
    await it.assertSaved();
  });

  for (const [what, spoil] of [
    ['a torn sidecar', (path: string) => truncate(`${path}.part.json`, 20)],
    ['no sidecar', (path: string) => rm(`${path}.part.json`)],
    ['a sidecar of something else', (path: string) => writeFile(`${path}.part.json`, '{"format":1,"etag":7}')],
    ['no part', (path: string) => rm(`${path}.part`)],
    ['an empty part', (path: string) => truncate(`${path}.part`, 0)],
    ['a part that is too long', (path: string) => truncate(`${path}.part`, SIZE + 1)],
  ] as const) {
    test(`saveTo: with ${what} it begins anew`, async () => {
      await using it = await Case.open();
      await it.cutOff();
      await spoil(it.path);
      assert.equal((await it.save({ resume: true })).resumedFrom, 0);
      await it.assertSaved();
      assert.deepEqual(it.server.asked, [undefined]);
    });
  }

  test('saveTo: an entity tag that would break the header is not sent', async () => {
    await using it = await Case.open();
    await it.cutOff();
    await writeFile(`${it.path}.part.json`, JSON.stringify({ ...(await it.sidecar()), validator: '"a"\r\nx: y' }));
    await it.save({ resume: true });
    await it.assertSaved();
    assert.deepEqual(it.server.asked, [undefined]);
  });

  test('saveTo: what another URL left is not gone on with', async () => {
    await using it = await Case.open();
    it.server.faults.push(cut(it.server, CUT));
    const options = { resume: true, attempts: 1 };
    await assert.rejects(it.save({ ...options, url: 'http://user:secret@host/a#top' }));
    assert.equal((await it.sidecar())['url'], 'http://host/a');
    await it.save({ ...options, url: 'http://host/b' });
    await it.assertSaved();
    assert.deepEqual(it.server.asked, [undefined, undefined]);
  });
});

/** Answers the request for the rest in a way that does not go on with what is there. */
const STRANGE: readonly (readonly [string, (server: RangeServer) => Fault])[] = [
  ['another version, as a whole', (server) => () => change(server)],
  ['a smaller version', (server) => () => change(server, CUT - 1)],
  [
    'the rest of another version, as If-Range is not known',
    (server) => (request) => {
      change(server);
      delete request.headers['if-range'];
    },
  ],
  [
    'the rest of another version, without saying so but for its size',
    (server) => (request) => {
      server.content = bytesOf('v2', SIZE + 1);
      server.etag = undefined;
      delete request.headers['if-range'];
    },
  ],
  [
    'the rest of another version of that size, without any entity tag',
    (server) => (request) => {
      change(server);
      server.etag = undefined;
      delete request.headers['if-range'];
    },
  ],
  ['a Content-Range with another start', (server) => partial(server, `bytes ${CUT - 1}-${SIZE - 1}/${SIZE}`)],
  ['a Content-Range of unknown size', (server) => partial(server, `bytes ${CUT}-${SIZE - 1}/*`)],
  ['no Content-Range', (server) => partial(server, undefined)],
  ['a Content-Range that makes no sense', (server) => partial(server, `bytes ${CUT}-5/${SIZE}`)],
  ['the whole, as it knows no ranges', (server) => () => void (server.ranges = false)],
  ['412', () => (_request, response) => response.writeHead(412).end()],
  ['416 without a size', () => (_request, response) => response.writeHead(416).end()],
  [
    '416 with another size',
    () => (_request, response) => response.writeHead(416, { 'content-range': 'bytes */7' }).end(),
  ],
  [
    '416 with the size of the part, of another version',
    (server) => (_request, response) => {
      change(server, CUT);
      return response.writeHead(416, { 'content-range': `bytes */${CUT}`, etag: '"v2"' }).end();
    },
  ],
];

function partial(server: RangeServer, range: string | undefined): Fault {
  return (_request, response) => {
    response.writeHead(206, range === undefined ? {} : { 'content-range': range });
    return response.end(server.content.subarray(CUT));
  };
}

describe('saveTo: answers that do not go on', TOGETHER, () => {
  for (const [what, fault] of STRANGE) {
    test(`saveTo: ${what}: it begins anew, and nothing is put together`, async () => {
      await using it = await Case.open();
      await it.cutOff();
      it.server.faults.push(fault(it.server));
      const result = await it.save({ resume: true });
      await it.assertSaved();
      assert.equal(result.resumedFrom, 0);
      assert.ok(it.server.requests.length <= 2);
    });

    test(`saveTo: ${what}, after a break: likewise`, async () => {
      await using it = await Case.open();
      it.server.faults.push(cut(it.server, CUT), fault(it.server));
      await it.save({ sha256: undefined });
      await it.assertSaved();
    });
  }

  test('saveTo: a rest that is shorter than asked for is followed by another', async () => {
    await using it = await Case.open();
    await it.cutOff();
    it.server.faults.push((_request, response) => {
      const range = `bytes ${CUT}-${CUT + 999}/${SIZE}`;
      response.writeHead(206, { 'content-range': range, etag: '"v1"' });
      return response.end(it.server.content.subarray(CUT, CUT + 1000));
    });
    await it.save({ resume: true });
    await it.assertSaved();
    assert.deepEqual(it.server.asked, [`bytes=${CUT}-`, `bytes=${CUT + 1000}-`]);
  });

  test('saveTo: a rest of unknown size, which may end too early, is not gone on with', async () => {
    await using it = await Case.open();
    it.server.lengths = false;
    const short: Fault = (_request, response) => {
      response.writeHead(206, { 'content-range': `bytes ${CUT}-${CUT + 9}/*`, etag: '"v1"' });
      return response.end(it.server.content.subarray(CUT, CUT + 10));
    };
    it.server.faults.push(cut(it.server, CUT), short);
    await it.save();
    await it.assertSaved();
    assert.deepEqual(it.server.asked, [undefined, `bytes=${CUT}-`, undefined]);
  });

  test('saveTo: an error instead of the rest leaves what there is', async () => {
    await using it = await Case.open();
    await it.cutOff();
    it.server.faults.push((_request, response) => response.writeHead(503).end());
    await assert.rejects(it.save({ resume: true }), StatusError);
    assert.equal((await it.save({ resume: true })).resumedFrom, CUT);
    await it.assertSaved();
  });
});
