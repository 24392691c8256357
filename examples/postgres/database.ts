/**
 * Where a PostgreSQL is: the one that the environment names, or else PGlite, which is PostgreSQL compiled to WebAssembly
 * and runs in this process. So the example works where no database is installed.
 *
 * Look at: `embedded`, a resource like any other. What was opened is closed in the opposite order, however far it came.
 */
import { PGlite } from '@electric-sql/pglite';
import { PGLiteSocketServer } from '@electric-sql/pglite-socket';
import { resource } from 'corral';
import type { ClientConfig } from 'pg';

/** How to connect, and what to expect. */
export interface Database extends ClientConfig {
  /** For people; without the password that may be in the URL. */
  readonly name: string;
  /** How many connections to open at most. */
  readonly max: number;
  /** Whether it can be asked to cancel a statement that runs. */
  readonly cancels: boolean;
}

/** What DATABASE_URL or PGHOST says; `pg` itself reads PGHOST and its relatives. */
export function namedDatabase(): Database | undefined {
  const { DATABASE_URL: url, PGHOST: host } = process.env;
  if (url !== undefined) return onServer('the PostgreSQL at DATABASE_URL', { connectionString: url });
  return host === undefined ? undefined : onServer('the PostgreSQL at PGHOST', {});
}

export function onServer(name: string, config: ClientConfig): Database {
  return { ...config, name, max: 4, cancels: true };
}

/**
 * An empty database in memory, reached through a port of this machine. It has one session, which all its connections
 * share, and while a statement runs nothing else does: therefore one connection is enough, and no statement is cancelled.
 */
export const embedded = resource(
  async function* embedded() {
    await using db = await PGlite.create();
    const server = new PGLiteSocketServer({ db, host: '127.0.0.1', port: 0, maxConnections: 10 });
    await server.start();
    try {
      const port = Number(server.getServerConn().split(':')[1]);
      const config = { host: '127.0.0.1', port, user: 'postgres', password: '', database: 'postgres', ssl: false };
      yield { ...config, name: 'PGlite', max: 1, cancels: false } satisfies Database;
    } finally {
      await server.stop();
    }
  },
  { suppresses: false },
);
