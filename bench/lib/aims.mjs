/** Says of each aim of a case whether it is met. An aim is `{ of, metric, than?, most | least }`. */
import { pairedRatio } from './fresh.mjs';
import { formatNumber } from './table.mjs';

export function checkAims({ benchmark, node, results }) {
  return benchmark.aims.map((aim) => ({ ...aim, node: node.version, ...verdict(aim, results) }));
}

export function printAims({ benchmark, aims, out = console.log }) {
  for (const aim of aims) {
    const { title } = benchmark.metrics.find(({ name }) => name === aim.metric);
    const bound = aim.most === undefined ? `at least ${aim.least}` : `at most ${aim.most}`;
    const wanted = `${aim.of}, ${title}: ${bound}${aim.than === undefined ? '' : ` × ${aim.than}`}`;
    const found =
      aim.value === undefined
        ? `not measured: ${aim.reason}`
        : `${aim.met ? 'met' : 'MISSED'}, ${formatNumber(aim.value)}`;
    out(`  aim (Node ${aim.node}) ${wanted}: ${found}`);
  }
}

function verdict({ of, metric, than, most, least }, results) {
  for (const name of than === undefined ? [of] : [of, than]) {
    const reason = whyNot(name, results[name]);
    if (reason !== undefined) return { reason };
  }
  const value =
    than === undefined
      ? results[of][metric].median
      : pairedRatio(results[of].samples, results[than].samples, metric).median;
  return { value, met: value <= (most ?? Infinity) && value >= (least ?? -Infinity) };
}

function whyNot(name, result) {
  if (result === undefined) return `${name} was not chosen`;
  return result.samples === undefined ? `${name} did not run` : undefined;
}
