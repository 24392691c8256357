/** A PostgreSQL server to test with: the one that the environment names, or one that is installed and started for it. */
import { execFile } from 'node:child_process';
import { chown, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { resource } from 'corral';
import { type Database, namedDatabase, onServer } from '../../postgres/database.ts';

const call = promisify(execFile);
const INSTALLED = '/usr/lib/postgresql';

/** Where one is to be had. */
export type Where = { readonly database: Database } | { readonly programs: string } | { readonly missing: string };

export async function findPostgres(): Promise<Where> {
  const database = namedDatabase();
  if (database) return { database };
  const versions = await readdir(INSTALLED).catch(() => []);
  const newest = versions.sort((a, b) => Number(b) - Number(a))[0];
  if (newest !== undefined) return { programs: join(INSTALLED, newest, 'bin') };
  return { missing: 'needs a PostgreSQL: DATABASE_URL, PGHOST, or one that is installed' };
}

/** A cluster of its own in a temporary folder, reached through a socket in there; without safety, so it starts quickly. */
export const cluster = resource(
  async function* cluster(programs: string) {
    const folder = await mkdtemp(join(tmpdir(), 'corral-pg-'));
    const data = join(folder, 'data');
    try {
      if (isRoot()) await chown(folder, await idOf('-u'), await idOf('-g'));
      await start(join(programs, 'initdb'), ['-D', data, '-U', 'postgres', '-A', 'trust', '--no-sync', '-E', 'UTF8']);
      const settings = `-c listen_addresses= -c unix_socket_directories=${folder} -c fsync=off`;
      const log = join(folder, 'log');
      await start(join(programs, 'pg_ctl'), ['-D', data, '-o', settings, '-l', log, '-w', '-t', '60', 'start']);
      try {
        yield onServer('the PostgreSQL at PGHOST', { host: folder, user: 'postgres', database: 'postgres' });
      } finally {
        await start(join(programs, 'pg_ctl'), ['-D', data, '-m', 'immediate', 'stop']);
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
  { suppresses: false },
);

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

async function idOf(flag: '-u' | '-g'): Promise<number> {
  return Number((await call('id', [flag, 'postgres'])).stdout);
}

/** PostgreSQL refuses to run as root. */
async function start(program: string, args: readonly string[]): Promise<void> {
  const [file, ...rest] = isRoot() ? ['runuser', '-u', 'postgres', '--', program, ...args] : [program, ...args];
  await call(file, rest, { cwd: tmpdir(), env: { ...process.env, LC_ALL: 'C' } });
}
