/** A schema for as long as it is used: what is created in it goes with it. */
import { randomUUID } from 'node:crypto';
import { cleanup, resource } from 'corral';
import type { ClientConfig } from 'pg';
import { Connection } from './connection.ts';

/** Gives the configuration of connections that work in it. */
export const schema = resource(
  async function* schema(config: ClientConfig) {
    const name = `corral_${randomUUID().replaceAll('-', '')}`;
    const connection = await Connection.open(config);
    try {
      await connection.query(`CREATE SCHEMA ${name}`);
      await connection.query(`CREATE TABLE ${name}.accounts (balance integer CHECK (balance >= 0))`);
      await connection.query(`INSERT INTO ${name}.accounts VALUES (100)`);
      await connection.query(`CREATE TABLE ${name}.audit (who text)`);
      yield { ...config, options: `-c search_path=${name}` };
    } finally {
      await cleanup(() => drop(connection, name)); // what is cancelled while it sets up has to clean up, too
    }
  },
  { suppresses: false },
);

async function drop(connection: Connection, name: string): Promise<void> {
  try {
    await connection.query(`DROP SCHEMA IF EXISTS ${name} CASCADE`);
  } finally {
    await connection.close();
  }
}
