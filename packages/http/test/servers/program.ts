/** Real servers as child processes: found, started on free ports in a folder of their own, stopped. */
import { spawn, type ChildProcess } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

/** Servers are often installed where only root looks. */
const FOLDERS = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin'];

/** The path of a program, or undefined. */
export function findProgram(name: string): string | undefined {
  return FOLDERS.map((folder) => join(folder, name)).find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** False, or why a test is skipped: `test('…', { skip: missingProgram('curl', 'curl') }, …)`. */
export function missingProgram(name: string, debianPackage: string): string | false {
  return findProgram(name) === undefined && `needs ${name} (Debian: ${debianPackage})`;
}

export interface RunningProgram extends AsyncDisposable {
  /** Its own folder, removed at the end. */
  readonly folder: string;
  /** Free when it started; what it listens on. */
  readonly ports: readonly number[];
  /** What it has printed. */
  output(): string;
  /** Stops it (SIGTERM, and SIGKILL after two seconds) and removes its folder. */
  close(): Promise<void>;
}

export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** Ports that were free are sometimes taken a moment later. */
const TRIES = 3;
const START_MS = 15_000;

/** Starts what `prepare` returns, which may write files, and waits until it listens on all of the ports. */
export async function startProgram(
  portCount: number,
  prepare: (folder: string, ports: readonly number[]) => Promise<Command>,
): Promise<RunningProgram> {
  for (let tries = 1; ; tries++) {
    const folder = await mkdtemp(join(tmpdir(), 'corral-server-'));
    const ports = await freePorts(portCount);
    try {
      return await run(await prepare(folder, ports), folder, ports);
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      if (tries === TRIES || !/address already in use/i.test(String(error))) throw error;
    }
  }
}

/** Different ports of 127.0.0.1 that nobody listens on. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  await Promise.all(
    servers.map((server) => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

async function run({ program, args, env }: Command, folder: string, ports: readonly number[]): Promise<RunningProgram> {
  // On Linux it dies with us, even if we are killed.
  const leash = findProgram('setpriv');
  const [file, all] = leash ? [leash, ['--pdeathsig', 'KILL', program, ...args]] : [program, args];
  const child = spawn(file, all, { cwd: folder, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const chunks: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  const output = () => Buffer.concat(chunks).toString();
  const exited = new Promise<void>((resolve) => child.once('close', () => resolve()).once('error', () => resolve()));
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  const close = async () => {
    const timer = setTimeout(kill, 2_000);
    child.kill('SIGTERM');
    await exited;
    clearTimeout(timer);
    process.off('exit', kill);
    await rm(folder, { recursive: true, force: true });
  };
  for (const port of ports) {
    if (await isListening(port, child)) continue;
    await close();
    throw new Error(`Cannot start ${program} as it must listen on ${port}: ${output() || 'it printed nothing'}`);
  }
  return { folder, ports, output, close, [Symbol.asyncDispose]: close };
}

async function isListening(port: number, child: ChildProcess): Promise<boolean> {
  for (const end = performance.now() + START_MS; performance.now() < end && child.exitCode === null;) {
    const isThere = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
    if (isThere) return true;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return false;
}
