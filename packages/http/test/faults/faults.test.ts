import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startFaultServer } from './server.ts';

test('faultd: records what arrived and echoes it', async () => {
  await using server = await startFaultServer();
  const answer = await fetch(server.url('echo', { status: 201 }), {
    method: 'POST',
    body: 'hello',
    headers: { 'X-a': 'b' },
  });
  const echo = (await answer.json()) as { method: string; body: string; headers: [string, string][] };
  assert.equal(answer.status, 201);
  assert.equal(echo.method, 'POST');
  assert.equal(echo.body, 'hello');
  const [request] = server.requests;
  assert.equal(request?.headers['x-a'], 'b');
  assert.equal(request?.bodyComplete, true);
});
