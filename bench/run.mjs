/** `npm run bench -- core`: measures corral beside its peers. `--help` lists the options. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname, resolve } from 'node:path';
import { parseArgs } from 'node:util';

import { checkAims, printAims } from './lib/aims.mjs';
import { efforts, runVariant } from './lib/coordinator.mjs';
import { withOtherBuild } from './lib/contender.mjs';
import { corralEntry, notBuilt, useCorral } from './lib/corral.mjs';
import { isSkipped, runFresh } from './lib/fresh.mjs';
import { chooseNodes, installPeers, peerVersions } from './lib/nodes.mjs';
import { printProfiles } from './lib/profile.mjs';
import { loadSuite } from './lib/suite.mjs';
import { printFresh, printTable } from './lib/table.mjs';

const HELP = `Usage: npm run bench -- <suite> [options]

Measures corral beside its peers: CPU time per unit of equal work (median of interleaved rounds), the ratio to the
baseline (the first row) and the spread (half the interquartile range). Needs a build of packages/corral.

Suites: core, primitives, http

  --case NAME        only this case (repeatable; a unique beginning is enough)
  --contender REGEX  only contenders whose name matches, and the baseline
  --node 24|this     only under Node 24 (from npm), or only under the Node that runs this (or its major, such as 20);
                     default: both
  --quick            fewer, shorter rounds in one process each: a first look
  --launches N       fresh processes for each contender; default: 3, and 1 with --quick; in the suite http, the rounds
  --shared           all contenders of a case in one process, as in a program that uses them all
  --profile          no table: profiles the contenders of the chosen cases (--contender: default /^corral/)
  --json FILE        also writes all numbers to FILE (bench/results/ is not versioned)
  --package DIR      measures the built corral package in DIR, such as a copy of an earlier build
  --against DIR      measures a second built package beside the first, in turn: before and after
  --list             lists the cases
  --help             prints this
`;

const { values, positionals } = parseCommandLine();
if (values.help) {
  process.stdout.write(HELP);
} else {
  try {
    process.exitCode = await main(positionals[0] ?? 'core');
  } catch (error) {
    fail(error instanceof RangeError ? error.message : error.stack);
  }
}

async function main(suite) {
  const chosen = chooseCases(await loadSuite(suite));
  const cases =
    values.against === undefined
      ? chosen
      : chosen.map((benchmark) => withOtherBuild(benchmark, fromUser(values.against)));
  if (values.list) {
    for (const { name, title } of cases) console.log(`${name.padEnd(16)} ${title}`);
    return 0;
  }
  if (values.package !== undefined) useCorral(fromUser(values.package));
  if (values.shared && cases.some(({ kind }) => kind === 'fresh')) {
    throw new RangeError(`Cannot measure ${suite} with --shared as each of its runs is a process of its own`);
  }
  if (corralEntry() === undefined) {
    console.error(notBuilt());
    return 1;
  }
  installPeers();
  const nodes = chooseNodes(values.node);
  if (values.profile) {
    const only = new RegExp(values.contender ?? '^corral');
    await printProfiles({ suite, cases: chosen, nodes, only, quick: values.quick });
    return 0;
  }
  return measureAll(suite, cases, nodes);
}

async function measureAll(suite, cases, nodes) {
  const effort = {
    ...(values.quick ? efforts.quick : efforts.full),
    ...(values.launches && { launches: Number(values.launches) }),
  };
  const only = values.contender === undefined ? undefined : new RegExp(values.contender);
  const report = {
    suite,
    date: new Date().toISOString(),
    cpu: cpus()[0]?.model,
    effort,
    shared: values.shared,
    peers: peerVersions(),
    tables: [],
  };
  let failures = 0;
  for (const benchmark of cases) {
    if (isSkipped(benchmark)) continue;
    for (const [variant, params] of benchmark.variants.entries()) {
      if (values.quick && params.quick === false) continue;
      const measure = benchmark.kind === 'fresh' ? measureFresh : measureTogether;
      const { results, aims } = await measure({ suite, benchmark, variant, nodes, effort, only });
      const all = Object.values(results).flatMap((ofNode) => Object.values(ofNode));
      failures += all.filter((result) => result.error !== undefined).length;
      report.tables.push({
        case: benchmark.name,
        variant: params,
        unit: benchmark.unit,
        baseline: benchmark.baseline,
        results,
        aims,
      });
    }
  }
  if (values.json !== undefined) save(values.json, report);
  return failures === 0 ? 0 : 1;
}

/** One table, the Nodes side by side. */
async function measureTogether({ nodes, ...job }) {
  const results = {};
  for (const node of nodes) results[node.version] = await runVariant({ ...job, node, shared: values.shared });
  printTable({ benchmark: job.benchmark, variant: job.benchmark.variants[job.variant], nodes, results });
  return { results };
}

/** A table for each Node, the metrics side by side, and what became of the aims. */
async function measureFresh({ benchmark, variant, nodes, only }) {
  const results = {};
  const aims = [];
  const rounds = values.launches && Number(values.launches);
  for (const node of nodes) {
    const found = await runFresh({ benchmark, variant, node, quick: values.quick, rounds, only });
    const checked = checkAims({ benchmark, node, results: found });
    printFresh({ benchmark, node, results: found });
    printAims({ benchmark, aims: checked });
    results[node.version] = found;
    aims.push(...checked);
  }
  return { results, aims };
}

function chooseCases(cases) {
  return values.case.length === 0 ? cases : [...new Set(values.case.map((wanted) => findCase(cases, wanted)))];
}

function findCase(cases, wanted) {
  const exact = cases.find(({ name }) => name === wanted);
  const found = exact === undefined ? cases.filter(({ name }) => name.startsWith(wanted)) : [exact];
  if (found.length === 1) return found[0];
  fail(
    `Cannot choose the case as --case has to name one of ${cases.map(({ name }) => name).join(', ')}: current value is ${wanted}`,
  );
}

function parseCommandLine() {
  try {
    const parsed = parseArgs({
      allowPositionals: true,
      options: {
        case: { type: 'string', multiple: true, default: [] },
        contender: { type: 'string' },
        node: { type: 'string' },
        quick: { type: 'boolean', default: false },
        launches: { type: 'string' },
        shared: { type: 'boolean', default: false },
        profile: { type: 'boolean', default: false },
        package: { type: 'string' },
        against: { type: 'string' },
        json: { type: 'string' },
        list: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (parsed.values.shared && parsed.values.against !== undefined) {
      fail('Cannot compare two builds with --shared as each needs processes of its own');
    }
    if (parsed.values.launches !== undefined && !(Number(parsed.values.launches) >= 1)) {
      fail(`Cannot launch as --launches has to be 1 or more: current value is ${parsed.values.launches}`);
    }
    return parsed;
  } catch (error) {
    return fail(error.message);
  }
}

function fail(message) {
  console.error(message);
  process.exit(2);
}

function save(file, report) {
  const path = fromUser(file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify(report, null, 1)}\n`);
  console.log(`\nWritten to ${file}`);
}

/** npm runs scripts in the folder of the manifest; a relative path means where the user stands. */
function fromUser(path) {
  return resolve(process.env.INIT_CWD ?? process.cwd(), path);
}
