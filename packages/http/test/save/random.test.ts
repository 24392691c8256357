import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { seededRandom } from 'corral/testing';
import { saveTo } from '../../src/node/save-to.ts';
import { bytesOf, cut, type Fault, RangeServer, sha256 } from './range-server.ts';
import { sending } from './undici-send.ts';

let folder: string;
before(async () => void (folder = await mkdtemp(join(tmpdir(), 'corral-random-'))));
after(() => rm(folder, { recursive: true }));

const SEED = 20_261_122;
const ROUNDS = 24;

describe('saveTo: any faults', { concurrency: 8 }, () => {
  for (let round = 0; round < ROUNDS; round++) {
    test(`saveTo: whatever breaks and changes, it is one version that is saved: seed ${SEED + round}`, async () => {
      const random = seededRandom(SEED + round);
      const pick = (most: number): number => Math.floor(random() * most);
      const one = <T>(list: readonly [T, ...T[]]): T => list.at(pick(list.length)) ?? list[0];
      let version = 0;
      await using server = await RangeServer.open(Buffer.alloc(0));
      const versions = new Set<string>();
      const change = (): void => {
        version++;
        // Often of the same size; sometimes without, or with a weak entity tag; sometimes a date alone.
        server.content = bytesOf(`${round}/${version}`, pick(2) === 0 ? 600_000 : 1 + pick(900_000));
        server.etag = one([`"v${version}"`, `"v${version}"`, `W/"v${version}"`, '']) || undefined;
        server.lastModified = pick(2) === 0 ? new Date(1e12 + version * 1000).toUTCString() : undefined;
        versions.add(sha256(server.content));
      };
      change();
      const faults: readonly [() => Fault, ...(() => Fault)[]] = [
        () => cut(server, pick(500_000)),
        () => cut(server, pick(500_000)),
        () => () => change(),
        () => (request) => void delete request.headers['if-range'], // a server that does not know of it
        () => (_request, response) => response.writeHead(one([412, 416, 503])).end(),
        () => () => void (server.lengths = pick(2) === 0),
        () => () => void (server.ranges = pick(3) > 0),
      ];
      const path = join(await mkdtemp(join(folder, 't-')), 'file.bin');
      for (let run = 0; run < 4; run++) {
        for (let index = 0; index < 2; index++) server.faults.push(one(faults)());
        await saveTo(sending(server.url).send, path, { resume: true, attempts: 1 + pick(2) }).catch(() => {});
        const saved = await readFile(path).catch(() => undefined);
        if (saved) assert.ok(versions.has(sha256(saved)), `${saved.length} bytes of no version`);
        if (pick(3) === 0) change();
      }
      server.faults.length = 0;
      await saveTo(sending(server.url).send, path, { resume: true });
      assert.equal(sha256(await readFile(path)), sha256(server.content));
      assert.deepEqual(await readdir(join(path, '..')), ['file.bin']);
    });
  }
});
