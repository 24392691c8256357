import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runModule } from '../internal/library-copy.ts';

test('policies: without AsyncLocalStorage they work with the scope by hand, and say so without', async () => {
  const { code, output, errors } = await runModule(new URL('without-ambient.program.js', import.meta.url));
  assert.equal(code, 0, errors);
  const lines = JSON.parse(output) as unknown[];
  assert.deepEqual(lines.slice(0, 7), [
    3,
    'TimeoutError: Timed out after 5 ms in slow',
    'TimeoutError: Timed out after 5 ms in slow',
    2,
    'called',
    'Error: failure',
    2,
  ]);
  const names = ['retry', 'CircuitBreaker\\.run', 'RateLimiter\\.acquire', 'hedge'];
  for (const [nth, name] of names.entries()) {
    assert.match(String(lines[7 + nth]), new RegExp(`^TypeError: Cannot call .*${name}\\(…, \\{ scope \\}\\)`));
  }
  assert.equal(lines[11], 0);
});
