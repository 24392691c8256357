/** Runs the PostgreSQL example against a real server. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import {
  ResourceStack,
  TimeoutError,
  gather,
  moveOnAfter,
  run,
  sleep,
  sleepForever,
  suppressedErrors,
  taskGroup,
  timeout,
  use,
  type Pool,
} from 'corral';
import { Client, type ClientConfig, Pool as PlainPool } from 'pg';
import { openPool, type Connection } from '../postgres/connection.ts';
import { schema } from '../postgres/schema.ts';
import { transaction } from '../postgres/transaction.ts';
import { transferWithCorral, transferWithPromiseAll } from '../postgres/transfer.ts';
import { cluster, findPostgres } from './postgres/server.ts';

const MAIN = fileURLToPath(new URL('../postgres/main.js', import.meta.url));
const where = await findPostgres();

describe('postgres', { timeout: 120_000, skip: 'missing' in where && where.missing }, () => {
  const stack = new ResourceStack();
  let server: ClientConfig;
  let config: ClientConfig;
  let pool: Pool<Connection>;

  before(async () => {
    if ('missing' in where) return;
    server = 'config' in where ? where.config : await stack.enter(cluster(where.programs));
    config = await stack.enter(schema(server));
    pool = await stack.enter(openPool(config));
  });
  after(() => stack[Symbol.asyncDispose]());

  const audit = async (): Promise<unknown[]> => pool.use((connection) => connection.query('SELECT who FROM audit'));
  const idle = async (): Promise<unknown> =>
    (
      await pool.use((connection) =>
        connection.query(
          `SELECT count(*)::int AS n FROM pg_stat_activity WHERE state <> 'idle' AND pid <> pg_backend_pid()
           AND backend_type = 'client backend' AND query NOT LIKE '%pg_stat_activity%'`,
        ),
      )
    )[0]?.['n'];

  test('one step of a transaction fails: the others have ended before the ROLLBACK, and nothing is left behind', async () => {
    await assert.rejects(
      run(() => transferWithCorral(pool)),
      { code: '23514' },
    );
    await sleep(100); // longer than what the other step waits for
    assert.deepEqual(await audit(), []);
    assert.equal(pool.snapshot().borrowed, 0);
  });

  test('the same with Promise.all leaves a row of the transaction behind', async () => {
    const plain = new PlainPool({ ...config, max: 1 });
    try {
      const { error, leftBehind } = await transferWithPromiseAll(plain);
      assert.equal((error as { code?: string }).code, '23514');
      assert.deepEqual(await audit(), []);
      await leftBehind;
      assert.deepEqual(await audit(), [{ who: 'Promise.all' }]);
    } finally {
      await plain.end();
      await pool.use((connection) => connection.query('TRUNCATE audit'));
    }
  });

  test('a transaction whose body succeeds is committed', async () => {
    await use(transaction(pool), (connection) => connection.query(`INSERT INTO audit VALUES ('committed')`));
    assert.deepEqual(await audit(), [{ who: 'committed' }]);
    await pool.use((connection) => connection.query('TRUNCATE audit'));
  });

  test('a step fails while another one waits for the server: its statement is cancelled there, and the connection goes back clean', async () => {
    const error = new Error('boom');
    const started = performance.now();
    const failing = use(transaction(pool), (connection) =>
      gather([
        () => connection.query(`INSERT INTO audit SELECT 'slow' FROM pg_sleep(30)`),
        () => connection.query(`INSERT INTO audit VALUES ('never sent')`),
        () => sleep(100).then(() => Promise.reject(error)),
      ]),
    );
    await assert.rejects(failing, (thrown) => thrown === error);
    assert.deepEqual(suppressedErrors(error), []);
    assert.ok(performance.now() - started < 20_000);
    assert.equal(await idle(), 0);
    assert.deepEqual(await audit(), []);
    assert.equal(pool.snapshot().size, 1);
  });

  test('a transaction that takes too long is rolled back', async () => {
    const slow = timeout(100, () =>
      use(transaction(pool), async (connection) => {
        await connection.query(`INSERT INTO audit VALUES ('too slow')`);
        await connection.query('SELECT pg_sleep(30)');
      }),
    );
    await assert.rejects(slow, TimeoutError);
    assert.deepEqual(await audit(), []);
    assert.equal(await idle(), 0);
  });

  test('a schema whose set-up is cut off at any moment leaves no schema and no connection behind', async () => {
    const left = async (): Promise<unknown> =>
      pool.use((connection) =>
        connection.query(
          `SELECT (SELECT count(*)::int FROM pg_namespace WHERE nspname LIKE 'corral_%') AS schemas,
           (SELECT count(*)::int FROM pg_stat_activity WHERE backend_type = 'client backend') AS connections`,
        ),
      );
    const before = await left();
    for (let ms = 1; ms <= 40; ms += 3) await moveOnAfter(ms, () => use(schema(server), () => sleepForever()));
    await sleep(100); // until the server has noticed
    assert.deepEqual(await left(), before);
  });

  test('a transaction that is cut off at any moment leaves nothing behind, and no broken connection', async () => {
    const wrong: unknown[] = [];
    for (let ms = 0; ms < 12; ms += 0.25) {
      await moveOnAfter(ms, () =>
        use(transaction(pool), async (connection) => {
          await connection.query(`INSERT INTO audit VALUES ('cut off')`);
          await sleepForever();
        }),
      ).catch((error: unknown) => wrong.push(error));
      await pool.use((connection) => connection.query('SELECT 1')).catch((error: unknown) => wrong.push(error));
    }
    assert.deepEqual(wrong, []);
    assert.deepEqual(await audit(), []);
    assert.equal(await idle(), 0);
  });

  test('a connection that the server has closed is replaced, and the borrower never sees it', async () => {
    const pid = async (): Promise<unknown> =>
      (await pool.use((connection) => connection.query('SELECT pg_backend_pid() AS pid')))[0]?.['pid'];
    const first = await pid();
    const other = new Client(server);
    await other.connect();
    await other.query('SELECT pg_terminate_backend($1)', [first]);
    await other.end();
    await sleep(200); // until the news is here
    assert.notEqual(await pid(), first);
  });

  test('a ROLLBACK that cannot be had: the connection is destroyed, not lent again', async () => {
    const before = pool.snapshot().size;
    const failing = use(transaction(pool), (connection) =>
      connection.query('SELECT pg_terminate_backend(pg_backend_pid())'),
    );
    await assert.rejects(failing);
    await sleep(100);
    assert.ok(pool.snapshot().size < Math.max(before, 1));
    assert.deepEqual(await audit(), []);
  });

  test('more borrowers than connections take turns', async () => {
    const pids = new Set<unknown>();
    await taskGroup((group) => {
      for (let n = 0; n < 12; n++) {
        group.spawn(() =>
          pool.use(async (connection) => {
            pids.add((await connection.query('SELECT pg_backend_pid() AS pid, pg_sleep(0.01)'))[0]?.['pid']);
          }),
        );
      }
    });
    assert.ok(pids.size <= 4);
    assert.equal(pool.snapshot().borrowed, 0);
  });

  test('the program shows the difference', async () => {
    const env = { ...process.env };
    if ('programs' in where) Object.assign(env, { PGHOST: server.host, PGUSER: 'postgres', PGDATABASE: 'postgres' });
    const { stdout } = await promisify(execFile)(process.execPath, [MAIN], { env });
    assert.match(stdout, /^corral: .*violates check constraint.*\n {2}left behind: \[\]\nPromise\.all: /);
    assert.match(stdout, /left behind: \[ \{ who: 'Promise\.all' \} \]\n$/);
  });
});
