/** The Nodes to measure under, and the peers: both come from `bench/compare`, installed when something is missing. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const major = Number.parseInt(process.versions.node, 10);

const compare = new URL('../compare/', import.meta.url);

export function installPeers() {
  const { dependencies } = readJson(new URL('package.json', compare));
  const stale = Object.entries(dependencies).filter(([name, spec]) => installedVersion(name) !== versionIn(spec));
  if (stale.length === 0 && existsSync(packagedNode())) return;
  console.error(`Installing the peers in bench/compare (${stale.map(([name]) => name).join(', ') || 'node'}) ...`);
  execFileSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: fileURLToPath(compare), stdio: ['ignore', 2, 2] });
}

/** Name, version and path of each Node that was asked for: `this`, a major that is one of the two, or both. */
export function chooseNodes(which) {
  const running = describe(process.execPath);
  if (which === 'this') return [running];
  const nodes = [describe(packagedNode()), running];
  if (which === undefined) return nodes;
  const found = nodes.find((node) => String(node.major) === which);
  if (found !== undefined) return [found];
  const majors = nodes.map((node) => node.major).join(' or ');
  throw new RangeError(`Cannot choose the Node as --node has to be this, ${majors}: current value is ${which}`);
}

export function peerVersions() {
  return readJson(new URL('package.json', compare)).dependencies;
}

function describe(path) {
  const version = execFileSync(path, ['--version'], { encoding: 'utf8' }).trim().slice(1);
  return { path, version, major: Number.parseInt(version, 10), name: `Node ${version}` };
}

function packagedNode() {
  return fileURLToPath(new URL('node_modules/node/bin/node', compare));
}

/** A second version of a peer is there under another name: `npm:got@14.6.6`. */
function versionIn(spec) {
  return spec.slice(spec.lastIndexOf('@') + 1);
}

function installedVersion(name) {
  const manifest = new URL(`node_modules/${name}/package.json`, compare);
  return existsSync(manifest) ? readJson(manifest).version : undefined;
}

function readJson(url) {
  return JSON.parse(readFileSync(url, 'utf8'));
}
