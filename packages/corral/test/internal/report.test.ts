import assert from 'node:assert/strict';
import { test } from 'node:test';
import { abortable, run, sleep, withScope, type Scope } from '../../src/index.ts';
import { installReporter, report } from '../../src/internal/report.ts';

/** What is printed while `body` runs. */
function printedBy(body: () => void): unknown[][] {
  const { error } = console;
  const lines: unknown[][] = [];
  console.error = (...values: unknown[]) => void lines.push(values);
  try {
    body();
  } finally {
    console.error = error;
  }
  return lines;
}

test('report: prints the error and where it came from when nobody else takes it', () => {
  const error = new Error('late');
  const [line] = printedBy(() => report(error, 'somewhere'));
  assert.deepEqual(line, ['corral: somewhere:', error]);
});

test('installReporter: puts another reporter in force and returns the one before', () => {
  const seen: unknown[] = [];
  const before = installReporter((error, where) => void seen.push(error, where));
  report('error', 'where');
  assert.notEqual(installReporter(before), before);
  assert.deepEqual(seen, ['error', 'where']);
});

test('report: a reporter that fails is printed, with the error that it was given; nothing is thrown', () => {
  const before = installReporter(() => {
    throw new Error('reporter');
  });
  try {
    const [line] = printedBy(() => report(new Error('given'), 'somewhere'));
    assert.deepEqual(line?.map(String), ['corral: the error reporter failed:', 'Error: reporter', 'Error: given']);
  } finally {
    installReporter(before);
  }
});

/** A root in which a cancel callback, an abort listener and an abandoned promise fail. */
async function failing(name: string, seen: string[]): Promise<void> {
  let reject: ((error: Error) => void) | undefined;
  const promise = new Promise<never>((_, no) => (reject = no));
  const main = (scope: Scope): Promise<void> =>
    withScope(async (inner) => {
      inner.onCancel(() => {
        throw new Error(`${name} callback`);
      });
      inner.signal.addEventListener('abort', () => {
        throw new Error(`${name} listener`);
      });
      const waiting = abortable(promise, { abandon: true });
      await sleep(0, { scope });
      inner.cancel();
      await waiting;
    });
  await run(main, { signals: false, onError: (error) => void seen.push((error as Error).message) });
  reject?.(new Error(`${name} late`));
  await promise.catch(() => {});
}

test('run: onError gets what fails in its own root, and nothing of another that runs at the same time', async () => {
  const [a, b]: string[][] = [[], []];
  await Promise.all([failing('a', a as string[]), failing('b', b as string[])]);
  assert.deepEqual(a, ['a callback', 'a listener', 'a late']);
  assert.deepEqual(b, ['b callback', 'b listener', 'b late']);
});
