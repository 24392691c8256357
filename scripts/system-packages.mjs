// Installs the Debian packages that some tests need, as far as that may be done: on Linux with apt-get, as root or
// through a sudo that asks for no password. The gate (.ci/run) begins with it. Says nothing when nothing is missing; what
// stays missing is named, and the tests that need it skip themselves by name. Never fails.
//
// Usage: node scripts/system-packages.mjs [--check]
//   --check             only says what is missing; so does CI_PACKAGES=none in the environment
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { readArguments, run } from './lib/shared.mjs';

// A program, or a path: whether a package is there must take no time.
const NEEDED = {
  'nginx-light': 'nginx',
  'python3-httpbin': '/usr/lib/python3/dist-packages/httpbin',
  'nghttp2-server': 'nghttpd',
  tinyproxy: 'tinyproxy',
  openssl: 'openssl',
  curl: 'curl',
  aria2: 'aria2c',
  wget2: 'wget2',
  'python3-aiohttp': '/usr/lib/python3/dist-packages/aiohttp',
  postgresql: '/usr/lib/postgresql',
};
const FOLDERS = [...(process.env.PATH ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin'];
const PATIENCE = ['-o', 'DPkg::Lock::Timeout=60', '-o', 'Acquire::http::Timeout=20', '-o', 'Acquire::Retries=1'];

const { flags } = readArguments(import.meta.url, ['--check']);
const before = missing();
if (before.length > 0) {
  const isAsked = !flags.has('--check') && process.env.CI_PACKAGES !== 'none';
  const apt = isAsked ? findApt() : undefined;
  if (apt) await install(apt, before);
  const after = missing();
  const installed = before.filter((name) => !after.includes(name));
  if (installed.length > 0) console.log(`system-packages: installed ${installed.join(', ')}`);
  if (after.length > 0) {
    const reason = isAsked && !apt ? ' (to install them takes Linux, apt-get and root)' : '';
    console.log(`system-packages: tests are skipped for want of ${after.join(', ')}${reason}`);
  }
}

function missing() {
  return Object.keys(NEEDED).filter((name) => {
    const what = NEEDED[name];
    return !(what.startsWith('/') ? existsSync(what) : FOLDERS.some((folder) => existsSync(join(folder, what))));
  });
}

/** The command that begins with apt-get or sudo, or undefined. */
function findApt() {
  if (process.platform !== 'linux' || !existsSync('/usr/bin/apt-get')) return undefined;
  const environment = ['env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-qq', ...PATIENCE];
  if (process.getuid() === 0) return environment;
  const mayBe = spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore', timeout: 5_000 }).status === 0;
  return mayBe ? ['sudo', '-n', ...environment] : undefined;
}

/** All at once if that goes, with fresh lists if need be; else one by one, as one that nobody knows spoils it for all. */
async function install([command, ...options], names) {
  const apt = (...args) => run(command, [...options, ...args], { timeoutMs: 300_000 });
  const add = async (...some) => (await apt('install', '-y', '--no-install-recommends', ...some)).code === 0;
  console.log(`system-packages: installing ${names.join(', ')}`);
  if (await add(...names)) return;
  const { code, output } = await apt('update');
  if (code !== 0) return console.log(`system-packages: apt-get update failed\n${output.trimEnd().slice(-500)}`);
  if (await add(...names)) return;
  for (const name of missing()) await add(name);
}
