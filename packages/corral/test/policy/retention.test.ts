import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  ContextVariable,
  cache,
  createLimit,
  debounce,
  moveOnAfter,
  singleFlight,
  sleep,
  taskGroup,
  throttle,
} from '../../src/index.ts';

const versions = (globalThis as { process?: { versions: Record<string, string | undefined> } }).process?.versions;
const skip = versions?.['bun'] || versions?.['deno'] ? 'needs V8 flags' : false;

async function collected(made: readonly WeakRef<object>[]): Promise<boolean> {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  for (let attempt = 0; attempt < 10; attempt++) {
    // An operation of another context: the engine and the library may hold on to the last one.
    await sleep(1);
    gc();
    if (made.every((ref) => ref.deref() === undefined)) return true;
  }
  return false;
}

const variable = new ContextVariable<object>();

/** Calls in a context that holds an object, with another one as an argument; gives weak references to both. */
async function callOnce(call: (argument: object) => Promise<unknown>): Promise<WeakRef<object>[]> {
  const context = { big: 'context' };
  const argument = { big: 'argument' };
  await taskGroup(async (group) => {
    variable.run(context, () => void group.spawn(() => call(argument)));
  });
  return [new WeakRef(context), new WeakRef(argument)];
}

const work = async (_argument: object): Promise<string> => {
  await sleep(1);
  return 'value';
};

const wrappers: Readonly<Record<string, () => (argument: object) => Promise<unknown>>> = {
  createLimit: () => {
    const run = createLimit(1);
    return (argument) => run(work, argument);
  },
  singleFlight: () => singleFlight(work),
  'cache, the key apart': () => cache(work, { key: () => 'key' }),
  'debounce, trailing': () => debounce(work, { waitMs: 2 }),
  'debounce, leading': () => debounce(work, { waitMs: 2, leading: true, trailing: false }),
  throttle: () => throttle(work, { perMs: 2 }),
};

for (const [name, make] of Object.entries(wrappers)) {
  test(`${name}: keeps neither the context nor the arguments of a call that has ended`, { skip }, async () => {
    const call = make();
    const made = await callOnce(call);
    assert.ok(await collected(made));
    // It still is there: it did not go with them.
    assert.equal(typeof call, 'function');
  });

  test(`${name}: keeps neither the context nor the arguments of a call that was cancelled`, { skip }, async () => {
    const call = make();
    const made = await callOnce((argument) => moveOnAfter(0, () => call(argument)));
    assert.ok(await collected(made));
    assert.equal(typeof call, 'function');
  });
}
