/** A schema for as long as it is used: what is created in it goes with it. */
import { randomUUID } from 'node:crypto';
import { cleanup, resource } from 'corral';
import { Connection } from './connection.ts';
import type { Database } from './database.ts';

/** Gives the database as seen by connections that work in it. */
export const schema = resource(
  async function* schema(database: Database) {
    const name = `corral_${randomUUID().replaceAll('-', '')}`;
    await using connection = await Connection.open(database);
    try {
      await connection.query(`CREATE SCHEMA ${name}`);
      await connection.query(`SET search_path = ${name}`); // PGlite ignores the option below, but has one session for all
      await connection.query('CREATE TABLE accounts (balance integer CHECK (balance >= 0))');
      await connection.query('INSERT INTO accounts VALUES (100)');
      await connection.query('CREATE TABLE audit (who text)');
      yield { ...database, options: `-c search_path=${name}` };
    } finally {
      // After the yield we could wait in any case; not if we come from above, because the setting up was cancelled.
      await cleanup(() => connection.query(`DROP SCHEMA IF EXISTS ${name} CASCADE`));
    }
  },
  { suppresses: false },
);
