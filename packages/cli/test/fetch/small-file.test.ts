import assert from 'node:assert/strict';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { SmallFiles } from '../../src/fetch/small-file.ts';

function inDirectory(body: (dir: string) => void): void {
  const dir = mkdtempSync(join(tmpdir(), 'small-'));
  try {
    body(dir);
  } finally {
    rmSync(dir, { recursive: true });
  }
}

const BYTES = Buffer.from('all of it');

test('SmallFiles: write leaves the whole file under its other name, with its time, and no part', () => {
  inDirectory((dir) => {
    new SmallFiles().write(join(dir, 'a'), join(dir, 'b'), BYTES, new Date(1_000_000));
    assert.deepEqual(readdirSync(dir), ['b']);
    assert.equal(readFileSync(join(dir, 'b'), 'utf8'), 'all of it');
    assert.equal(statSync(join(dir, 'b')).mtimeMs, 1_000_000);
  });
});

test('SmallFiles: write follows no link where its part would be', { skip: process.platform === 'win32' }, () => {
  inDirectory((dir) => {
    writeFileSync(join(dir, 'victim'), 'untouched');
    symlinkSync(join(dir, 'victim'), join(dir, 'a.part'));
    assert.throws(() => new SmallFiles().write(join(dir, 'a'), join(dir, 'a'), BYTES, undefined), { code: 'EEXIST' });
    assert.equal(readFileSync(join(dir, 'victim'), 'utf8'), 'untouched');
  });
});

test('SmallFiles: write that fails leaves no part', () => {
  inDirectory((dir) => {
    mkdirSync(join(dir, 'taken'));
    assert.throws(() => new SmallFiles().write(join(dir, 'taken'), join(dir, 'taken'), BYTES, undefined));
    assert.deepEqual(readdirSync(dir), ['taken']);
  });
});
