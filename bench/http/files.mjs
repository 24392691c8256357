/** What is served and, afterwards, compared: every block differs from all others. */
import { closeSync, openSync, readFileSync, readSync, readdirSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const BLOCK = 2 ** 20;

export function numbered(index) {
  return `${String(index).padStart(6, '0')}.bin`;
}

/** Writes `bytes` bytes that no other `seed` gives, and in which no block could stand for another. */
export function writeBlocks(path, bytes, seed = 0) {
  const block = Buffer.alloc(Math.min(BLOCK, bytes));
  let state = seed + 1;
  for (let at = 0; at + 4 <= block.length; at += 4) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    block.writeUInt32LE(state, at);
  }
  const file = openSync(path, 'w');
  for (let written = 0; written < bytes; written += block.length) {
    block.writeUInt32LE(seed, 0);
    block.writeUInt32LE(written / BLOCK, 4);
    writeSync(file, block, 0, Math.min(block.length, bytes - written));
  }
  closeSync(file);
}

export function expectSameFile(path, source) {
  const wanted = statSync(source).size;
  const { size } = statSync(path);
  if (size !== wanted) throw new Error(`Cannot compare as the file has to be of ${wanted} bytes: it is of ${size}`);
  const files = [path, source].map((name) => openSync(name, 'r'));
  const blocks = files.map(() => Buffer.alloc(Math.min(BLOCK, wanted)));
  try {
    for (let at = 0; at < size; at += blocks[0].length) {
      const [got, served] = files.map((file, index) => blocks[index].subarray(0, readSync(file, blocks[index])));
      if (!got.equals(served)) throw new Error(`Cannot compare as the file differs from what was served: at ${at}`);
    }
  } finally {
    for (const file of files) closeSync(file);
  }
}

/** All of `names` are somewhere below `folder`, as they are in `source`; a client may lay them out as it likes. */
export function expectSameFiles(folder, source, names) {
  const paths = new Map();
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) paths.set(entry.name, join(entry.parentPath ?? entry.path, entry.name));
  }
  for (const name of names) {
    const path = paths.get(name);
    if (path === undefined) throw new Error(`Cannot compare as each file has to be there: ${name} is missing`);
    if (!readFileSync(path).equals(readFileSync(join(source, name))))
      throw new Error(`Cannot compare as each file has to be what was served: ${name} is not`);
  }
}
