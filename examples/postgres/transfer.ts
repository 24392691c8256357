/** The same steps, done at once within a transaction, by corral and by Promise.all. The second step fails. */
import { setTimeout as delay } from 'node:timers/promises';
import { type Pool, gather, use } from 'corral';
import type { Pool as PlainPool } from 'pg';
import { type Connection } from './connection.ts';
import { transaction } from './transaction.ts';

type Query = (text: string, values?: unknown[]) => Promise<unknown>;

/** Writes down who it was: two statements, and between them something elsewhere that knows nothing of cancellation. */
async function audit(query: Query, who: string): Promise<void> {
  await query('SELECT 1');
  await delay(50); // as it were a request to another service
  await query('INSERT INTO audit (who) VALUES ($1)', [who]);
}

/** Takes more than there is: the table has CHECK (balance >= 0). */
async function withdraw(query: Query): Promise<void> {
  await query('UPDATE accounts SET balance = balance - 1000');
}

/** All or nothing: when one step fails the others are cancelled and awaited, and only then comes the ROLLBACK. */
export async function transferWithCorral(pool: Pool<Connection>): Promise<void> {
  await use(transaction(pool), async (connection) => {
    const query: Query = (text, values) => connection.query(text, values);
    await gather([() => audit(query, 'corral'), () => withdraw(query)]);
  });
}

/**
 * What is usually written. Promise.all rejects with the first failure and leaves the other step running: the ROLLBACK comes
 * in between, the connection goes back into the pool, and what `audit` writes after that is in no transaction any more, or
 * in that of whoever has the connection next. `leftBehind` is there for the demonstration: nobody awaits it.
 */
export async function transferWithPromiseAll(
  pool: PlainPool,
): Promise<{ error: unknown; leftBehind: Promise<unknown> }> {
  const client = await pool.connect();
  const query: Query = (text, values) => client.query(text, values);
  await query('BEGIN');
  const steps = [audit(query, 'Promise.all'), withdraw(query)];
  try {
    await Promise.all(steps);
    await query('COMMIT');
    return { error: undefined, leftBehind: Promise.resolve() };
  } catch (error) {
    await query('ROLLBACK');
    return { error, leftBehind: Promise.allSettled(steps) };
  } finally {
    client.release();
  }
}
