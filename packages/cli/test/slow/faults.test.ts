import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ReportLine } from '../../src/fetch/record.ts';
import { corral, Folder } from '../fetch/command.ts';

interface FaultServer extends AsyncDisposable {
  readonly origin: string;
}

/** The compiled tests of @corral/http have a server that does everything wrong; its types are not ours to import. */
async function faultServer(): Promise<{ server: FaultServer; names: string[] }> {
  const at = (file: string): string => new URL(`../../../../http/build/test/faults/${file}`, import.meta.url).href;
  const { startFaultServer } = (await import(at('server.js'))) as { startFaultServer: () => Promise<FaultServer> };
  const { faults } = (await import(at('table.js'))) as { faults: Readonly<Record<string, unknown>> };
  return { server: await startFaultServer(), names: Object.keys(faults) };
}

/** What has no right answer, or none without more than a GET. */
const FAILS = [
  'no-answer',
  'drip-body',
  'stall-body',
  'endless-body',
  'endless-1xx',
  'cut-length',
  'cut-chunked',
  'two-lengths',
  'reset-before',
  'reset-in-body',
  'gzip-bomb',
  'corrupt-encoding',
  'cut-encoding',
  'redirect-loop',
  'redirect-nowhere',
  'endless-headers',
  'header-nul',
  'ssh-banner',
  'tls-alert',
];
const SUCCEEDS = [
  'keep-alive',
  'early-hints',
  'many-chunks',
  'trailers',
  'slow-start',
  'redirect',
  'body-on-204',
  'file',
];

test('corral fetch: against everything that a server can do wrong it ends, says what failed, and keeps nothing half', async () => {
  const { server, names } = await faultServer();
  await using _server = server;
  using folder = new Folder();
  const list = folder.write('list.txt', names.map((name) => `${server.origin}/fault/${name}\t${name}\n`).join(''));
  const limits = ['--retries', '1', '--read-timeout', '1s', '--timeout', '6s', '--max-size', '20M'];
  const args = ['-i', list, '-d', folder.at('out'), '--per-host', '64', '--json', '-q'];
  const { code, stdout, stderr } = await corral(['fetch', ...args, ...limits]);
  assert.equal(code, 1, stderr);
  assert.equal(stderr, '');
  const lines = stdout.trim().split('\n').slice(0, -1);
  const outcomes = new Map<string, ReportLine>();
  for (const line of lines.map((text) => JSON.parse(text) as ReportLine))
    outcomes.set(line.url.split('/').at(-1) ?? '', line);
  assert.deepEqual([...outcomes.keys()].sort(), names.sort(), 'one line for each');
  for (const name of FAILS) assert.equal(outcomes.get(name)?.outcome, 'failed', name);
  for (const name of SUCCEEDS) assert.equal(outcomes.get(name)?.outcome, 'ok', name);
  for (const [name, { outcome, error }] of outcomes) {
    assert.equal(folder.tree('out').has(name), outcome === 'ok', name);
    if (outcome === 'failed') assert.ok((error?.message ?? '') !== '', name);
  }
});
