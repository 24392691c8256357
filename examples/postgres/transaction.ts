/**
 * A transaction as a resource: BEGIN, the body, and then COMMIT, or ROLLBACK if the body threw.
 *
 * `use` leaves the resource only when all that the body has started has ended. So with `gather` in the body no statement
 * can come after the ROLLBACK, and none can slip into what the next borrower of the connection does.
 */
import { type Pool, resource } from 'corral';
import { type Connection, rollBack } from './connection.ts';

export const transaction = resource(
  async function* transaction(pool: Pool<Connection>) {
    using lease = await pool.acquire();
    const connection = lease.value;
    try {
      await connection.query('BEGIN');
      yield connection;
      await connection.query('COMMIT');
    } catch (error) {
      // What cannot be rolled back must not go back into the pool.
      await rollBack(connection).catch((failure: unknown) => lease.destroy(failure));
      throw error;
    }
  },
  { suppresses: false },
);
