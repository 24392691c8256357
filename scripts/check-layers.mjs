// Checks the imports inside packages/*/src: in corral the arrows of the table below and no dependency; in corral and http
// `node:` modules only where allowed, as both run in browsers; in all no cycle between files (`import type` makes none: it is
// gone at run time), nothing from an index.ts, and no `using` declarations (each file with one gets a helper of 2.6 kB
// while Node 20 and 22 are supported).
//
// Usage: node scripts/check-layers.mjs
import { existsSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { readImports } from './lib/imports.mjs';
import { packages, readArguments, shown, walk } from './lib/shared.mjs';

// What a folder may import beside itself, `internal` and `errors`. `index` is src/index.ts.
const LAYERS = {
  errors: [],
  internal: [],
  core: [],
  context: ['core'],
  time: ['core'],
  sync: ['core'],
  channel: ['core', 'sync'],
  policy: ['core', 'time', 'sync'],
  resource: ['core', 'sync'],
  stream: ['core', 'sync', 'channel'],
  interop: ['core'],
  executor: ['core', 'channel', 'resource'],
  inspect: ['core'],
  testing: ['core', 'time', 'inspect'],
  unstable: ['core', 'context', 'time', 'sync', 'channel', 'policy', 'resource', 'stream', 'interop'],
  index: ['core', 'context', 'time', 'sync', 'channel', 'policy', 'resource', 'stream', 'interop'],
};
const EVERYWHERE = ['internal', 'errors'];
const MAY_USE_NODE = { corral: ['executor', 'inspect'], http: ['node', 'platform'] };

readArguments(import.meta.url);
const sources = packages().flatMap((folder) => walk(join(folder, 'src'), (file) => file.endsWith('.ts')));
const files = new Map(sources.map((path) => [path, readImports(path)]));
const problems = [];
for (const [path, file] of files) checkFile(path, file);
checkCycles();
for (const problem of problems) console.error(problem);
if (problems.length === 0) console.log(`layers: ${files.size} files, every import is allowed`);
process.exitCode = problems.length === 0 ? 0 : 1;

/** The package of a file, and its layer: its folder, or for src/errors.ts and src/index.ts its own name. */
function placeOf(path) {
  const [, of, , ...inside] = shown(path).split('/');
  return { of, layer: inside[0].replace(/\.ts$/, '') };
}

function checkFile(path, { imports, usings, where }) {
  const { of, layer } = placeOf(path);
  const known = of !== 'corral' || layer in LAYERS;
  if (!known) problems.push(`${where(0)}: '${layer}' is not in the table of scripts/check-layers.mjs`);
  for (const at of usings) problems.push(`${where(at)}: no 'using' in the library: write try/finally`);
  for (const { name, at } of known ? imports : []) {
    const fault = name.startsWith('.')
      ? faultInside(of, layer, resolve(path, '..', name))
      : faultOutside(of, layer, name);
    if (fault) problems.push(`${where(at)}: ${layer} may not import '${name}': ${fault}`);
  }
}

function faultOutside(of, layer, name) {
  if (!name.startsWith('node:') && name !== 'undici') return of === 'corral' ? 'it has no dependencies' : undefined;
  const allowed = MAY_USE_NODE[of];
  return !allowed || allowed.includes(layer) ? undefined : `only ${allowed.join(' and ')} may use Node`;
}

function faultInside(of, layer, target) {
  if (!existsSync(target)) return 'it does not exist (an import carries its .ts)';
  if (basename(target) === 'index.ts') return 'import from the file that has it, not from an index';
  if (of !== 'corral') return undefined;
  const allowed = [layer, ...EVERYWHERE, ...LAYERS[layer]];
  return allowed.includes(placeOf(target).layer) ? undefined : `of our own it may import ${allowed.join(', ')}`;
}

function checkCycles() {
  const done = new Set();
  const visit = (path, trail) => {
    const start = trail.findIndex((step) => step.path === path);
    if (start >= 0) {
      const names = [...trail.slice(start).map((step) => shown(step.path)), shown(path)];
      problems.push(`${trail[start].at}: import cycle: ${names.join(' > ')}`);
    }
    if (start >= 0 || done.has(path) || !files.has(path)) return;
    const { imports, where } = files.get(path);
    for (const { name, at, erased } of imports) {
      if (name.startsWith('.') && !erased) visit(resolve(path, '..', name), [...trail, { path, at: where(at) }]);
    }
    done.add(path);
  };
  for (const path of files.keys()) visit(path, []);
}
