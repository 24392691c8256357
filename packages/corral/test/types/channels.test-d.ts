/** Types of queues, channels, broadcasts and select. */

import {
  Broadcast,
  Event,
  Queue,
  after,
  channel,
  select,
  type Receiver,
  type Selectable,
  type Sender,
  type Subscription,
  type Task,
} from '../../src/index.ts';
import { expectType } from './equal.ts';

export async function channels(task: Task<boolean>): Promise<void> {
  const [sender, receiver] = channel<number>(1);
  expectType<Sender<number>>()(sender);
  expectType<Receiver<number>>()(receiver);
  expectType<Promise<number>>()(receiver.receive());
  expectType<number | undefined>()(receiver.tryReceive());
  expectType<boolean>()(sender.trySend(1));
  // @ts-expect-error a value of another type
  void sender.send('1');
  // @ts-expect-error a capacity is needed
  channel<number>();
  channel<number>(1, { overflow: 'conflate', merge: (kept, next) => expectType<number>()(kept) ?? next });
  // @ts-expect-error no such word
  channel<number>(1, { overflow: 'drop' });
  for await (const value of receiver) expectType<number>()(value);

  const queue = new Queue<string>({ order: 'priority', compare: (one, other) => one.localeCompare(other) });
  expectType<Promise<string>>()(queue.get());
  expectType<Promise<string[]>>()(queue.getMany(5));
  expectType<string[]>()(queue.shutdown());
  for await (const value of queue) expectType<string>()(value);
  // @ts-expect-error the items are strings
  queue.tryPut(5);
  // @ts-expect-error options are an object
  void new Queue<string>(5);

  const subscription = new Broadcast<Date>().subscribe();
  expectType<Subscription<Date>>()(subscription);
  for await (const value of subscription) expectType<Date>()(value);

  const result = await select({
    number: receiver,
    text: queue,
    day: subscription,
    task,
    event: new Event(),
    put: queue.putting('x'),
    send: sender.sending(1),
    late: after(5),
  });
  if (result.key === 'number') expectType<number>()(result.value);
  else if (result.key === 'text') expectType<string>()(result.value);
  else if (result.key === 'day') expectType<Date>()(result.value);
  else if (result.key === 'task') expectType<boolean>()(result.value);
  else expectType<'event' | 'put' | 'send' | 'late'>()(result.key);
  // @ts-expect-error no such branch
  if (result.key === 'other') return;

  const maybe: Receiver<number> | undefined = receiver.closed ? undefined : receiver;
  const one = await select({ maybe, never: null, not: false });
  if (one.key === 'maybe') expectType<number>()(one.value);
  else expectType<never>()(one.value);

  const outcome = await select({ number: receiver, text: queue }, { settled: true });
  if (outcome.status === 'rejected') expectType<unknown>()(outcome.reason);
  else if (outcome.key === 'number') expectType<number>()(outcome.value);
  else expectType<string>()(outcome.value);

  // @ts-expect-error a sender is no branch: sender.sending(value) is
  void select({ sender });
  // @ts-expect-error a promise is no branch
  void select({ promise: Promise.resolve(1) });

  const many: Record<string, Selectable<number>> = { a: receiver };
  expectType<{ readonly key: string; readonly value: number }>()(await select(many));
}
