/** Addresses where nothing comes back. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';

export interface DeadEnd extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  close(): Promise<void>;
}

/** A port of 127.0.0.1 that refuses connections: nobody listens there any more. */
export async function refusedPort(): Promise<number> {
  const server = createServer();
  const port = await new Promise<number>((resolve) =>
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)),
  );
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Accepts connections, reads what comes and never says a word: the TLS handshake that does not end. */
export async function silentServer(): Promise<DeadEnd & { readonly connections: number }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.resume().on('error', () => {}));
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return {
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    /** How many are open. */
    get connections() {
      return sockets.size;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Listens, and sleeps before its event loop could accept anything. */
const SLEEPER = `
  const { parentPort } = require('node:worker_threads');
  const server = require('node:net').createServer();
  server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
    parentPort.postMessage(server.address().port);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  });`;

/** More than the kernel can have put into a queue for one. */
const FILLING = 16;
const CONNECT_MS = 250;

/**
 * An address that swallows SYN: a listener that accepts nobody, its queue filled. Where the kernel answers nevertheless
 * it says so: `if ('missing' in hole) return t.skip(hole.missing)`.
 */
export async function blackHole(): Promise<DeadEnd | { readonly missing: string }> {
  const worker = new Worker(SLEEPER, { eval: true });
  const port = await new Promise<number>((resolve, reject) => worker.once('message', resolve).once('error', reject));
  const fillers: Socket[] = [];
  const close = async () => {
    for (const socket of fillers) socket.destroy();
    await worker.terminate();
  };
  for (let n = 0; n < FILLING; n++) {
    const socket = connect(port, '127.0.0.1').on('error', () => {});
    fillers.push(socket);
    if (!(await isConnected(socket))) return { host: '127.0.0.1', port, close, [Symbol.asyncDispose]: close };
  }
  await close();
  return { missing: `needs a kernel that drops connections to a full queue: this is ${process.platform}` };
}

async function isConnected(socket: Socket): Promise<boolean> {
  return await new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), CONNECT_MS);
    socket.once('connect', () => {
      clearTimeout(timer);
      resolve(true);
    });
  });
}
