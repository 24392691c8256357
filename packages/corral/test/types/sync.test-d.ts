import {
  Condition,
  Deferred,
  Lock,
  Once,
  RwLock,
  Semaphore,
  type Permit,
  type Scope,
  type WritePermit,
} from '../../src/index.ts';
import { expectType } from './equal.ts';

declare const scope: Scope;
declare const permit: Permit;

// hold gives what its body gives, promise or not
const semaphore = new Semaphore(1);
const held = semaphore.hold(() => 5);
const heldLater = new Lock().hold(async (inner) => inner.held, { scope });
const acquired = semaphore.acquire(2, { scope });
const tried = semaphore.tryAcquire();
expectType<Promise<number>>()(held);
expectType<Promise<boolean>>()(heldLater);
expectType<Promise<Permit>>()(acquired);
expectType<Permit | undefined>()(tried);
// @ts-expect-error a promise is not a body: it has started already
void semaphore.hold(Promise.resolve(1));
// @ts-expect-error a lock has no weight
void new Lock().hold(() => 1, { weight: 2 });

// a write permit can be downgraded, another cannot
const writing = new RwLock().acquireWrite();
const reading = new RwLock().acquireRead();
expectType<Promise<WritePermit>>()(writing);
expectType<Promise<Permit>>()(reading);
void new RwLock().holdWrite((inner) => inner.downgrade());
// @ts-expect-error
void new RwLock().holdRead((inner) => inner.downgrade());

// a condition wants proof
const condition = new Condition(new Lock());
const found = condition.waitFor(permit, () => 'value', { scope });
expectType<Promise<string>>()(found);
// @ts-expect-error the permit is missing
void condition.wait();
// @ts-expect-error the permit is missing
condition.notify();
// @ts-expect-error a semaphore is no lock
void new Condition(semaphore);

// values
const deferred = new Deferred<string>();
const value = deferred.wait();
const once = new Once(async (own) => own.name.length);
const made = once.run({ scope });
expectType<Promise<string>>()(value);
expectType<Promise<number>>()(made);
expectType<number | undefined>()(once.value);
new Deferred<void>().resolve();
// @ts-expect-error a value of another type
deferred.resolve(1);
