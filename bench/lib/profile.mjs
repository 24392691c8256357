/** Where the time goes: runs contenders under the CPU profiler; lists functions, and corral's lines, by self time. */
import { existsSync, readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { fileURLToPath } from 'node:url';

import { Worker } from './coordinator.mjs';
import { isSkipped, profileFresh } from './fresh.mjs';

const ROUNDS = 10;
const ROUND_MS = 200;
const FUNCTIONS = 14;
const LINES = 10;
const PACKAGES = 6;

export async function printProfiles({ suite, cases, nodes, only, quick }) {
  for (const benchmark of cases.filter(({ kind }) => kind !== 'heap')) {
    if (isSkipped(benchmark)) continue;
    for (const [variant, { label }] of benchmark.variants.entries()) {
      for (const contender of benchmark.contenders.filter(({ name }) => only.test(name))) {
        const { name } = contender;
        for (const node of nodes) {
          const message = { suite, caseName: benchmark.name, variant, contender: name, warmMs: 700, roundMs: ROUND_MS };
          console.log(`\n${benchmark.name}${label === undefined ? '' : `, ${label}`}: ${name} (${node.name})`);
          const taken = await (benchmark.kind === 'fresh'
            ? profileFresh({ benchmark, variant, node, contender, quick })
            : profile(node, benchmark, message));
          if (taken === undefined) console.log('   is no Node program, or does not run here');
          else printProfile(taken);
        }
      }
    }
  }
}

async function profile(node, benchmark, message) {
  const worker = new Worker(node, benchmark);
  try {
    await worker.call('prepare', message);
    return await worker.call('profile', { ...message, rounds: ROUNDS });
  } finally {
    await worker.end();
  }
}

function printProfile({ nodes, samples, timeDeltas }) {
  const byId = new Map(nodes.map((node) => [node.id, node.callFrame]));
  const functions = new Tally();
  const packages = new Tally();
  for (const [index, id] of samples.entries()) {
    const { functionName, url, lineNumber, columnNumber } = byId.get(id);
    if (functionName === '(idle)' || functionName === '(root)' || isProfiler(functionName, url)) continue;
    functions.add(`${functionName || '(anonymous)'}  ${place(url, lineNumber, columnNumber)}`, timeDeltas[index]);
    packages.add(packageOf(url, functionName), timeDeltas[index]);
  }
  functions.print(FUNCTIONS);
  console.log('   by package:');
  packages.print(PACKAGES);
  const lines = new Tally();
  const ticksOfAll = nodes.reduce(
    (sum, { hitCount, callFrame }) => (callFrame.functionName === '(idle)' ? sum : sum + hitCount),
    0,
  );
  for (const { callFrame, positionTicks = [] } of nodes) {
    if (!callFrame.url.startsWith('file:')) continue;
    for (const { line, ticks } of positionTicks) lines.add(place(callFrame.url, line - 1, undefined), ticks);
  }
  console.log('   by line:');
  lines.print(LINES, ticksOfAll);
}

/** What starting and stopping the profiler takes; Node 20 gives it no URL. */
function isProfiler(functionName, url) {
  return url === 'node:inspector' || (functionName === 'dispatch' && url === '');
}

function packageOf(url, functionName) {
  if (url === '') return functionName.startsWith('(') ? functionName : 'native';
  const [, name] = /.*\/(?:node_modules|packages)\/((?:@[^/]+\/)?[^/]+)/.exec(url) ?? [];
  return name ?? url.replace(/:.*/, ':');
}

class Tally {
  #times = new Map();
  #total = 0;

  add(key, time) {
    this.#times.set(key, (this.#times.get(key) ?? 0) + time);
    this.#total += time;
  }

  print(count, total = this.#total) {
    for (const [key, time] of [...this.#times].toSorted((a, b) => b[1] - a[1]).slice(0, count)) {
      console.log(`${((time / total) * 100).toFixed(1).padStart(6)} %  ${key}`);
    }
  }
}

const maps = new Map();

/** The place in the TypeScript source, where there is a source map; zero-based in, one-based out. */
function place(url, line, column) {
  if (!url.startsWith('file:')) return url === '' ? '' : `${url}:${line + 1}`;
  const file = fileURLToPath(url);
  if (!maps.has(file))
    maps.set(
      file,
      existsSync(`${file}.map`) ? new SourceMap(JSON.parse(readFileSync(`${file}.map`, 'utf8'))) : undefined,
    );
  const entry = maps.get(file) && originOf(maps.get(file), line, column);
  return entry === undefined
    ? `${shorten(file)}:${line + 1}`
    : `${entry.originalSource.replace(/^(?:\.\.\/)+/, '')}:${entry.originalLine + 1}`;
}

/** Of a whole line, what its first piece of code comes from. */
function originOf(map, line, column) {
  for (let at = column ?? 0; at < (column ?? 0) + 200; at += 1) {
    const entry = map.findEntry(line, at);
    if (entry?.generatedLine === line && entry.originalSource !== undefined) return entry;
  }
  return undefined;
}

function shorten(file) {
  return file.split('/').slice(-3).join('/');
}
