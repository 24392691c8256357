// The engines of test-on.mjs: their versions, how each runs test files, and how it says what came of them.
import { availableParallelism } from 'node:os';

const NODE = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;

/**
 * What only Node runs: undici, the servers of faults, which need its sockets, and the command. On Bun and Deno a session
 * stands on fetch: packages/http/test/engines tests that, and packages/cli/test/elsewhere.test.ts what the command says.
 */
const NODE_ONLY =
  /^packages\/(cli\/build\/test\/(?!elsewhere)|http\/build\/test\/(fault-table|faults|save|servers|session|transport|node\/decode))/;

export const ENGINES = {
  20: { install: `${NODE}@20.20.2`, program: 'node', start: node, count: countNode },
  22: { install: `${NODE}@22.23.3`, program: 'node', start: node, count: countNode },
  24: { install: `${NODE}@24.21.0`, program: 'node', start: node, count: countNode },
  26: { install: `${NODE}@26.10.0`, program: 'node', start: node, count: countNode },
  bun: { install: 'bun@1.4.5', program: 'bun', start: bun, count: countBun, without: NODE_ONLY },
  deno: { install: 'deno@2.9.6', program: 'deno', start: deno, count: countDeno, without: NODE_ONLY },
};

function node(files) {
  const concurrency = Math.max(2, availableParallelism());
  return ['--test', '--test-reporter=spec', `--test-concurrency=${concurrency}`, '--test-timeout=180000', ...files];
}

function bun(files) {
  return ['test', '--timeout=60000', ...files.map((file) => `./${file}`)];
}

function deno(files) {
  return ['test', '--allow-all', '--no-check', '--no-lock', '--node-modules-dir=manual', ...files];
}

function countNode(output) {
  const of = (word) => Number(new RegExp(`^\\S ${word} (\\d+)$`, 'm').exec(output)?.[1]);
  return { passed: of('pass'), failed: of('fail') + of('cancelled'), skipped: of('skipped') + of('todo') };
}

function countBun(output) {
  const of = (word) => Number(new RegExp(`^\\s*(\\d+) ${word}$`, 'm').exec(output)?.[1] ?? 0);
  return { passed: of('pass'), failed: of('fail') + of('errors?'), skipped: of('skip') + of('todo') };
}

/** Deno counts a suite as a test and its tests as steps: the sum is a little higher than elsewhere. */
function countDeno(output) {
  const summary = output.match(/^(ok|FAILED) \| .*$/gm)?.at(-1) ?? '';
  const of = (word) => {
    const [, tests = 0, steps = 0] = new RegExp(`(\\d+) ${word}(?: \\((\\d+) steps?\\))?`).exec(summary) ?? [];
    return Number(tests) + Number(steps);
  };
  return { passed: of('passed'), failed: of('failed'), skipped: of('ignored') };
}
