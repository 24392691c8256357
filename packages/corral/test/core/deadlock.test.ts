import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startProgram } from './fixtures/start-program.ts';

test('run: a program in which nothing can be woken fails with DeadlockError after its clean-up', async () => {
  const ended = await startProgram('deadlock of a sleep');
  assert.deepEqual(ended.lines, ['cleaned up', 'DeadlockError true', 'program: waits for sleep forever']);
  assert.deepEqual([ended.code, ended.errors], [0, '']);
});

test('run: a foreign promise that nobody will settle is a DeadlockError instead of a silent exit 13', async () => {
  const ended = await startProgram('deadlock of a foreign promise');
  assert.deepEqual(ended.lines, ['DeadlockError true', 'program: waits for a foreign promise']);
  assert.equal(ended.code, 0);
});

const elsewhere = 'Bun' in globalThis || 'Deno' in globalThis;
test(
  'run: under a top-level await a deadlock is noticed, too',
  { skip: elsewhere && 'Bun and Deno wait for a pending top-level await without a word' },
  async () => {
    const ended = await startProgram('deadlock under a top-level await');
    assert.deepEqual(ended.lines, ['DeadlockError true', 'program: waits for sleep forever']);
    assert.equal(ended.code, 0);
  },
);

// asyncio test_tools.py::TestAsyncioToolsBasic::test_cycle_detection, as far as the tree of scopes tells it
test('run: tasks that wait for each other are named by the DeadlockError', async () => {
  const ended = await startProgram('deadlock of a cycle');
  assert.equal(ended.lines[0], 'DeadlockError true');
  const tree = ended.lines.slice(1).join('\n');
  assert.match(tree, /^program\n└─ taskGroup/);
  assert.match(tree, /─ chicken #\d+ running: waits for join egg/);
  assert.match(tree, /─ egg #\d+ running: waits for join chicken/);
});

test('run: a deadlock stays one when the clean-up fails', async () => {
  const ended = await startProgram('deadlock that fails on its way out');
  assert.equal(ended.lines[0], 'DeadlockError true');
});

test('run: while another root goes on there is no deadlock', async () => {
  const ended = await startProgram('deadlock of one of two roots');
  assert.deepEqual(ended.lines, ['the other goes on', 'DeadlockError true', 'program: waits for sleep forever']);
});

test('run: tasks that something foreign will wake are no deadlock', async () => {
  const ended = await startProgram('no deadlock while something foreign is under way');
  assert.deepEqual(ended.lines, ['returned']);
  assert.equal(ended.code, 0);
});
