/**
 * Transactions that end as a whole: what becomes of a step that is still under way when another one has failed.
 * `node build/examples/postgres/main.js` runs on an embedded PostgreSQL (PGlite, which takes some seconds to start); with
 * DATABASE_URL or PGHOST on yours, in a schema of its own, which it drops.
 *
 * What to look at: connection.ts (a query that can be cancelled, a pool), transaction.ts (a resource that knows how it was
 * used), transfer.ts (the same with corral and with Promise.all).
 */
import { run, use } from 'corral';
import { Pool as PlainPool } from 'pg';
import { openPool } from './connection.ts';
import { type Database, embedded, namedDatabase } from './database.ts';
import { schema } from './schema.ts';
import { transferWithCorral, transferWithPromiseAll } from './transfer.ts';

const named = namedDatabase();
console.log(`on ${named?.name ?? 'PGlite'}`); // before it starts, which takes a while
await run(() => (named ? work(named) : use(embedded(), work)));

function work(database: Database): Promise<void> {
  return use(schema(database), compare);
}

async function compare(database: Database): Promise<void> {
  await using pool = openPool(database);

  await transferWithCorral(pool).catch((error: unknown) => console.log(`corral:      ${String(error)}`));
  console.log('  left behind:', await pool.use((connection) => connection.query('SELECT * FROM audit')));

  const plain = new PlainPool(database);
  const { error, leftBehind } = await transferWithPromiseAll(plain);
  console.log(`Promise.all: ${String(error)}`);
  await leftBehind;
  await plain.end();
  console.log('  left behind:', await pool.use((connection) => connection.query('SELECT * FROM audit')));
}
