import { spawnSync } from 'node:child_process';
import { findProgram, startProgram, type RunningProgram } from './program.ts';

/** The system's own Python first: it is the one that Debian's packages are for. */
const PYTHONS = ['/usr/bin/python3', findProgram('python3')];
const HAS_HTTPBIN = 'import importlib.util, sys; sys.exit(importlib.util.find_spec("httpbin") is None)';

function findPython(): string | undefined {
  return PYTHONS.find((python) => python && spawnSync(python, ['-c', HAS_HTTPBIN], { stdio: 'ignore' }).status === 0);
}

/** False, or why tests with httpbin are skipped. */
export function missingHttpbin(): string | false {
  return findPython() === undefined && 'needs httpbin (Debian: python3-httpbin)';
}

export interface Httpbin extends RunningProgram {
  /** `http://127.0.0.1:PORT` */
  readonly origin: string;
}

/** Starts httpbin; its routes are listed at https://httpbin.org. It takes about a second. */
export async function startHttpbin(): Promise<Httpbin> {
  const running = await startProgram(1, async (_folder, ports) => ({
    program: findPython() ?? 'python3',
    args: ['-m', 'httpbin.core', '--port', String(ports[0])],
    env: { PYTHONWARNINGS: 'ignore', PYTHONDONTWRITEBYTECODE: '1' },
  }));
  return { ...running, origin: `http://127.0.0.1:${running.ports[0]}` };
}
