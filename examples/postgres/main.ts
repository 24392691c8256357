/**
 * Transactions that end as a whole: what becomes of a step that is still under way when another one has failed.
 * Needs a PostgreSQL: `DATABASE_URL=postgres://… node build/examples/postgres/main.js`. It works in a schema of its own,
 * which it drops.
 *
 * What to look at: connection.ts (a query that can be cancelled, a pool), transaction.ts (a resource that knows how it was
 * used), transfer.ts (the same with corral and with Promise.all).
 */
import { run, use } from 'corral';
import { type ClientConfig, Pool as PlainPool } from 'pg';
import { openPool } from './connection.ts';
import { schema } from './schema.ts';
import { transferWithCorral, transferWithPromiseAll } from './transfer.ts';

const url = process.env['DATABASE_URL'];

if (url === undefined && process.env['PGHOST'] === undefined) {
  console.error('Cannot start as DATABASE_URL or PGHOST must say where a PostgreSQL is: neither is set');
  process.exitCode = 2;
} else {
  await run(() => use(schema(url === undefined ? {} : { connectionString: url }), compare));
}

async function compare(config: ClientConfig): Promise<void> {
  await using pool = openPool(config);

  await transferWithCorral(pool).catch((error: unknown) => console.log(`corral:      ${String(error)}`));
  console.log('  left behind:', await pool.use((connection) => connection.query('SELECT * FROM audit')));

  const plain = new PlainPool(config);
  const { error, leftBehind } = await transferWithPromiseAll(plain);
  console.log(`Promise.all: ${String(error)}`);
  await leftBehind;
  await plain.end();
  console.log('  left behind:', await pool.use((connection) => connection.query('SELECT * FROM audit')));
}
