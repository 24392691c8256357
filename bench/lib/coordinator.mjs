/**
 * Runs a case: a process for each contender, so that none runs in another's hidden classes, async hooks or heap, and
 * rounds in turn, so that a noisy neighbour hits all of them alike. Each contender gets fresh processes several times,
 * since a process may be lucky as a whole.
 */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { environment } from './corral.mjs';
import { summarize } from './stats.mjs';

const workerFile = fileURLToPath(new URL('worker.mjs', import.meta.url));

/** Most of the time that one contender may take in one launch, whatever the number of rounds. */
const CONTENDER_BUDGET_MS = 6_000;
const LEAST_ROUNDS = 3;

export const efforts = {
  full: { launches: 3, rounds: 9, warmMs: 700, roundMs: 50 },
  quick: { launches: 1, rounds: 5, warmMs: 400, roundMs: 30 },
};

/** Results of one variant of a case under one Node: `{ [contender]: { cpu, wall, part } | { error } }`. */
export async function runVariant({ suite, benchmark, variant, node, effort, only, shared }) {
  const samples = new Map();
  const contenders = benchmark.contenders.filter(
    ({ name, is = name }) => only === undefined || name === benchmark.baseline || only.test(is),
  );
  const launches = benchmark.kind === 'heap' ? Math.min(effort.launches, 3) : effort.launches;
  for (let launch = 0; launch < launches; launch += 1) {
    await runLaunch({ suite, benchmark, variant, node, effort, shared, contenders, launch, samples });
  }
  return Object.fromEntries(contenders.map(({ name }) => [name, summarizeSamples(samples.get(name), benchmark.kind)]));
}

async function runLaunch({ suite, benchmark, variant, node, effort, shared, contenders, launch, samples }) {
  const common = shared ? new Worker(node, benchmark) : undefined;
  const entries = [];
  try {
    for (const contender of contenders) {
      const worker = common ?? new Worker(node, benchmark, contender.folder);
      // `is`: what the worker knows it by, when it stands in the table twice.
      const entry = {
        name: contender.name,
        is: contender.is ?? contender.name,
        worker,
        spentMs: 0,
        rounds: 0,
        dead: false,
      };
      entries.push(entry);
      const message = { suite, caseName: benchmark.name, variant, contender: entry.is, shared, ...effort };
      await attempt(entry, samples, () => entry.worker.call('prepare', message));
      if (benchmark.kind === 'heap') await takeHeap(entry, samples);
    }
    if (benchmark.kind === 'heap') return;
    for (let round = 0; round < effort.rounds; round += 1) {
      // Another one begins each time, so that nobody always runs after the same predecessor.
      for (let i = 0; i < entries.length; i += 1) {
        await takeRound(entries[(i + round + launch) % entries.length], samples);
      }
    }
  } finally {
    await Promise.all(entries.map(({ worker }) => worker.end()));
  }
}

async function takeRound(entry, samples) {
  if (entry.dead || (entry.rounds >= LEAST_ROUNDS && entry.spentMs > CONTENDER_BUDGET_MS)) return;
  await attempt(entry, samples, async () => {
    const started = performance.now();
    const sample = await entry.worker.call('round', { contender: entry.is });
    entry.spentMs += performance.now() - started;
    entry.rounds += 1;
    samples.get(entry.name).push(sample);
  });
}

async function takeHeap(entry, samples) {
  await attempt(entry, samples, async () => {
    samples.get(entry.name).push(await entry.worker.call('hold', { contender: entry.is }));
  });
  await entry.worker.end(); // a heap of its own for each
}

/** A contender that fails is reported in its row; the others go on. */
async function attempt(entry, samples, step) {
  if (!samples.has(entry.name)) samples.set(entry.name, []);
  if (entry.dead) return;
  try {
    await step();
  } catch (error) {
    entry.dead = true;
    samples.get(entry.name).error = error.message;
  }
}

function summarizeSamples(samples, kind) {
  if (samples.error !== undefined) return { error: samples.error };
  if (kind === 'heap')
    return { cpu: summarize(samples.map(({ bytes }) => bytes)), rss: summarize(samples.map(({ rss }) => rss)) };
  const result = {
    cpu: summarize(samples.map(({ cpuNs }) => cpuNs)),
    wall: summarize(samples.map(({ wallNs }) => wallNs)),
  };
  if (samples[0].partNs !== undefined) result.part = summarize(samples.map(({ partNs }) => partNs));
  return result;
}

/** A measuring process that is asked one thing at a time. */
export class Worker {
  #child;
  #waiting;

  constructor(node, benchmark, folder) {
    this.#child = fork(workerFile, [], {
      execPath: node.path,
      env: environment(folder),
      execArgv: ['--expose-gc', '--no-warnings', ...(benchmark.execArgv ?? [])],
    });
    this.#child.on('message', ({ reply, error }) => {
      if (error === undefined) this.#settle('resolve', reply);
      else this.#settle('reject', new Error(error));
    });
    this.#child.on('exit', (code, signal) => {
      this.#settle('reject', new Error(`The measuring process ended with ${signal ?? `exit code ${code}`}`));
    });
  }

  call(command, message) {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#child.send({ command, ...message }, (error) => {
        if (error) this.#settle('reject', error);
      });
    });
  }

  /** Ends the process, whatever is pending in it; resolves when it has ended. */
  end() {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return Promise.resolve();
    const ended = new Promise((resolve) => {
      this.#child.once('exit', resolve);
    });
    this.#child.send({ command: 'end' }, () => {});
    return ended;
  }

  #settle(how, value) {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.[how](value);
  }
}
