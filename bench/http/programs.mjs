/** Contenders that are programs, and what the cases with whole processes share. */
import { fileURLToPath } from 'node:url';

import { findProgram } from '../lib/programs.mjs';

/** A contender that is a program of this machine; `parts` gives its arguments. */
export function program(name, args) {
  const path = findProgram(name);
  return {
    name,
    missing: () => path === undefined && `${name} is not installed`,
    command: (context) => [path, ...args(context)],
  };
}

export function script(path) {
  return fileURLToPath(new URL(path, import.meta.url));
}

/** Runs the body of a contender; all of it is what a profile shows. */
export async function profiled(body, { profiler, ...params }) {
  await profiler?.start();
  await body(params);
  await profiler?.stop();
}
