/** A suite is a file `bench/<name>/index.mjs` whose default export lists cases. */
import { existsSync } from 'node:fs';

/**
 * A case: `{ name, title, unit, kind, variants, baseline, contenders, expect, units, part, execArgv }`.
 *
 * - `variants`: parameter records, each a table; `label` is its caption, `quick: false` leaves it out of `--quick`.
 * - `contenders`: `{ name, load(params) -> body, params?(variant), needs? }`; `params` changes some parameters for one that
 *   would take too long, `needs` is the oldest Node major that its authors support.
 * - `body(iterations, params, part)` does the work and returns what `expect(iterations, params)` returns too.
 * - `units(iterations, params)`: how many units (tasks, items, calls) that was; the numbers are per unit.
 * - `part`: caption of the stretch between `part.begin()` and `part.end()`.
 * - `kind: 'heap'`: `body(count)` starts that many tasks and resolves, once they wait, to `{ pending() }`.
 */
export async function loadSuite(name) {
  const file = new URL(`../${name}/index.mjs`, import.meta.url);
  if (!existsSync(file))
    throw new RangeError(`Cannot run the suite as there has to be bench/${name}/index.mjs: there is none`);
  return (await import(file.href)).default;
}

/** The parameters that a contender runs with. */
export function paramsOf(contender, variant) {
  return { ...variant, ...contender.params?.(variant) };
}
