/** Runs the compiled command as a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ReportLine, Summary } from '../../src/fetch/record.ts';

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface StartOptions {
  readonly cwd?: string;
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly nodeOptions?: readonly string[];
}

export class Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  stdout = '';
  stderr = '';

  constructor(args: readonly string[], options: StartOptions = {}) {
    this.child = spawn(process.execPath, [...(options.nodeOptions ?? []), MAIN, ...args], {
      cwd: options.cwd,
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...options.env },
    });
    this.child.stdin?.on('error', () => undefined); // it may be gone before it has read
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.stdout += text));
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    if (options.stdin !== undefined) this.child.stdin?.end(options.stdin);
    this.ended = once(this.child, 'close').then(([code, signal]) => {
      return {
        code: code as number | null,
        signal: signal as NodeJS.Signals | null,
        stdout: this.stdout,
        stderr: this.stderr,
      };
    });
  }
}

export function corral(args: readonly string[], options?: StartOptions): Promise<Ended> {
  return new Running(args, { stdin: '', ...options }).ended;
}

/** A directory for a test, gone at its end. */
export class Folder implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'corral-fetch-'));

  at(...names: string[]): string {
    return join(this.path, ...names);
  }

  write(name: string, content: string | Buffer): string {
    writeFileSync(this.at(name), content);
    return this.at(name);
  }

  read(name: string): string {
    return readFileSync(this.at(name), 'utf8');
  }

  /** All files below it, by name. */
  tree(below = ''): Map<string, Buffer> {
    const files = new Map<string, Buffer>();
    for (const name of readdirSync(this.at(below), { recursive: true }) as string[]) {
      const path = this.at(below, name);
      if (lstatSync(path).isFile()) files.set(name, readFileSync(path));
    }
    return files;
  }

  report(name: string): { lines: ReportLine[]; summaries: Summary[] } {
    const values = this.read(name)
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as ReportLine & { summary?: Summary });
    return {
      lines: values.filter(({ summary }) => summary === undefined),
      summaries: values.flatMap(({ summary }) => (summary === undefined ? [] : [summary])),
    };
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}
