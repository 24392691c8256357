import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { UsageError } from '../usage-error.ts';

interface Owner {
  readonly pid: number;
  /** When the process began, where the system tells: another one may have its number today. */
  readonly born: string | null;
}

/**
 * Takes the lock at `path` for this process and returns what gives it back. The lock of a process that is no more is
 * taken over.
 *
 * @throws {UsageError} with the number of the process that has it.
 */
export function takeLock(path: string, what: string): () => void {
  const mine = JSON.stringify({ pid: process.pid, born: birthOf(process.pid) } satisfies Owner);
  for (let tries = 0; ; tries++) {
    try {
      writeFileSync(path, mine, { flag: 'wx' });
      return () => giveBack(path, mine);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') {
        throw new UsageError(`Cannot lock ${what}: ${(error as Error).message}`, { cause: error });
      }
    }
    const owner = readOwner(path);
    if (tries >= 10 || (owner !== undefined && isAlive(owner))) {
      throw new UsageError(
        `Cannot use ${what} as another process uses it: process ${owner?.pid ?? 'unknown'} has ${path}`,
      );
    }
    moveAway(path);
  }
}

/** Only one process can move a certain file: should it be somebody's who was faster than us, it is put back. */
function moveAway(path: string): void {
  const aside = `${path}.${process.pid}`;
  try {
    renameSync(path, aside);
    const owner = readOwner(aside);
    if (owner !== undefined && isAlive(owner)) linkSync(aside, path);
  } catch (error) {
    if (!['ENOENT', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

function giveBack(path: string, mine: string): void {
  try {
    if (readFileSync(path, 'utf8') === mine) rmSync(path, { force: true });
  } catch {
    // It is gone, or not ours any more.
  }
}

function readOwner(path: string): Owner | undefined {
  try {
    const owner = JSON.parse(readFileSync(path, 'utf8')) as Partial<Owner>;
    return Number.isSafeInteger(owner.pid) ? { pid: owner.pid as number, born: owner.born ?? null } : undefined;
  } catch {
    return undefined;
  }
}

function isAlive({ pid, born }: Owner): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  if (isZombie(pid)) return false;
  const now = birthOf(pid);
  return born === null || now === null || born === now;
}

/** Whether it has ended and nobody has asked how, which in a container may stay so for ever. */
function isZombie(pid: number): boolean {
  return /^[ZX]/.test(statOf(pid)?.[0] ?? '');
}

/** Field 22: clock ticks since the start of the system. */
function birthOf(pid: number): string | null {
  return statOf(pid)?.[19] ?? null;
}

/** Linux' /proc/PID/stat from its third field on, behind the name of the program; undefined elsewhere. */
function statOf(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}
