/** The Nodes to measure under, and the peers: both come from `bench/compare`, installed when something is missing. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const compare = new URL('../compare/', import.meta.url);

export function installPeers() {
  const { dependencies } = readJson(new URL('package.json', compare));
  const stale = Object.entries(dependencies).filter(([name, version]) => installedVersion(name) !== version);
  if (stale.length === 0 && existsSync(packagedNode())) return;
  console.error(`Installing the peers in bench/compare (${stale.map(([name]) => name).join(', ') || 'node'}) ...`);
  execFileSync('npm', ['ci', '--no-audit', '--no-fund'], { cwd: fileURLToPath(compare), stdio: ['ignore', 2, 2] });
}

/** Name, version and path of each Node that was asked for: `24`, `this`, or both. */
export function chooseNodes(which) {
  const nodes = [];
  if (which !== 'this') nodes.push(describe(packagedNode()));
  if (which !== '24') nodes.push(describe(process.execPath));
  return nodes;
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

function installedVersion(name) {
  const manifest = new URL(`node_modules/${name}/package.json`, compare);
  return existsSync(manifest) ? readJson(manifest).version : undefined;
}

function readJson(url) {
  return JSON.parse(readFileSync(url, 'utf8'));
}
