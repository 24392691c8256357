/** A connection to PostgreSQL whose queries can be cancelled, and a pool of them. */
import { Lock, Pool, cleanup, withSignal } from 'corral';
import { Client, type ClientConfig } from 'pg';

export type Row = Record<string, unknown>;

/** PostgreSQL says so when a query was cancelled on request. */
const QUERY_CANCELED = '57014';

export class Connection {
  readonly #client: Client;
  readonly #config: ClientConfig;
  /** A connection does one thing at a time. Who waits here has sent nothing yet, and can be cancelled for free. */
  readonly #turn = new Lock({ name: 'connection' });
  #broken: Error | undefined;
  #id = 0;

  private constructor(client: Client, config: ClientConfig) {
    this.#client = client;
    this.#config = config;
    client.on('error', (error) => (this.#broken = error));
    client.on('end', () => (this.#broken ??= new Error('the connection has ended')));
  }

  static async open(config: ClientConfig): Promise<Connection> {
    const client = new Client({ connectionTimeoutMillis: 5_000, ...config });
    const connection = new Connection(client, config);
    try {
      await client.connect();
      connection.#id = Number((await connection.query('SELECT pg_backend_pid() AS id'))[0]?.['id']);
      return connection;
    } catch (error) {
      await connection.close(); // also when it was cancelled: nobody else knows of it
      throw error;
    }
  }

  /** Whether it can be used, as far as that is known without asking. */
  get usable(): boolean {
    return this.#broken === undefined;
  }

  /**
   * One statement. When the scope is cancelled, one that has not been sent is not sent; one that runs is cancelled on the
   * server, and awaited: when this rejects, nothing of it goes on.
   */
  async query(text: string, values: unknown[] = []): Promise<Row[]> {
    using _turn = await this.#turn.acquire();
    return await withSignal((signal) => this.#run(text, values, signal)); // with `using`, returning is not waiting
  }

  async close(): Promise<void> {
    await this.#client.end();
  }

  async #run(text: string, values: unknown[], signal: AbortSignal): Promise<Row[]> {
    let cancelling: Promise<void> | undefined;
    const cancel = (): void => {
      cancelling = this.#cancel();
    };
    signal.addEventListener('abort', cancel, { once: true });
    try {
      return (await this.#client.query<Row>(text, values)).rows;
    } catch (error) {
      if (signal.aborted && (error as { code?: string }).code === QUERY_CANCELED) throw signal.reason;
      throw error;
    } finally {
      signal.removeEventListener('abort', cancel);
      // The request must not hit the next statement of this connection.
      await cancelling;
    }
  }

  /** Asks the server, on a connection that is only made for that, to cancel what runs on this one. */
  async #cancel(): Promise<void> {
    const other = new Client({ connectionTimeoutMillis: 5_000, ...this.#config });
    other.on('error', () => {});
    try {
      await other.connect();
      await other.query('SELECT pg_cancel_backend($1)', [this.#id]);
    } catch (error) {
      // The statement cannot be stopped: cut the wire. It fails, and the pool destroys the connection.
      this.#broken = error as Error;
      (this.#client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
    } finally {
      await other.end().catch(() => {});
    }
  }
}

/** Connections for everybody. Whoever opens it closes it: `await using pool = openPool(…)`. */
export function openPool(config: ClientConfig, max = 4): Pool<Connection> {
  return new Pool({
    create: () => Connection.open(config),
    validate: (connection) => connection.usable,
    destroy: (connection) => connection.close(),
    name: 'connections',
    max,
    idleMs: 30_000,
  });
}

/** Ends whatever transaction a connection is in, although the scope may be cancelled. */
export function rollBack(connection: Connection): Promise<unknown> {
  return cleanup(() => connection.query('ROLLBACK'), { timeoutMs: 5_000 });
}
