/** The built library. Nothing here builds it: a benchmark of a stale build would be worse than none. */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const own = packageFolder('corral');

/** Measures the package in another folder from now on, such as a copy of an earlier build; workers inherit it. */
export function useCorral(folder) {
  process.env.CORRAL_BENCH_PACKAGE = resolve(folder);
}

/** The environment of a worker that measures the package in `folder`. */
export function environment(folder) {
  return folder === undefined ? process.env : { ...process.env, CORRAL_BENCH_PACKAGE: resolve(folder) };
}

/** The file that `import 'corral'` means in Node, or undefined when it was not built. */
export function corralEntry() {
  const manifest = inPackage('package.json');
  const target = existsSync(manifest)
    ? nodeTarget(JSON.parse(readFileSync(manifest, 'utf8')).exports?.['.'])
    : undefined;
  const entry = inPackage(target ?? 'dist/index.js');
  return existsSync(entry) ? entry : undefined;
}

export async function importCorral() {
  const entry = corralEntry();
  if (entry === undefined) throw new Error(notBuilt());
  return import(entry.href);
}

/** Another package of the workspace; in a suite that measures it, `--package` and `--against` mean that one. */
export async function importPackage(name) {
  const entry = new URL('dist/index.js', pathToFileURL(`${process.env.CORRAL_BENCH_PACKAGE ?? packageFolder(name)}/`));
  if (!existsSync(entry)) throw new Error(`Cannot measure as it has to be built first: ${entry.pathname} is missing`);
  return import(entry.href);
}

export function notBuilt() {
  return `Cannot measure corral as it has to be built first (npm run build): ${fileURLToPath(inPackage('dist/index.js'))} is missing`;
}

function packageFolder(name) {
  return fileURLToPath(new URL(`../../packages/${name}/`, import.meta.url));
}

function inPackage(path) {
  return new URL(path, pathToFileURL(`${process.env.CORRAL_BENCH_PACKAGE ?? own}/`));
}

function nodeTarget(target) {
  if (typeof target === 'string') return target;
  return target && nodeTarget(target.node ?? target.import ?? target.default);
}
