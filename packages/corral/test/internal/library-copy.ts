/** Second copies of the compiled library, and programs that run in a process of their own. */

import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type * as library from '../../src/index.ts';

/** What the library exports. */
export type Library = typeof library;

const compiled = fileURLToPath(new URL('../../src/', import.meta.url));

/** A folder that is removed when the process ends. */
function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'corral-test-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Copies the compiled library to a folder of its own; returns the address of that folder. */
export function copyLibrary(): URL {
  const folder = temporaryFolder();
  cpSync(compiled, folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n');
  return pathToFileURL(`${folder}/`);
}

/** Imports another copy of the library. */
export async function importCopy(): Promise<Library> {
  return (await import(new URL('index.js', copyLibrary()).href)) as Library;
}

/** What became of a program. */
export interface Ended {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

/** Runs a compiled module beside the tests in a process of its own, on the same engine. */
export function runModule(module: URL, ...args: readonly string[]): Promise<Ended> {
  const before = 'Deno' in globalThis ? ['run', '--allow-all', '--no-check', '--no-lock'] : [];
  const child = spawn(process.execPath, [...before, fileURLToPath(module), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NO_COLOR: '1', NODE_OPTIONS: '', NODE_TEST_CONTEXT: '' },
  });
  const [output, errors]: string[][] = [[], []];
  child.stdout.on('data', (chunk: Buffer) => output?.push(String(chunk)));
  child.stderr.on('data', (chunk: Buffer) => errors?.push(String(chunk)));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output: output?.join('') ?? '', errors: errors?.join('') ?? '' }));
  });
}
