/** `--dry-run`: what would be fetched, and to where. */
import { InputReader } from './input/read-input.ts';
import { plan, type PlannerContext } from './planner.ts';
import { Stdout } from './stdout.ts';

/**
 * Prints a line for each item; nothing is sent and nothing is written. Gives the exit code: 1 if lines are malformed.
 *
 * Cancellable: while it reads.
 */
export async function dryRun(context: PlannerContext): Promise<number> {
  const { urls, inputs, format, json } = context.options;
  const stdout = new Stdout();
  let bad = 0;
  for await (const entry of new InputReader({ urls, files: inputs, format }).entries()) {
    if (entry.item === undefined) {
      bad++;
      process.stderr.write(`corral: ${entry.bad.message}\n`);
      continue;
    }
    await stdout.room();
    if (stdout.error !== undefined) return 1;
    const { id, url } = entry.item;
    const planned = await plan(entry.item, context);
    const { what, file } = planned.what === 'fetch' ? planned : { what: planned.line.outcome, file: planned.line.file };
    if (json) stdout.write(`${JSON.stringify({ id, url, what, file })}\n`);
    else stdout.write(`${what}\t${url}\t${file === null ? '-' : context.folders.path(file)}\n`);
  }
  return bad > 0 ? 1 : 0;
}
