import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findProgram, missingProgram, startProgram, type RunningProgram } from './program.ts';

/** False, or why tests with a proxy are skipped. */
export function missingTinyproxy(): string | false {
  return missingProgram('tinyproxy', 'tinyproxy');
}

export interface Tinyproxy extends RunningProgram {
  /** `http://127.0.0.1:PORT` */
  readonly origin: string;
  /** What it has logged: a line `Request (file descriptor N): GET http://… HTTP/1.1`, or `CONNECT host:port`, for each. */
  log(): Promise<string>;
}

export interface TinyproxyOptions {
  /** Who may use it. Default: everybody. */
  readonly user?: string;
  readonly password?: string;
}

/** Starts tinyproxy: forwards http:, and CONNECT to any port; adds a Via header. */
export async function startTinyproxy({ user, password = '' }: TinyproxyOptions = {}): Promise<Tinyproxy> {
  const running = await startProgram(1, async (folder, ports) => {
    const lines = [
      `Port ${ports[0]}`,
      'Listen 127.0.0.1',
      'Timeout 60',
      'MaxClients 200',
      `LogFile "${folder}/log"`,
      'LogLevel Info',
      ...(user === undefined ? [] : [`BasicAuth ${user} ${password}`]),
    ];
    await writeFile(join(folder, 'conf'), `${lines.join('\n')}\n`);
    return { program: findProgram('tinyproxy') ?? 'tinyproxy', args: ['-d', '-c', join(folder, 'conf')] };
  });
  return {
    ...running,
    origin: `http://127.0.0.1:${running.ports[0]}`,
    log: () => readFile(join(running.folder, 'log'), 'utf8'),
  };
}
