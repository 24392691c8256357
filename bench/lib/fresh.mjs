/**
 * Runs a case of `kind: 'fresh'`: every run of a contender is a process of its own, from its start to its end, and each
 * round runs all of them in another order. Ratios are taken within a round, where the machine was as busy for both.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { environment } from './corral.mjs';
import { chooseCores, findProgram, pinned } from './programs.mjs';
import { summarize } from './stats.mjs';

const clientFile = fileURLToPath(new URL('../http/client.mjs', import.meta.url));
const usageFile = fileURLToPath(new URL('../http/rusage.py', import.meta.url));
const python = findProgram('python3');

/** Longer than any of them takes; whoever hangs is reported. */
const LIMIT_MS = 300_000;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** Whether the case cannot run here, and says why. */
export function isSkipped({ name, missing, wholeProcess }) {
  const lacksPython =
    wholeProcess && python === undefined && 'python3, which reads what a process took, is not installed';
  const reason = missing?.() || lacksPython;
  if (reason) console.log(`\n${name}: skipped as ${reason}`);
  return Boolean(reason);
}

/** Results of one variant under one Node: `{ [contender]: { samples, [metric]: summary } | { error } | { missing } }`. */
export async function runFresh({ benchmark, variant, node, quick, rounds, only }) {
  const { contenders, baseline, metrics } = benchmark;
  const chosen = contenders.filter(({ name, is = name }) => only === undefined || name === baseline || only.test(is));
  const entries = chosen.map((contender) => ({ contender, samples: [], missing: contender.missing?.() || undefined }));
  await inWorld({ benchmark, variant, node, quick }, async (world) => {
    const count = rounds ?? benchmark.rounds[quick ? 'quick' : 'full'];
    for (let round = 0; round < count; round += 1) {
      for (const entry of shuffled(entries)) {
        if (entry.missing === undefined && entry.error === undefined) await takeSample(entry, world, round);
      }
    }
  });
  const base = entries.find(({ contender }) => contender.name === baseline).samples;
  return Object.fromEntries(entries.map((entry) => [entry.contender.name, summarizeEntry(entry, metrics, base)]));
}

/** The CPU profile of one run of a contender; undefined if it is not of Node. */
export function profileFresh({ benchmark, variant, node, contender, quick }) {
  return inWorld({ benchmark, variant, node, quick }, async (world) => {
    const file = join(world.folder, 'run.cpuprofile');
    if (!contender.missing?.()) await runOnce(contender, world, file);
    return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
  });
}

/** Median and spread of the ratios to another contender's runs in the same rounds. */
export function pairedRatio(samples, others, metric) {
  const ratios = [];
  for (const [round, sample] of samples.entries()) {
    if (sample !== undefined && others[round] !== undefined) ratios.push(sample[metric] / others[round][metric]);
  }
  return ratios.length === 0 ? undefined : summarize(ratios);
}

async function inWorld({ benchmark, variant, node, quick }, body) {
  const { quick: quickly, ...full } = benchmark.variants[variant];
  const params = quick ? { ...full, ...quickly } : full;
  const folder = mkdtempSync(join(tmpdir(), 'corral-bench-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  const cores = chooseCores();
  let opened;
  process.once('exit', remove);
  for (const signal of SIGNALS) process.on(signal, leave);
  try {
    opened = await benchmark.open({ ...params, folder, core: cores.server });
    const core = benchmark.pinned ? cores.client : undefined;
    return await body({ ...opened, params: { ...params, ...opened.params }, benchmark, node, folder, core });
  } finally {
    await opened?.close();
    for (const signal of SIGNALS) process.off(signal, leave);
    process.off('exit', remove);
    remove();
  }
}

/** By way of `exit`, so that neither the server nor its files are left behind. */
function leave() {
  process.exit(1);
}

async function takeSample(entry, world, round) {
  try {
    entry.samples[round] = await runOnce(entry.contender, world);
  } catch (error) {
    entry.error = error.message;
  }
}

async function runOnce(contender, world, profile) {
  const { benchmark, folder, core } = world;
  const target = join(folder, 'target');
  const report = join(folder, 'report.json');
  mkdirSync(target);
  try {
    const params = { ...world.params, ...world.paramsOf?.({ target }) };
    const command = commandOf(contender, { ...world, params, profile });
    const measuring = benchmark.wholeProcess ? [python, usageFile, report, ...command] : command;
    const printed = await output(pinned(core, measuring), contender);
    world.check?.({ target });
    return benchmark.wholeProcess
      ? benchmark.measured(JSON.parse(readFileSync(report, 'utf8')), params)
      : JSON.parse(printed.trimEnd().split('\n').at(-1));
  } finally {
    rmSync(target, { recursive: true, force: true });
  }
}

function commandOf(contender, { benchmark, node, params, profile, lists }) {
  if (contender.command !== undefined) return contender.command({ node, params, profile, lists });
  const message = { caseName: benchmark.name, contender: contender.is ?? contender.name, params, profile };
  return [node.path, '--no-warnings', clientFile, JSON.stringify(message)];
}

/** What the command printed; rejects when it fails. */
function output([program, ...args], { name, folder }) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env: environment(folder), stdio: ['ignore', 'pipe', 'pipe'] });
    const printed = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr']) {
      child[stream].setEncoding('utf8').on('data', (text) => {
        printed[stream] = (printed[stream] + text).slice(-10_000);
      });
    }
    const limit = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS);
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(limit);
      if (code === 0) resolve(printed.stdout);
      else reject(new Error(`${name} ended with ${signal ?? `exit code ${code}`}: ${essence(printed.stderr)}`));
    });
  });
}

/** Of a stack trace, the line that says what happened. */
function essence(text) {
  const lines = text.trim().split('\n');
  return lines.find((line) => /^\S*Error\b/.test(line)) ?? lines.at(-1);
}

function summarizeEntry({ samples, missing, error }, metrics, base) {
  if (missing !== undefined) return { missing };
  if (error !== undefined) return { error };
  const result = { samples };
  for (const { name } of metrics) {
    const ratio = pairedRatio(samples, base, name);
    result[name] = { ...summarize(samples.map((sample) => sample[name])), ratio };
  }
  return result;
}

function shuffled(items) {
  const rest = [...items];
  const result = [];
  while (rest.length > 0) result.push(...rest.splice(Math.floor(Math.random() * rest.length), 1));
  return result;
}
