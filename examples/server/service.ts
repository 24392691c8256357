/**
 * A node:http server that ends as a whole: asked to stop, it lets what is under way end, and cancels what takes too long.
 *
 *     serving ── stop ──► announcing ── noticeMs ──► draining ── all ended, or drainMs ──► over
 *     /health 200         /health 503                accepts no connection
 *
 * Each request is a task of one group. So the server cannot forget one, a client that goes away cancels its task, and
 * the end of the group is the end of all requests.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  Event,
  GroupClosedError,
  cleanup,
  isCancelled,
  nextEvent,
  sleep,
  type Task,
  type TaskGroup,
  taskGroup,
} from 'corral';

/** Answers a request. It is cancelled when the client has gone, and when the time to drain is over. */
export type Handler = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>;

export interface ServiceOptions {
  readonly port: number;
  /** Milliseconds for a load balancer to see that /health has turned 503, before connections are refused. */
  readonly noticeMs: number;
  /** Milliseconds for the requests under way to end after that, before they are cancelled. */
  readonly drainMs: number;
  /** Called when it listens. */
  readonly onListening: (port: number) => void;
}

/** Serves until the program is asked to stop. When it returns, no request is being answered and no connection is open. */
export async function serve(handle: Handler, options: ServiceOptions): Promise<void> {
  const stop = new Event({ name: 'stop' });
  const server = createServer();
  try {
    await taskGroup(async (requests) => {
      requests.scope.onStop(() => stop.set());
      server.on('request', (request, response) => accept(requests, stop, handle, request, response));
      server.listen(options.port);
      await nextEvent(server, 'listening');
      options.onListening((server.address() as AddressInfo).port);

      await stop.wait();
      console.log(`stopping: ${requests.tasks.size} under way`);
      await sleep(options.noticeMs);
      server.close(); // no new connections; those that are idle are closed
      requests.spawn(() => endDraining(requests, options.drainMs), { background: true });
    }); // waits for all requests
  } finally {
    await cleanup(() => closeAll(server));
  }
}

/** A background task: when all requests have ended, it is cancelled. */
async function endDraining(requests: TaskGroup, drainMs: number): Promise<void> {
  await sleep(drainMs);
  console.log(`cancelling ${requests.tasks.size - 1}`); // this one is one of them
  requests.cancel();
}

async function closeAll(server: Server): Promise<void> {
  server.close();
  server.closeAllConnections();
  await nextEvent(server, 'close');
}

function accept(
  requests: TaskGroup,
  stop: Event,
  handle: Handler,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  // Who keeps a connection open learns with the next response that it ends, and sends no more requests over it.
  if (stop.isSet) response.setHeader('connection', 'close');
  if (request.url === '/health') {
    response.writeHead(stop.isSet ? 503 : 200).end(stop.isSet ? 'stopping\n' : 'ok\n');
    return;
  }
  const task = begin(requests, `${request.method} ${request.url}`, () => answer(stop, handle, request, response));
  if (!task) return void request.socket.destroy();
  response.once('close', () => task.cancel()); // the client has gone; if all was sent, the task has ended
}

/** Undefined when it has come after the last request has ended, or was cancelled, and before the connections are closed. */
function begin(requests: TaskGroup, name: string, fn: () => Promise<void>): Task<void> | undefined {
  try {
    return requests.scope.cancelled ? undefined : requests.spawn(fn, { name });
  } catch (error) {
    if (error instanceof GroupClosedError) return undefined;
    throw error;
  }
}

/** Never fails: a request that does is its own affair, not that of the others in the group. */
async function answer(stop: Event, handle: Handler, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    await handle(request, response);
    response.end();
    await sent(response);
  } catch (error) {
    if (!isCancelled(error)) console.error(`${request.method} ${request.url} failed:`, error);
    await cleanup(() => refuse(response, isCancelled(error) ? 503 : 500), { timeoutMs: 1_000 }).catch(() => {});
    if (isCancelled(error)) throw error;
  } finally {
    // What was begun before the stop said nothing of it in its head: its connection would stay open, and idle.
    if (stop.isSet) request.socket.end();
  }
}

/** Says so, if nothing was said yet; else only the end of the connection can tell that the body is not whole. */
async function refuse(response: ServerResponse, status: number): Promise<void> {
  if (response.headersSent) return void response.destroy();
  response.writeHead(status, { connection: 'close' }).end();
  await sent(response);
}

/** Waits until the response has been handed to the system, or the client has gone. */
async function sent(response: ServerResponse): Promise<void> {
  if (!response.writableFinished && !response.destroyed) await nextEvent(response, 'finish');
}
