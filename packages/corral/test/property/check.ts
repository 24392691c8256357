/** Holds random programs against the invariants and prints the failing one so that it can be replayed. */

import * as fc from 'fast-check';
import { execute, stuck } from './interpreter.ts';
import { programs, type Program, type Size } from './program.ts';

/** How a property is run. */
export interface Runs {
  readonly numRuns: number;
  readonly size: Size;
  /** Of fast-check: which programs are made. Default: another one each time. */
  readonly seed?: number | undefined;
}

/** What a program did wrong, with and without a seed that shuffles the ready order. */
export async function faultsOf(program: Program, seed: number): Promise<readonly string[]> {
  if (stuck) return [];
  const plain = await execute(program);
  if (stuck) return plain.problems;
  const again = await execute(program);
  const shuffled = await execute(program, seed);
  const reshuffled = await execute(program, seed);
  return [
    ...plain.problems.map((text) => `without a seed: ${text}`),
    ...shuffled.problems.map((text) => `with the seed: ${text}`),
    ...differences(plain.trace, again.trace).map((text) => `without a seed the traces differ: ${text}`),
    ...differences(shuffled.trace, reshuffled.trace).map((text) => `with the same seed the traces differ: ${text}`),
    ...outOfOrder(plain.world.starts).map((text) => `tasks started out of order: ${text}`),
    ...wokenOutOfOrder(plain.world.wakes).map((text) => `sleepers woke out of order: ${text}`),
  ];
}

/** Runs the property; throws with a program to replay. */
export async function holdsFor({ numRuns, size, seed }: Runs): Promise<void> {
  const property = fc.asyncProperty(programs(size), fc.integer(), async (program, shuffle) => {
    const faults = await faultsOf(program, shuffle);
    if (faults.length > 0) throw new Error(faults.slice(0, 8).join('\n'));
  });
  const result = await fc.check(property, { numRuns, ...(seed !== undefined && { seed }) });
  if (!result.failed) return;
  const [program, shuffle] = result.counterexample ?? [];
  const replay = JSON.stringify({ program, seed: shuffle });
  const error = result.errorInstance instanceof Error ? result.errorInstance.message : String(result.errorInstance);
  throw new Error(
    `${error}\nafter ${result.numRuns} programs, shrunk ${result.numShrinks} times (fast-check seed ${result.seed})\n` +
      `replay: CORRAL_REPLAY='${replay.replaceAll("'", "'\\''")}' node --test <the compiled programs.test.js>`,
  );
}

/** Replays what `holdsFor` has printed: the trace goes to the console. */
export async function replay(text: string): Promise<readonly string[]> {
  const { program, seed } = JSON.parse(text) as { program: Program; seed: number };
  for (const [what, result] of [
    ['without a seed', await execute(program)],
    ['with the seed', await execute(program, seed)],
  ] as const) {
    console.log(`--- ${what}\n${result.trace.join('\n')}`);
  }
  return faultsOf(program, seed);
}

function differences(one: readonly string[], other: readonly string[]): string[] {
  const index = one.findIndex((line, at) => other[at] !== line);
  if (index < 0 && one.length === other.length) return [];
  const at = index < 0 ? Math.min(one.length, other.length) : index;
  return [`line ${at}: ${one[at]} / ${other[at]}`];
}

function outOfOrder(orders: readonly number[]): string[] {
  const wrong = orders.findIndex((order, index) => index > 0 && order < (orders[index - 1] as number));
  return wrong < 0 ? [] : [orders.join(' ')];
}

function wokenOutOfOrder(wakes: readonly { readonly at: number; readonly order: number }[]): string[] {
  const wrong = wakes.findIndex((wake, index) => {
    const before = wakes[index - 1];
    return before !== undefined && (wake.at < before.at || (wake.at === before.at && wake.order < before.order));
  });
  return wrong < 0 ? [] : [wakes.map(({ at, order }) => `${order} (${at})`).join(' ')];
}
