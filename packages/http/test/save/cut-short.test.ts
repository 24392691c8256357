/** Downloads that are cancelled, killed, or run out of disk. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { statSync } from 'node:fs';
import { mkdtemp, readdir, readFile, readlink, rm, stat } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { isCancelled, moveOnAfter, type Scope, sleep, taskGroup, withScope } from 'corral';
import { saveTo } from '../../src/node/save-to.ts';
import type { SendForSave } from '../../src/save/contract.ts';
import { bytesOf, RangeServer, sha256, stall } from './range-server.ts';
import { sending } from './undici-send.ts';

let folder: string;
before(async () => void (folder = await mkdtemp(join(tmpdir(), 'corral-cut-'))));
after(() => rm(folder, { recursive: true }));

const SIZE = 2_000_003;
const target = async (): Promise<string> => join(await mkdtemp(join(folder, 't-')), 'file.bin');
const namesBeside = (path: string): Promise<string[]> => readdir(join(path, '..'));

/** Cancels when so many bytes have been taken, and the next are waited for. */
function cancelledAt(send: SendForSave, at: number, scope: Scope): SendForSave {
  async function* counted(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    let bytes = 0;
    for await (const chunk of body) {
      bytes += chunk.length;
      yield chunk;
      if (bytes >= at) setImmediate(() => scope.cancel());
    }
  }
  return async (headers) => {
    const response = await send(headers);
    return { ...response, body: counted(response.body) };
  };
}

/** The files that this process has open below the folder of the tests. */
async function openFiles(): Promise<string[]> {
  const links = await Promise.all(
    (await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')),
  );
  return links.filter((link) => link.startsWith(folder));
}

describe('saveTo: cancelled', () => {
  for (const resume of [true, false]) {
    test(`saveTo: cancelled in a body that is stuck, the part ${resume ? 'stays' : 'goes'}`, async () => {
      await using server = await RangeServer.open(bytesOf('v1', SIZE));
      server.faults.push(stall(server, 900_000));
      const path = await target();
      const sender = sending(server.url);
      let error: unknown;
      await withScope(async (scope) => {
        const saving = saveTo(cancelledAt(sender.send, 900_000, scope), path, { resume });
        await saving.catch((thrown: unknown) => (error = thrown));
      });
      assert.ok(isCancelled(error), String(error));
      assert.equal(sender.open, 0);
      assert.deepEqual(await namesBeside(path), resume ? ['file.bin.part', 'file.bin.part.json'] : []);
      if (process.platform === 'linux') assert.deepEqual(await openFiles(), []);
      if (!resume) return;
      const { resumedFrom } = await saveTo(sender.send, path, { resume, sha256: sha256(server.content) });
      assert.equal(resumedFrom, 900_000);
      assert.deepEqual(await readFile(path), server.content);
    });
  }

  test('saveTo: cancelled at any moment it leaves all or nothing of the file, and what can be gone on with', async () => {
    await using server = await RangeServer.open(bytesOf('v1', SIZE));
    const path = await target();
    const digest = sha256(server.content);
    for (let ms = 0; ms < 40; ms += 2) {
      const sender = sending(server.url);
      await moveOnAfter(ms / 2, () => saveTo(sender.send, path, { resume: true, sha256: digest }));
      assert.equal(sender.open, 0);
      if (process.platform === 'linux') assert.deepEqual(await openFiles(), []);
      const there = await readFile(path).catch(() => undefined);
      if (there) assert.deepEqual(there, server.content);
      await rm(path, { force: true });
    }
    await saveTo(sending(server.url).send, path, { resume: true, sha256: digest });
    assert.deepEqual(await namesBeside(path), ['file.bin']);
  });

  test('saveTo: cancelled between two attempts it ends at once', async () => {
    await using server = await RangeServer.open(bytesOf('v1', SIZE));
    const path = await target();
    const sender = sending(server.url);
    await taskGroup(async (group) => {
      const broken = { ...Object(new Error('broke')), retryable: true };
      const task = group.spawn(() =>
        saveTo(
          async (headers) => ({
            ...(await sender.send(headers)),
            body: {
              // eslint-disable-next-line require-yield
              async *[Symbol.asyncIterator]() {
                throw broken;
              },
            },
          }),
          path,
          { attempts: Infinity },
        ),
      );
      await sleep(50);
      task.cancel();
      assert.equal((await task.settled).status, 'cancelled');
    });
    assert.deepEqual(await namesBeside(path), []);
  });

  test('saveTo: in a scope that is cancelled already nothing is sent', async () => {
    const path = await target();
    await withScope(async (scope) => {
      scope.cancel();
      await assert.rejects(
        saveTo(() => assert.fail('sent'), path),
        { code: 'ABORT_ERR' },
      );
    });
    assert.deepEqual(await namesBeside(path), []);
  });
});

// In other processes ---------------------------------------------------------------------------------------------------

const CHILD = fileURLToPath(new URL('save-child.js', import.meta.url));

function start(url: string, path: string, shell?: string): ChildProcess {
  const args = [CHILD, url, path];
  const stdio: ['ignore', 'pipe', 'pipe'] = ['ignore', 'pipe', 'pipe'];
  if (shell === undefined) return spawn(process.execPath, args, { stdio });
  return spawn('sh', ['-c', `${shell}; exec "$@"`, 'sh', process.execPath, ...args], { stdio });
}

async function ended(child: ChildProcess): Promise<{ signal: NodeJS.Signals | null; output: string }> {
  let output = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (output += text));
  return new Promise((resolve) => child.once('close', (_code, signal) => resolve({ signal, output })));
}

describe('saveTo: killed', { skip: process.platform === 'win32' }, () => {
  test('saveTo: killed at any moment, the next runs come to the right bytes, also of a new version', async () => {
    await using server = await RangeServer.open(bytesOf('v1', 8_000_000));
    const path = await target();
    let state = 7; // the moments are the same every time, as far as processes are
    const random = (): number => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
    let kills = 0;
    let resumed = 0;
    for (let round = 0; round < 6; round++) {
      if (round === 3) {
        server.content = bytesOf('v2', 8_000_000);
        server.etag = '"v2"';
      }
      // Twice when there is something to go on with, then before anything may have been written.
      const early = round % 3 === 2;
      const killAt = Math.floor(early ? random() * 200_000 : 600_000 + random() * 6_000_000);
      server.requests.length = 0;
      const child = start(server.url, path);
      server.faults.push((request, response) => {
        const kill = (): void => {
          if (early || (statSync(`${path}.part`, { throwIfNoEntry: false })?.size ?? 0) > 0) child.kill('SIGKILL');
          else setTimeout(kill, 5);
        };
        drip(server, request.headers.range, response, killAt, kill);
        return true;
      });
      const { signal, output } = await ended(child);
      assert.equal(signal, 'SIGKILL', output);
      kills++;
      if (server.asked[0] !== undefined) resumed++;
      assert.deepEqual(
        (await namesBeside(path)).filter((name) => name === 'file.bin'),
        [],
      );
    }
    const { resumedFrom } = await saveTo(sending(server.url).send, path, { resume: true });
    assert.ok((await readFile(path)).equals(server.content), 'not the bytes of the server');
    assert.deepEqual(await namesBeside(path), ['file.bin']);
    assert.equal(kills, 6);
    assert.ok(resumed > 1 && resumedFrom > 0, `${resumed} runs went on, the last from ${resumedFrom}`);
  });

  test('saveTo: no room for the file is told with its path, and what fits stays', async () => {
    await using server = await RangeServer.open(bytesOf('v1', SIZE));
    const path = await target();
    const { output } = await ended(start(server.url, path, 'ulimit -f 1000')); // blocks of 512 bytes or of 1 KiB
    assert.match(output, /SaveFileError/);
    assert.ok(output.includes(path), output);
    const left = (await stat(`${path}.part`)).size;
    assert.ok(left > 0 && left < SIZE, `${left} bytes`);
    assert.equal((await saveTo(sending(server.url).send, path, { resume: true })).resumedFrom, left);
    assert.deepEqual(await readFile(path), server.content);
  });
});

/** Answers in pieces, and calls back when `at` bytes of the whole have been sent. */
function drip(
  server: RangeServer,
  range: string | undefined,
  response: ServerResponse,
  at: number,
  done: () => void,
): void {
  const { content, etag } = server;
  const asked = Number(/\d+/.exec(range ?? '0')?.[0]);
  const from = range !== undefined && response.req.headers['if-range'] === etag ? asked : 0;
  const headers = { etag, 'content-length': content.length - from };
  const contentRange = `bytes ${from}-${content.length - 1}/${content.length}`;
  response.writeHead(from > 0 ? 206 : 200, from > 0 ? { ...headers, 'content-range': contentRange } : headers);
  let sent = from;
  const next = (): void => {
    if (sent >= Math.max(at, from + 1) || sent >= content.length) return done();
    const piece = content.subarray(sent, (sent += 100_000));
    response.write(piece, () => setTimeout(next, 2)); // slowly enough for the child to keep up
  };
  response.on('error', () => {});
  next();
}
