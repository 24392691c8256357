// A lock between processes, as a file: two setups of one checkout take turns.
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { shown } from './shared.mjs';

/**
 * Waits until nobody else holds the lock file, then holds it until the process ends. A lock whose process is gone, or
 * that is very old, is nobody's.
 */
export async function takeLock(path) {
  mkdirSync(dirname(path), { recursive: true });
  for (let waits = 0; ; waits++) {
    try {
      writeFileSync(path, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    if (isAbandoned(path)) rmSync(path, { force: true });
    else if (waits === 0) console.log(`waiting for another run to release ${shown(path)}`);
    await sleep(100);
  }
  process.once('exit', () => rmSync(path, { force: true }));
  process.once('SIGINT', () => process.exit(130));
  process.once('SIGTERM', () => process.exit(143));
}

function isAbandoned(path) {
  try {
    if (Date.now() - statSync(path).mtimeMs > 600_000) return true;
    const pid = Number(readFileSync(path, 'utf8'));
    if (pid > 0) process.kill(pid, 0);
    return false; // its owner lives, or has yet to write its number
  } catch (error) {
    return error.code === 'ESRCH';
  }
}
