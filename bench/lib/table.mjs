/** Prints the results of a variant: a row for each contender, a group of columns for each Node. */

import { paramsOf } from './suite.mjs';

export function printTable({ benchmark, variant, nodes, results, out = console.log }) {
  printMetric({
    title: `${benchmark.title}${caption(variant)}`,
    unit: benchmark.unit,
    metric: 'cpu',
    benchmark,
    variant,
    nodes,
    results,
    out,
  });
  if (nodes.some((node) => Object.values(results[node.version]).some((result) => result.part !== undefined))) {
    printMetric({
      title: `  of that: ${benchmark.part}`,
      unit: benchmark.unit,
      metric: 'part',
      benchmark,
      variant,
      nodes,
      results,
      out,
    });
  }
}

/** The results of a case in fresh processes: a row for each contender, a group of columns for each metric. */
export function printFresh({ benchmark, node, results, out = console.log }) {
  const { title, metrics } = benchmark;
  const notes = [];
  const rows = Object.entries(results).map(([name, result]) => {
    const reason = result.missing ?? result.error;
    if (reason !== undefined) notes.push(`${name}: ${firstLine(reason)}`);
    return [name, ...metrics.flatMap((metric) => freshCells(result[metric.name]))];
  });
  out(`\n${title} (${node.name})`);
  for (const line of align([['', ...metrics.flatMap((metric) => [metric.title, '×', '±'])], ...rows])) out(line);
  for (const note of notes) out(`  ${note}`);
}

/** Both the ratio and its spread are those of the pairs of the same round. */
function freshCells(summary) {
  if (summary === undefined) return ['–', '', ''];
  const { median, ratio } = summary;
  return [
    formatNumber(median),
    ...(ratio ? [formatNumber(ratio.median), `${Math.round(ratio.spread * 100)}%`] : ['', '']),
  ];
}

function caption({ label }) {
  return label === undefined ? '' : `, ${label}`;
}

function printMetric({ title, unit, metric, benchmark, variant, nodes, results, out }) {
  const names = benchmark.contenders
    .map(({ name }) => name)
    .filter((name) => nodes.some((node) => name in results[node.version]));
  const notes = new Set();
  const rows = names.map((name) => [
    name,
    ...nodes.flatMap((node) => cells(name, node, metric, benchmark, results[node.version], notes)),
  ]);
  const head = ['', ...nodes.flatMap((node) => [`${node.major}: ${unit}`, '×', '±'])];
  out(`\n${title} (${nodes.map((node) => node.name).join(', ')})`);
  for (const line of align([head, ...rows])) out(line);
  for (const note of [...notes, ...differences(benchmark, variant, names)]) out(`  ${note}`);
}

/** Who runs with other parameters than the rest, unless that is all that tells the contenders apart. */
function differences(benchmark, variant, names) {
  const notes = [];
  for (const contender of benchmark.contenders.filter(({ name }) => names.includes(name))) {
    const params = paramsOf(contender, variant);
    const changed = Object.keys(variant).filter((key) => params[key] !== variant[key]);
    for (const key of changed) notes.push(`${contender.name}: ${key} ${formatNumber(params[key])}`);
  }
  return notes;
}

function cells(name, node, metric, benchmark, results, notes) {
  const result = results[name];
  if (result?.error !== undefined) notes.add(`${name} (${node.name}): ${firstLine(result.error)}`);
  const summary = result?.[metric];
  if (summary === undefined) return ['–', '', ''];
  const { needs } = benchmark.contenders.find((contender) => contender.name === name);
  const mark = needs > node.major ? '*' : '';
  if (mark !== '') notes.add(`* its authors support Node ${needs} and later only`);
  const base = results[benchmark.baseline]?.[metric]?.median;
  const ratio = base > 0 ? formatNumber(summary.median / base) : '';
  return [`${formatNumber(summary.median)}${mark}`, ratio, `${Math.round(summary.spread * 100)}%`];
}

function firstLine(text) {
  return text.split('\n', 1)[0];
}

/** Three digits are more than such a machine can promise. */
export function formatNumber(value) {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US').replaceAll(',', ' ');
  return value.toFixed(Math.abs(value) >= 10 ? 1 : 2);
}

export function align(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column] + (column % 3 === 1 ? 2 : 0)),
      )
      .join(' '),
  );
}
