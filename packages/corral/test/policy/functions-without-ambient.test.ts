// An engine without AsyncLocalStorage, as browsers are: the scope handle is passed by hand.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runModule } from '../internal/library-copy.ts';

test('policies: where nothing is ambient callIn and { scope } do, and functions get their scope as this', async () => {
  const { code, output, errors } = await runModule(new URL('functions-without-ambient.program.js', import.meta.url));
  assert.equal(code, 0, `${output}\n${errors}`);
  const { 'without a scope': refused, ...outcomes } = JSON.parse(output) as Record<string, unknown>;
  assert.deepEqual(outcomes, {
    limit: 2,
    createLimit: 2,
    'createLimit.map': [1, 2],
    Bulkhead: 'ran',
    singleFlight: 4,
    cache: [6, 8, 2],
    debounce: 10,
    throttle: 12,
    fromCallback: 'called',
    promisify: 'tick',
    nextEvent: 'ping',
  });
  assert.match(String(refused), /^TypeError: .*: use slowly\.callIn\(scope, …\)$/);
});
