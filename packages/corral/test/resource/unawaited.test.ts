import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pool, ResourceStack, open, resource, sleep, use, withScope } from '../../src/index.ts';
import { virtually } from '../core/virtually.ts';
import { unhandledOf } from '../internal/observe.ts';

test('use, open, enter: what is not awaited is no unhandled rejection when its scope ends or is cancelled', async () => {
  const slow = resource(async function* () {
    await sleep(1_000);
    yield 1;
  });
  const calls: (() => Promise<unknown>)[] = [
    () => open(slow()),
    () => use(slow(), () => {}),
    () => new ResourceStack().enter(slow()),
    () => new Pool({ create: () => sleep(1_000) }).use(() => {}),
    () => new Pool({ create: () => 1 }).use(() => sleep(1_000)),
  ];
  const unhandled = await unhandledOf(
    virtually(async () => {
      for (const call of calls) {
        await withScope(async () => {
          void call();
          await sleep(1);
        });
        await withScope(async (scope) => {
          void call();
          await sleep(1);
          scope.cancel();
          void call();
        });
      }
    }),
  );
  assert.deepEqual(unhandled, []);
});
