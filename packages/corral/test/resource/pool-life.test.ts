// What a pool does to the process that it lives in, seen from outside.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { execFile } from 'node:child_process';
import { AsyncLocalStorage } from 'node:async_hooks';
import { promisify } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { ContextVariable, Pool, sleep, taskGroup } from '../../src/index.ts';

const node = process.versions['bun'] === undefined && process.versions['deno'] === undefined;
const INDEX = new URL('../../src/index.js', import.meta.url).href;

test('Pool: its timer does not keep the process alive', { skip: !node && 'needs node' }, async () => {
  const program = `
    import { Pool } from ${JSON.stringify(INDEX)};
    const pool = new Pool({ create: () => ({}), idleMs: 3_600_000, lifetimeMs: 3_600_000 });
    await pool.use(() => {});
    console.log(pool.snapshot().idle);`;
  const args = ['--input-type=module', '--eval', program];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 30_000 });
  assert.equal(stdout, '1\n');
});

test('close: what never ends to be made does not keep the process alive', { skip: !node && 'needs node' }, async () => {
  const program = `
    import { Pool } from ${JSON.stringify(INDEX)};
    const pool = new Pool({ create: () => new Promise(() => {}), createTimeoutMs: 3_600_000, drainMs: 1 });
    pool.acquire().catch((error) => console.log(error.name));
    await pool.close().catch((error) => console.log(error.name));`;
  const args = ['--input-type=module', '--eval', program];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 30_000 });
  assert.equal(stdout, 'ClosedResourceError\nTimeoutError\n');
});

test('Pool: keeps nothing of the context in which it was made or used', { skip: !node && 'needs node' }, async () => {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  const variable = new ContextVariable<object>({ name: 'request' });
  const foreign = new AsyncLocalStorage<object>();
  const refs: WeakRef<object>[] = [];
  const request = (body: () => unknown): Promise<void> => {
    const [own, other] = [{}, {}];
    refs.push(new WeakRef(own), new WeakRef(other));
    return foreign.run(other, () => variable.run(own, async () => void (await body())));
  };
  let pool!: Pool<object>;
  await taskGroup(async (group) => {
    const task = group.spawn(() =>
      request(async () => {
        pool = new Pool({ create: () => sleep(1).then(() => ({})), idleMs: 3_600_000, max: 2 });
        const one = await pool.acquire();
        const two = await pool.acquire();
        one.release();
        two.destroy();
      }),
    );
    await task.join();
    await group.spawn(() => request(() => pool.use(() => {}))).join();
  });
  for (let turn = 0; turn < 10 && refs.some((ref) => ref.deref()); turn++) {
    await new Promise((resolve) => void setTimeout(resolve, 5));
    gc();
  }
  assert.deepEqual(
    refs.map((ref) => ref.deref()),
    [undefined, undefined, undefined, undefined],
  );
  await pool.close();
});
