/** Runs the PostgreSQL example on the embedded database, and on a real server where there is one. */
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
  suppressedErrors,
  taskGroup,
  timeout,
  use,
  type Pool,
} from 'corral';
import { Client, Pool as PlainPool } from 'pg';
import { openPool, type Connection } from '../postgres/connection.ts';
import { type Database, embedded } from '../postgres/database.ts';
import { schema } from '../postgres/schema.ts';
import { transaction } from '../postgres/transaction.ts';
import { transferWithCorral, transferWithPromiseAll } from '../postgres/transfer.ts';
import { cluster, findPostgres } from './postgres/server.ts';

const MAIN = fileURLToPath(new URL('../postgres/main.js', import.meta.url));
/** On a real server alone: PGlite has one session, in which nothing happens while a statement runs. */
const REAL = { skip: 'PGlite cannot cancel a statement, nor end a connection: it has one session' };
const server = await findPostgres();

testOn('PGlite', (stack) => stack.enter(embedded()), REAL);
if ('missing' in server) test('postgres: a server', { skip: server.missing }, () => {});
else
  testOn('a server', (stack) => ('database' in server ? server.database : stack.enter(cluster(server.programs))), {});

/** All tests on one database; `real` are the options of those that want a server. */
function testOn(
  name: string,
  start: (stack: ResourceStack) => Database | Promise<Database>,
  real: { skip?: string },
): void {
  describe(`postgres: ${name}`, { timeout: 170_000 }, () => {
    const stack = new ResourceStack();
    let whole: Database;
    let database: Database;
    let pool: Pool<Connection>;

    before(async () => {
      whole = await start(stack);
      database = await stack.enter(schema(whole));
      pool = await stack.enter(openPool(database));
    });
    after(() => stack[Symbol.asyncDispose]());

    const audit = async (): Promise<unknown[]> => pool.use((connection) => connection.query('SELECT who FROM audit'));
    const busy = async (): Promise<unknown> =>
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
      const plain = new PlainPool({ ...database, max: 1 });
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

    test('a schema whose making is cancelled leaves nothing behind, nor its connection', real, async () => {
      const left = async (): Promise<unknown> =>
        pool.use((connection) =>
          connection.query(
            `SELECT (SELECT count(*)::int FROM pg_namespace WHERE nspname LIKE 'corral_%') AS schemas,
             (SELECT count(*)::int FROM pg_stat_activity WHERE backend_type = 'client backend') AS connections`,
          ),
        );
      const before = await left();
      for (let ms = 1; ms <= 20; ms++) await moveOnAfter(ms, () => use(schema(whole), () => sleep(1_000)));
      await sleep(100); // a backend ends some time after its connection
      assert.deepEqual(await left(), before);
    });

    test('a transaction whose body succeeds is committed', async () => {
      await use(transaction(pool), (connection) => connection.query(`INSERT INTO audit VALUES ('committed')`));
      assert.deepEqual(await audit(), [{ who: 'committed' }]);
      await pool.use((connection) => connection.query('TRUNCATE audit'));
    });

    test('a step fails: what has been sent is awaited, and what waits for its turn is never sent', async () => {
      const error = new Error('boom');
      await pool.use((connection) => connection.query('CREATE SEQUENCE sent')); // no ROLLBACK turns it back
      const failing = use(transaction(pool), (connection) =>
        gather([
          () => connection.query('SELECT pg_sleep(0.05)'),
          () => connection.query(`SELECT nextval('sent')`),
          () => Promise.reject(error),
        ]),
      );
      await assert.rejects(failing, (thrown) => thrown === error);
      assert.deepEqual(suppressedErrors(error), []);
      const next = await pool.use((connection) => connection.query(`SELECT nextval('sent')::int AS n`));
      assert.deepEqual(next, [{ n: 1 }]);
      assert.equal(pool.snapshot().size, 1);
    });

    test(
      'a step fails while another one waits for the server: its statement is cancelled there, and the connection goes back clean',
      real,
      async () => {
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
        assert.equal(await busy(), 0);
        assert.deepEqual(await audit(), []);
        assert.equal(pool.snapshot().size, 1);
      },
    );

    test('a transaction that takes too long is rolled back', async () => {
      const slow = timeout(100, () =>
        use(transaction(pool), async (connection) => {
          await connection.query(`INSERT INTO audit VALUES ('too slow')`);
          await (database.cancels ? connection.query('SELECT pg_sleep(30)') : sleep(30_000));
        }),
      );
      await assert.rejects(slow, TimeoutError);
      assert.deepEqual(await audit(), []);
      assert.equal(await busy(), 0);
    });

    test('a connection that the server has closed is replaced, and the borrower never sees it', real, async () => {
      const pid = async (): Promise<unknown> =>
        (await pool.use((connection) => connection.query('SELECT pg_backend_pid() AS pid')))[0]?.['pid'];
      const first = await pid();
      const other = new Client(whole);
      await other.connect();
      await other.query('SELECT pg_terminate_backend($1)', [first]);
      await other.end();
      await sleep(200); // until the news is here
      assert.notEqual(await pid(), first);
    });

    test('a ROLLBACK that cannot be had: the connection is destroyed, not lent again', real, async () => {
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
      assert.ok(pids.size <= database.max);
      assert.equal(pool.snapshot().borrowed, 0);
    });

    test('the program shows the difference', async () => {
      const env = { ...process.env };
      if (!whole.cancels) for (const variable of ['DATABASE_URL', 'PGHOST']) delete env[variable];
      else if (whole.host) Object.assign(env, { PGHOST: whole.host, PGUSER: 'postgres', PGDATABASE: 'postgres' });
      const { stdout } = await promisify(execFile)(process.execPath, [MAIN], { env });
      assert.ok(stdout.startsWith(`on ${whole.name}\n`), stdout);
      assert.match(stdout, /^corral: .*violates check constraint.*\n {2}left behind: \[\]\nPromise\.all: /m);
      assert.match(stdout, /left behind: \[ \{ who: 'Promise\.all' \} \]\n$/);
    });
  });
}
