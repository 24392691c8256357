import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile, link } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { StatusError } from '../../src/errors.ts';
import { saveTo } from '../../src/node/save-to.ts';
import type { SaveProgress, SaveToOptions } from '../../src/save/contract.ts';
import { ChecksumError, SaveFileError } from '../../src/save/errors.ts';
import { bytesOf, cut, RangeServer, sha256 } from './range-server.ts';
import { sending } from './undici-send.ts';

let folder: string;
before(async () => void (folder = await mkdtemp(join(tmpdir(), 'corral-save-'))));
after(() => rm(folder, { recursive: true }));

/** A folder of its own for a test, and the file in it that is to come. */
async function target(name = 'file.bin'): Promise<{ path: string; names(): Promise<string[]> }> {
  const own = await mkdtemp(join(folder, 't-'));
  return { path: join(own, name), names: () => readdir(own) };
}

const LARGE = 700_001; // several batches, and a last one that is not full

describe('saveTo', () => {
  for (const size of [0, 1, 100_000, 256 * 1024, LARGE]) {
    test(`saveTo: ${size} bytes are saved, and nothing besides`, async () => {
      await using server = await RangeServer.open(bytesOf('a', size));
      const { path, names } = await target();
      const asked = sha256(server.content);
      const { send } = sending(server.url);
      const result = await saveTo(send, path, { sha256: asked.toUpperCase() });
      assert.deepEqual(await readFile(path), server.content);
      assert.deepEqual(await names(), ['file.bin']);
      assert.deepEqual(result, {
        path,
        bytes: size,
        totalBytes: size,
        sha256: asked,
        resumedFrom: 0,
        notModified: false,
        etag: '"v1"',
        lastModified: undefined,
        url: server.url,
        status: 200,
      });
      assert.equal(server.requests[0]?.['accept-encoding'], 'identity');
    });
  }

  test('saveTo: a body of unknown length is saved, and no hash is computed that was not asked for', async () => {
    await using server = await RangeServer.open(bytesOf('a', LARGE));
    server.lengths = false;
    const { path } = await target();
    const { totalBytes, bytes, sha256: digest } = await saveTo(sending(server.url).send, pathToFileURL(path));
    assert.deepEqual(await readFile(path), server.content);
    assert.deepEqual({ totalBytes, bytes, digest }, { totalBytes: undefined, bytes: LARGE, digest: undefined });
  });

  test('saveTo: many small chunks arrive in their order', async () => {
    const content = bytesOf('small', 400_000);
    const { path } = await target();
    const sizes = [1, 7, 8191, 8192, 9000, 3, 60_000, 2];
    async function* body(): AsyncGenerator<Uint8Array> {
      for (let at = 0, turn = 0; at < content.length; turn++) {
        const size = sizes.at(turn % sizes.length) ?? 1;
        yield Uint8Array.from(content.subarray(at, at + size));
        at += size;
      }
    }
    const response = {
      status: 200,
      url: 'http://host/',
      headers: new Headers(),
      body: body(),
      release: async () => {},
    };
    await saveTo(() => Promise.resolve(response), path, { sha256: sha256(content) });
    assert.deepEqual(await readFile(path), content);
  });

  test('saveTo: a wrong hash is an error with both values, and the part is removed', async () => {
    await using server = await RangeServer.open(bytesOf('a', LARGE));
    const { path, names } = await target();
    const wanted = '0'.repeat(64);
    await assert.rejects(saveTo(sending(server.url).send, path, { sha256: wanted, resume: true }), (error) => {
      assert.ok(error instanceof ChecksumError);
      assert.deepEqual([error.expected, error.actual, error.path], [wanted, sha256(server.content), path]);
      return true;
    });
    assert.deepEqual(await names(), []);
  });

  test('saveTo: 304 touches nothing', async () => {
    await using server = await RangeServer.open(Buffer.alloc(0));
    server.faults.push((_request, response) => response.writeHead(304, { etag: '"v1"' }).end());
    const { path, names } = await target();
    const result = await saveTo(sending(server.url, { 'if-none-match': '"v1"' }).send, path, { resume: true });
    assert.equal(result.notModified, true);
    assert.equal(result.etag, '"v1"');
    assert.deepEqual(await names(), []);
  });

  test('saveTo: what send throws is thrown, and nothing is made', async () => {
    await using server = await RangeServer.open(Buffer.alloc(0));
    server.faults.push((_request, response) => response.writeHead(404).end('gone'));
    const { path, names } = await target();
    await assert.rejects(saveTo(sending(server.url).send, path, { resume: true }), StatusError);
    assert.deepEqual(await names(), []);
  });

  test('saveTo: a 206 that was not asked for is refused', async () => {
    await using server = await RangeServer.open(Buffer.alloc(0));
    server.faults.push((_request, response) => response.writeHead(206, { 'content-range': 'bytes 0-1/9' }).end('ab'));
    const { path, names } = await target();
    await assert.rejects(
      saveTo(sending(server.url).send, path),
      /a status of 200 is needed to save the body: it was 206/,
    );
    assert.deepEqual(await names(), []);
  });

  test('saveTo: a known size above maxBytes is refused before a byte is written', async () => {
    await using server = await RangeServer.open(bytesOf('a', 1000));
    const { path, names } = await target();
    await assert.rejects(saveTo(sending(server.url).send, path, { maxBytes: 999, resume: true }), {
      code: 'CORRAL_HTTP_BODY_LIMIT',
      limit: 999,
    });
    assert.deepEqual(await names(), []);
    await saveTo(sending(server.url).send, path, { maxBytes: 1000 });
  });

  test('saveTo: an unknown size that passes maxBytes is cut off, and removed', async () => {
    await using server = await RangeServer.open(bytesOf('a', LARGE));
    server.lengths = false;
    const { path, names } = await target();
    const sender = sending(server.url);
    const saving = saveTo(sender.send, path, { maxBytes: 500_000, resume: true });
    await assert.rejects(saving, { code: 'CORRAL_HTTP_BODY_LIMIT' });
    assert.deepEqual(await names(), []);
    assert.equal(sender.open, 0);
  });

  test('saveTo: an encoded body is refused, unless the name says that it is', async () => {
    await using server = await RangeServer.open(bytesOf('a', 100));
    const encoded = (_request: unknown, response: { setHeader(name: string, value: string): unknown }): void =>
      void response.setHeader('content-encoding', 'gzip');
    server.faults.push(encoded, encoded);
    const { path } = await target();
    await assert.rejects(saveTo(sending(server.url).send, path), /content-encoding is "gzip"/);
    const named = `${path}.gz`;
    await saveTo(sending(server.url).send, named);
    assert.deepEqual(await readFile(named), server.content);
  });

  test('saveTo: fsync saves the same', async () => {
    await using server = await RangeServer.open(bytesOf('a', LARGE));
    const { path, names } = await target();
    await saveTo(sending(server.url).send, path, { fsync: true });
    assert.deepEqual(await readFile(path), server.content);
    assert.deepEqual(await names(), ['file.bin']);
  });
});

describe('saveTo: progress', () => {
  test('saveTo: progress is told not too often, and once at the end', async () => {
    await using server = await RangeServer.open(bytesOf('a', LARGE));
    const { path } = await target();
    const told: SaveProgress[] = [];
    const startedAt = performance.now();
    await saveTo(sending(server.url).send, path, { onProgress: (progress) => told.push(progress) });
    assert.ok(told.length <= 2 + (performance.now() - startedAt) / 100, `told ${told.length} times`);
    assert.deepEqual(told.at(-1), { receivedBytes: LARGE, totalBytes: LARGE, resumedFrom: 0 });
    assert.equal(told.filter(({ receivedBytes }) => receivedBytes === LARGE).length, 1);
  });

  test('saveTo: a callback that throws fails it with that error, which is not tried again', async () => {
    await using server = await RangeServer.open(bytesOf('a', LARGE));
    const { path, names } = await target();
    const mine = Object.assign(new Error('mine'), { retryable: true });
    const onProgress = (): never => {
      throw mine;
    };
    await assert.rejects(saveTo(sending(server.url).send, path, { onProgress }), (error) => error === mine);
    assert.equal(server.requests.length, 1);
    assert.deepEqual(await names(), []);
  });
});

describe('saveTo: refused before anything is sent', () => {
  const never = (): never => assert.fail('sent');

  const refused = async (path: string | URL, errno: string, options?: SaveToOptions): Promise<void> => {
    await assert.rejects(saveTo(never, path, options), (error) => {
      assert.ok(error instanceof SaveFileError, String(error));
      assert.equal(error.errno, errno);
      assert.ok(error.message.includes(error.path), error.message);
      return true;
    });
  };

  test('saveTo: a folder, or what ends like one, is refused', async () => {
    const { path } = await target();
    await mkdir(path);
    await refused(path, 'EISDIR');
    await refused(`${path}-new/`, 'EISDIR');
    await refused('/', 'EISDIR');
  });

  test('saveTo: a folder that is missing, or none, is refused', async () => {
    const { path } = await target();
    await refused(join(path, 'x'), 'ENOENT');
    await writeFile(path, '');
    await refused(join(path, 'x'), 'ENOTDIR');
  });

  test('saveTo: a folder that may not be written to is refused', { skip: process.getuid?.() === 0 }, async () => {
    const { path } = await target();
    await mkdir(path, 0o555);
    await refused(join(path, 'x'), 'EACCES');
  });

  test('saveTo: a name without room for what is added is refused', async () => {
    await refused((await target('x'.repeat(250))).path, 'ENAMETOOLONG');
  });

  test('saveTo: a file that is there is refused without overwrite, and replaced with', async () => {
    const { path } = await target();
    await writeFile(path, 'old');
    await refused(path, 'EEXIST', { overwrite: false });
    assert.equal(await readFile(path, 'utf8'), 'old');
    await using server = await RangeServer.open(bytesOf('a', 10));
    await saveTo(sending(server.url).send, path);
    assert.deepEqual(await readFile(path), server.content);
  });

  test('saveTo: a file that comes meanwhile is not replaced without overwrite', async () => {
    await using server = await RangeServer.open(bytesOf('a', 10));
    const { path, names } = await target();
    const sender = sending(server.url);
    const saving = saveTo(
      async (headers) => {
        await writeFile(path, 'theirs');
        return sender.send(headers);
      },
      path,
      { overwrite: false },
    );
    await assert.rejects(saving, { code: 'CORRAL_HTTP_SAVE_FILE', errno: 'EEXIST' });
    assert.equal(await readFile(path, 'utf8'), 'theirs');
    assert.deepEqual(await names(), ['file.bin']);
  });

  test('saveTo: a file that is being saved is refused, by whatever path, until it is saved', async () => {
    await using server = await RangeServer.open(bytesOf('a', 10));
    const { path } = await target();
    const other = join(folder, 'other');
    await symlink(join(path, '..'), other);
    const sender = sending(server.url);
    await saveTo(async (headers) => {
      await refused(path, 'EBUSY');
      await refused(join(other, basename(path)), 'EBUSY');
      return sender.send(headers);
    }, path);
    await saveTo(sender.send, path);
  });

  test('saveTo: what another process has put in the place of the part gets neither the name nor is it removed', async () => {
    await using server = await RangeServer.open(bytesOf('a', LARGE));
    for (const resume of [false, true]) {
      const { path, names } = await target();
      const onProgress = ({ receivedBytes }: SaveProgress): void => {
        if (receivedBytes < LARGE) return;
        rmSync(`${path}.part`);
        writeFileSync(`${path}.part`, 'half');
        rmSync(`${path}.part.json`, { force: true });
      };
      const saving = saveTo(sending(server.url).send, path, { resume, onProgress });
      await assert.rejects(saving, { code: 'CORRAL_HTTP_SAVE_FILE', errno: 'EBUSY' });
      assert.deepEqual(await names(), ['file.bin.part']);
      assert.equal(await readFile(`${path}.part`, 'utf8'), 'half');
    }
  });

  for (const [options, message] of [
    [{ sha256: 'abc' }, /sha256 takes 64 hexadecimal digits: current value is "abc"/],
    [{ maxBytes: -1 }, /maxBytes takes an integer of at least 0, or Infinity: current value is -1/],
    [{ attempts: 0 }, /attempts takes an integer of at least 1/],
    [{ resume: 1 }, /resume takes true or false: current value is 1/],
    [{ onProgress: 1 }, /onProgress takes a function/],
    [{ sha265: '' }, /its options are resume, .*: current value is "sha265"/],
    [null, /takes an object of options/],
  ] as const) {
    test(`saveTo: ${JSON.stringify(options)} is refused`, async () => {
      await assert.rejects(saveTo(never, join(folder, 'x'), options as never), message);
    });
  }

  test('saveTo: options are not read from a prototype', async () => {
    await using server = await RangeServer.open(bytesOf('a', 10));
    const { path } = await target();
    await saveTo(sending(server.url).send, path, Object.create({ maxBytes: 1 }) as SaveToOptions);
  });

  test('saveTo: what is no path is refused', async () => {
    await assert.rejects(saveTo(never, ''), TypeError);
    await assert.rejects(saveTo(never, 'a\0b'), TypeError);
    await assert.rejects(saveTo(never, new URL('http://host/x')), TypeError);
  });
});

describe('saveTo: links', { skip: process.platform === 'win32' }, () => {
  test('saveTo: a link in the place of the part is neither followed nor removed', async () => {
    await using server = await RangeServer.open(bytesOf('a', 10));
    const { path } = await target();
    const victim = join(folder, 'victim');
    await writeFile(victim, 'precious');
    await symlink(victim, `${path}.part`);
    for (const resume of [false, true]) {
      await assert.rejects(saveTo(sending(server.url).send, path, { resume }), { errno: 'ELOOP' });
    }
    assert.equal(await readFile(victim, 'utf8'), 'precious');
  });

  test('saveTo: a link in the place of the sidecar is not followed', async () => {
    await using server = await RangeServer.open(bytesOf('a', LARGE));
    const { path } = await target();
    const victim = join(folder, 'victim-of-sidecar');
    await writeFile(victim, '{}');
    await symlink(victim, `${path}.part.json`);
    await assert.rejects(saveTo(sending(server.url).send, path, { resume: true }), { errno: 'ELOOP' });
    await saveTo(sending(server.url).send, path);
    assert.equal(await readFile(victim, 'utf8'), '{}');
  });

  test('saveTo: a link in the place of the file is replaced, not followed', async () => {
    await using server = await RangeServer.open(bytesOf('a', 10));
    const { path } = await target();
    const victim = join(folder, 'victim-of-file');
    await writeFile(victim, 'precious');
    await symlink(victim, path);
    await saveTo(sending(server.url).send, path);
    assert.equal(await readFile(victim, 'utf8'), 'precious');
    assert.deepEqual(await readFile(path), server.content);
  });

  test('saveTo: a part with a second name is not written to', async () => {
    await using server = await RangeServer.open(bytesOf('a', LARGE));
    const { path } = await target();
    server.faults.push(cut(server, 300_000));
    await assert.rejects(saveTo(sending(server.url).send, path, { resume: true, attempts: 1 }));
    const second = join(folder, 'second-name');
    await link(`${path}.part`, second);
    const { size } = await stat(second);
    const { resumedFrom } = await saveTo(sending(server.url).send, path, { resume: true });
    assert.equal(resumedFrom, 0);
    assert.equal((await stat(second)).size, size);
  });
});
