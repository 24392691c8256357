// A program for an engine as browsers are: no AsyncLocalStorage. It prints what each policy gave with the scope by hand.
import process from 'node:process';
// Types only: the library itself is imported when the engine has been stripped.
import type { Scope } from '../../src/index.ts';

Object.defineProperty(process, 'getBuiltinModule', { value: undefined, configurable: true });
Reflect.deleteProperty(globalThis, 'AsyncLocalStorage');

const {
  Bulkhead,
  cache,
  createLimit,
  debounce,
  fromCallback,
  limit,
  nextEvent,
  promisify,
  run,
  singleFlight,
  throttle,
} = await import('../../src/index.ts');

async function slowly(this: Scope | undefined, n: number): Promise<number> {
  await this?.sleep(1);
  return 2 * n;
}

const tick = promisify((callback: (error: unknown, value?: string) => void) => setTimeout(callback, 1, null, 'tick'));
const target = new EventTarget();

const calls: Readonly<Record<string, (scope: Scope) => unknown>> = {
  limit: (scope) => limit(slowly, 1).callIn(scope, 1),
  createLimit: (scope) => createLimit(1).callIn(scope, (n: number) => scope.sleep(1).then(() => n), 2),
  'createLimit.map': (scope) => createLimit(1).map([1, 2], (n) => n, { scope }),
  Bulkhead: (scope) => new Bulkhead().run(() => scope.sleep(1).then(() => 'ran'), { scope }),
  singleFlight: (scope) => singleFlight(slowly).callIn(scope, 2),
  cache: async (scope) => {
    const cached = cache(slowly);
    return [await cached.callIn(scope, 3), await cached.refreshIn(scope, 4), cached.snapshot().size];
  },
  debounce: (scope) => debounce(slowly, { waitMs: 1 }).callIn(scope, 5),
  throttle: (scope) => throttle(slowly, { perMs: 1, leading: false }).callIn(scope, 6),
  fromCallback: (scope) => fromCallback((done) => void setTimeout(done, 1, null, 'called'), { scope }),
  promisify: (scope) => tick.callIn(scope),
  nextEvent: (scope) => {
    setTimeout(() => target.dispatchEvent(new Event('ping')), 1);
    return nextEvent(target, 'ping', { scope }).then((event) => event.type);
  },
  'without a scope': () => limit(slowly, 1)(1).catch((error: unknown) => String(error)),
};

const outcomes: Record<string, unknown> = {};
for (const [name, call] of Object.entries(calls)) {
  outcomes[name] = await run((scope) => call(scope), { signals: false });
}
console.log(JSON.stringify(outcomes));
process.exit(0);
