// Checks the imports inside packages/corral/src: the arrows of the table below, no cycle between files (`import type`
// makes none: it is gone at run time), nothing from an index.ts, no dependency, `node:` modules only where allowed,
// and no `using` declarations (each file with one gets a helper of 2.6 kB while Node 20 and 22 are supported).
//
// Usage: node scripts/check-layers.mjs
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { readImports } from './lib/imports.mjs';
import { readArguments, root, shown, walk } from './lib/shared.mjs';

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
const MAY_USE_NODE = ['executor', 'inspect'];

readArguments(import.meta.url);
const src = join(root, 'packages/corral/src');
const files = new Map(walk(src, (file) => file.endsWith('.ts')).map((path) => [path, readImports(path)]));
const problems = [];
for (const [path, file] of files) checkFile(path, file);
checkCycles();
for (const problem of problems) console.error(problem);
if (problems.length === 0) console.log(`layers: ${files.size} files, every import is allowed`);
process.exitCode = problems.length === 0 ? 0 : 1;

/** The layer of a file: its folder, or for src/errors.ts and src/index.ts its own name. */
function layerOf(path) {
  const inside = shown(path).slice(shown(src).length + 1);
  return inside.includes('/') ? inside.slice(0, inside.indexOf('/')) : inside.replace(/\.ts$/, '');
}

function checkFile(path, { imports, usings, where }) {
  const layer = layerOf(path);
  const known = layer in LAYERS;
  if (!known) problems.push(`${where(0)}: '${layer}' is not in the table of scripts/check-layers.mjs`);
  for (const at of usings) problems.push(`${where(at)}: no 'using' in the library: write try/finally`);
  for (const { name, at } of known ? imports : []) {
    const fault = name.startsWith('.') ? faultInside(layer, resolve(path, '..', name)) : faultOutside(layer, name);
    if (fault) problems.push(`${where(at)}: ${layer} may not import '${name}': ${fault}`);
  }
}

function faultOutside(layer, name) {
  if (!name.startsWith('node:')) return 'the library has no dependencies';
  return MAY_USE_NODE.includes(layer) ? undefined : `only ${MAY_USE_NODE.join(' and ')} may use Node`;
}

function faultInside(layer, target) {
  if (!existsSync(target)) return 'it does not exist (an import carries its .ts)';
  if (target.endsWith('index.ts')) return 'import from the file that has it, not from an index';
  const allowed = [layer, ...EVERYWHERE, ...LAYERS[layer]];
  return allowed.includes(layerOf(target)) ? undefined : `of our own it may import ${allowed.join(', ')}`;
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
