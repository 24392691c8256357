import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { test } from 'node:test';
import {
  Broadcast,
  ContextVariable,
  Queue,
  after,
  channel,
  currentScope,
  select,
  sleep,
  taskGroup,
} from '../../src/index.ts';
import { virtually } from '../core/virtually.ts';

// Whoever hands something over runs in another context: who waited goes on in its own.
const user = new ContextVariable<string>({ defaultValue: 'nobody' });
const trace = new AsyncLocalStorage<string>();

const waits: Record<string, () => { wait: () => Promise<unknown>; wake: () => unknown }> = {
  'Queue.get': () => {
    const queue = new Queue<number>();
    return { wait: () => queue.get(), wake: () => queue.tryPut(1) };
  },
  'Queue.put': () => {
    const queue = new Queue<number>({ capacity: 1 });
    queue.tryPut(0);
    return { wait: () => queue.put(1), wake: () => queue.tryGet() };
  },
  'for await over a queue': () => {
    const queue = new Queue<number>();
    return { wait: () => queue.values().next(), wake: () => queue.tryPut(1) };
  },
  'Queue.join': () => {
    const queue = new Queue<number>();
    queue.tryPut(0);
    return { wait: () => queue.join(), wake: () => queue.taskDone() };
  },
  'Sender.send': () => {
    const [sender, receiver] = channel<number>(0);
    return { wait: () => sender.send(1), wake: () => receiver.tryReceive() };
  },
  'Receiver.receive': () => {
    const [sender, receiver] = channel<number>(0);
    return { wait: () => receiver.receive(), wake: () => sender.close() };
  },
  'Broadcast.send': () => {
    const news = new Broadcast<number>({ capacity: 1 });
    const own = news.subscribe();
    news.trySend(0);
    return { wait: () => news.send(1), wake: () => own.close() };
  },
  select: () => {
    const queue = new Queue<number>();
    return { wait: () => select({ queue, late: after(1_000) }), wake: () => queue.tryPut(1) };
  },
};

for (const [name, make] of Object.entries(waits)) {
  test(
    `${name}: who waited goes on in its own scope and context, whoever wakes it`,
    virtually(async () => {
      const { wait, wake } = make();
      await taskGroup(async (group) => {
        group.spawn(() =>
          trace.run('waiter', () =>
            user.run('waiter', async () => {
              const scope = currentScope();
              await wait().catch(() => {});
              assert.deepEqual([user.get(), trace.getStore(), currentScope()], ['waiter', 'waiter', scope]);
            }),
          ),
        );
        await sleep(1);
        group.spawn(() => trace.run('waker', () => user.run('waker', async () => void wake())));
      });
    }),
  );
}
