import { Pool, ResourceStack, open, resource, resourceStack, use } from '../../src/index.ts';
import type { Lease, OpenResource, Resource } from '../../src/index.ts';
import { expectType } from './equal.ts';

class Session {
  readonly user: string = 'ada';
}

// What a generator yields is the value, whatever else it does; its parameters are the function's.
const getSession = resource(async function* (user: string, retries?: number) {
  if (user === '' && retries === 0) return;
  yield new Session();
});
expectType<(user: string, retries?: number) => Resource<Session>>()(getSession);
expectType<Resource<number>>()(
  resource(function* () {
    yield 1;
  })(),
);
// @ts-expect-error: the user is wanted
getSession();
// @ts-expect-error: a function that is no generator
resource(async () => 1);

// An error that is suppressed leaves no value, unless the resource is known not to suppress any.
expectType<string | undefined>()(await use(getSession('a'), (session) => session.user));
const strict = resource(
  async function* () {
    yield new Session();
  },
  { suppresses: false },
);
expectType<Resource<Session, never>>()(strict());
expectType<string>()(await use(strict(), async (session) => session.user));

// What is open already never suppresses. Something disposable is its own value.
declare const disposable: Session & AsyncDisposable;
declare const closeable: { readonly value: Session; close(): Promise<void> };
expectType<Session & AsyncDisposable>()(await use(disposable, (value) => value));
expectType<Session>()(await use(closeable, (value) => value));
// @ts-expect-error: nothing to close
await use({ value: 1 }, () => 1);
// @ts-expect-error: nothing to dispose
await use(new Session(), () => 1);

expectType<OpenResource<Session>>()(await open(getSession('a')));
expectType<Session>()((await open(strict())).value);
expectType<Session>()((await open(closeable)).value);

const stack = new ResourceStack();
expectType<Session>()(await stack.enter(getSession('a')));
expectType<Session>()(await stack.enter(strict()));
expectType<Session>()(await stack.enter(closeable));
expectType<Session & AsyncDisposable>()(await stack.enter(disposable));
expectType<() => number>()(stack.callback(() => 1));
expectType<number | undefined>()(await use(new ResourceStack(), (inner) => inner.size));
expectType<number | undefined>()(await resourceStack(async (inner) => inner.size));

// A pool lends what it makes.
const pool = new Pool({ create: async () => new Session(), validate: (session) => session.user !== '', max: 2 });
expectType<Pool<Session>>()(pool);
expectType<Lease<Session>>()(await pool.acquire());
expectType<Session>()((await pool.acquire()).value);
expectType<string>()(await pool.use(async (session) => session.user));
expectType<boolean>()(await pool.use((_session, lease) => lease.held));
// @ts-expect-error: misspelt
void new Pool({ create: () => 1, order: 'random' });
// @ts-expect-error: nothing to make them with
void new Pool({ max: 1 });
