/**
 * A process that measures: it holds one contender of one case (or, with `--shared`, all of them) and runs a round of
 * it whenever the coordinator says so. Of its own it does nothing, so that the processes can take turns.
 */
import { isDeepStrictEqual } from 'node:util';

import { loadSuite, paramsOf } from './suite.mjs';

const contenders = new Map();

const commands = { prepare, round, hold, profile, end };

process.on('message', ({ command, ...message }) => {
  commands[command](message).then(
    (reply) => process.send({ reply }),
    (error) => process.send({ error: String(error?.stack ?? error) }),
  );
});

// The coordinator was interrupted.
process.on('disconnect', () => process.exit(1));

/** Loads a contender, checks that it does the work, warms it up and finds out how much of it makes a round. */
async function prepare({ suite, caseName, variant, contender: name, warmMs, roundMs, shared }) {
  const benchmark = (await loadSuite(suite)).find((candidate) => candidate.name === caseName);
  const contender = benchmark.contenders.find((candidate) => candidate.name === name);
  const params = paramsOf(contender, benchmark.variants[variant]);
  const body = await contender.load(params);
  const entry = { benchmark, contender, params, body, iterations: 1, shared };
  contenders.set(name, entry);
  if (benchmark.kind === 'heap') return {};

  // The first run also compiles, so what it takes says little: it only checks. Then the rounds grow to their size.
  await measure(entry);
  // The optimizing compiler needs many of them, and some libraries are five times as fast after a while.
  const end = performance.now() + warmMs;
  while (true) {
    const { roundNs } = await measure(entry);
    const fit = Math.round((entry.iterations * roundMs * 1e6) / Math.max(roundNs, 1));
    entry.iterations = Math.max(1, Math.min(fit, entry.iterations * 8));
    if (performance.now() >= end) return { iterations: entry.iterations };
  }
}

async function round({ contender }) {
  const entry = contenders.get(contender);
  if (entry.shared) await clearUp(entry);
  return measure(entry);
}

/**
 * In a shared process the predecessor's garbage would be this one's to collect. A process of one's own keeps its own:
 * a forced collection shrinks the young generation and costs the next round far more than it frees.
 */
async function clearUp(entry) {
  collect();
  await measure(entry);
}

/** The CPU profile of some rounds, without what led to them. */
async function profile({ contender, rounds }) {
  const { Session } = await import('node:inspector/promises');
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: 200 });
  await session.post('Profiler.start');
  for (let i = 0; i < rounds; i += 1) await measure(contenders.get(contender));
  const result = await session.post('Profiler.stop');
  session.disconnect();
  return result.profile;
}

/** Exits although tasks are pending; the exit handlers write the profile, if one was asked for. */
async function end() {
  process.exit(0);
}

/** Bytes of heap that `params.count` pending tasks hold, each. */
async function hold({ contender }) {
  const { body, params } = contenders.get(contender);
  await body(10); // code, feedback and tables that are there once and for all
  collect();
  const before = process.memoryUsage();
  const held = await body(params.count);
  collect();
  const after = process.memoryUsage();
  if (held.pending() !== params.count) {
    throw new Error(`Cannot compare as ${params.count} tasks should be pending: there are ${held.pending()}`);
  }
  return {
    bytes: (after.heapUsed - before.heapUsed) / params.count,
    external: (after.external - before.external) / params.count,
    rss: (after.rss - before.rss) / params.count,
  };
}

async function measure({ benchmark, contender, params, body, iterations }) {
  const part = new Part();
  const wall = performance.now();
  const cpu = process.cpuUsage();
  const value = await body(iterations, params, part);
  const cpuNs = cpuSince(cpu);
  const wallNs = (performance.now() - wall) * 1e6;
  const expected = benchmark.expect(iterations, params);
  if (!isDeepStrictEqual(value, expected)) {
    throw new Error(`Cannot compare ${contender.name} as its result is not ${expected}: it is ${String(value)}`);
  }
  const units = benchmark.units(iterations, params);
  return {
    cpuNs: cpuNs / units,
    wallNs: wallNs / units,
    partNs: part.used ? part.cpuNs / units : undefined,
    roundNs: wallNs,
  };
}

/** A stretch inside a round that is also reported alone, such as the cancelling of what was started before. */
class Part {
  cpuNs = 0;
  used = false;
  #since;

  begin() {
    this.used = true;
    this.#since = process.cpuUsage();
  }

  end() {
    this.cpuNs += cpuSince(this.#since);
  }
}

/** All threads: a collector or compiler at work in the background has been caused by the contender too. */
function cpuSince(start) {
  const { user, system } = process.cpuUsage(start);
  return (user + system) * 1000;
}

function collect() {
  for (let i = 0; i < 4; i += 1) globalThis.gc();
}
