/** Runs the compiled server as a service manager does: as a process that is sent signals. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { Agent, get, type IncomingMessage } from 'node:http';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../server/main.js', import.meta.url));
/** Only there to end a test that hangs. */
const PATIENCE = { timeout: 60_000, concurrency: 3, skip: process.platform === 'win32' && 'it has no signals' };

describe('server', PATIENCE, () => {
  test('SIGTERM: requests under way are answered, and the exit code is 0', async () => {
    const server = await start();
    const slow = Array.from({ length: 20 }, (_, index) => ask(server, `/?ms=${400 + index}`));
    await Promise.all(slow.map(({ sent }) => sent));
    await ask(server, '/').answer; // so the server has them too
    server.child.kill('SIGTERM');
    const answers = await Promise.all(slow.map(({ answer }) => answer));
    assert.deepEqual(
      answers.map(({ status, text }) => ({ status, text })),
      answers.map((_, index) => ({ status: 200, text: `after ${400 + index} ms\n` })),
    );
    const { code, output } = await server.ended;
    assert.equal(code, 0, output);
    assert.match(output, /stopping: 20 under way\nstopped\n$/);
  });

  test('SIGTERM: during the notice /health is 503 and others are still answered, after it connections are refused', async () => {
    const server = await start({ NOTICE_MS: '500', DRAIN_MS: '5000' });
    assert.equal((await ask(server, '/health').answer).status, 200);
    const slow = ask(server, '/?ms=1500');
    await slow.sent;
    await ask(server, '/').answer;
    server.child.kill('SIGTERM');
    await server.printed(/stopping/);
    const health = await ask(server, '/health').answer;
    assert.deepEqual([health.status, health.headers.connection], [503, 'close']);
    assert.equal((await ask(server, '/').answer).status, 200);
    await refused(server);
    assert.equal((await slow.answer).status, 200);
    assert.equal((await server.ended).code, 0);
  });

  test('SIGTERM: connections that are idle, or become so, are closed', async () => {
    const server = await start({ NOTICE_MS: '0', DRAIN_MS: '20000' });
    const agent = new Agent({ keepAlive: true });
    await ask(server, '/', agent).answer; // is kept open
    const quick = ask(server, '/?ms=300', agent);
    const slow = ask(server, '/?ms=2000');
    await Promise.all([quick.sent, slow.sent]);
    await ask(server, '/').answer;
    server.child.kill('SIGTERM');
    await quick.answer;
    // While the other one is under way. An agent forgets a connection when the server has closed it.
    while (Object.keys(agent.freeSockets).length + Object.keys(agent.sockets).length > 0) {
      assert.ok(server.child.exitCode === null, 'the server has ended first');
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    assert.equal((await slow.answer).status, 200);
    assert.equal((await server.ended).code, 0);
    agent.destroy();
  });

  test('SIGTERM: what takes longer than the time to drain is cancelled and told 503', async () => {
    const server = await start({ NOTICE_MS: '0', DRAIN_MS: '300' });
    const slow = [ask(server, '/?ms=60000'), ask(server, '/?ms=60001')];
    await Promise.all(slow.map(({ sent }) => sent));
    await ask(server, '/').answer;
    server.child.kill('SIGTERM');
    for (const { status } of await Promise.all(slow.map(({ answer }) => answer))) assert.equal(status, 503);
    const { code, output } = await server.ended;
    assert.equal(code, 0, output);
    assert.match(output, /cancelling 2\n(cancelled: .*\n){2}stopped\n$/);
  });

  test('SIGTERM: the second one ends it at once', async () => {
    const server = await start({ NOTICE_MS: '0', DRAIN_MS: '60000' });
    const slow = ask(server, '/?ms=60000');
    await slow.sent;
    await ask(server, '/').answer;
    server.child.kill('SIGTERM');
    await server.printed(/stopping: 1 under way/);
    server.child.kill('SIGTERM');
    await assert.rejects(slow.answer);
    assert.equal((await server.ended).code, 143);
  });

  test('a client that goes away cancels its request, and only that', async () => {
    const server = await start();
    const gone = ask(server, '/?ms=60000');
    const other = ask(server, '/?ms=500');
    await Promise.all([gone.sent, other.sent]);
    await ask(server, '/').answer;
    gone.leave();
    await assert.rejects(gone.answer);
    await server.printed(/cancelled: \/\?ms=60000/);
    assert.equal((await other.answer).status, 200);
    server.child.kill('SIGTERM');
    const { code, output } = await server.ended;
    assert.equal(code, 0);
    assert.match(output, /stopping: 0 under way/);
  });
});

// Helpers ------------------------------------------------------------------------------------------------------------

interface Program {
  readonly child: ChildProcess;
  readonly origin: string;
  readonly ended: Promise<{ code: number | null; output: string }>;
  /** Waits until the output has matched; rejects when the program ends before. */
  printed(pattern: RegExp): Promise<RegExpExecArray>;
}

const running = new Set<ChildProcess>();
after(() => {
  for (const child of running) child.kill('SIGKILL'); // of a test that failed
});

async function start(environment: Record<string, string> = { NOTICE_MS: '0', DRAIN_MS: '20000' }): Promise<Program> {
  const child = spawn(process.execPath, [MAIN], { stdio: 'pipe', env: { ...process.env, PORT: '0', ...environment } });
  running.add(child);
  child.once('close', () => running.delete(child));
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
  const ended = new Promise<{ code: number | null; output: string }>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output }));
  });
  const printed = (pattern: RegExp): Promise<RegExpExecArray> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const match = pattern.exec(output);
        if (match) resolve(match);
      };
      child.stdout.on('data', look);
      child.once('close', () => reject(new Error(`The server ended without printing ${pattern}: ${output}`)));
      look();
    });
  const [, port] = await printed(/listening on http:\/\/localhost:(\d+)/);
  return { child, origin: `http://localhost:${port}`, ended, printed };
}

interface Asked {
  /** The request has gone out. */
  readonly sent: Promise<void>;
  readonly answer: Promise<{ status: number; text: string; headers: IncomingMessage['headers'] }>;
  leave(): void;
}

function ask(server: Program, path: string, agent: Agent | false = false): Asked {
  const request = get(server.origin + path, { agent });
  const answer = new Promise<Awaited<Asked['answer']>>((resolve, reject) => {
    request.once('error', reject);
    request.once('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.once('error', reject);
      response.once('end', () => resolve({ status: response.statusCode ?? 0, text, headers: response.headers }));
    });
  });
  answer.catch(() => {}); // looked at later
  const sent = new Promise<void>((resolve) => void request.once('finish', () => resolve()));
  return { sent, answer, leave: () => void request.destroy() };
}

/** Waits until the server takes no connection any more. */
async function refused(server: Program): Promise<void> {
  for (;;) {
    const { answer } = ask(server, '/health');
    const error = await answer.then(
      () => undefined,
      (thrown: unknown) => thrown as { code?: string },
    );
    if (error?.code === 'ECONNREFUSED') return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
