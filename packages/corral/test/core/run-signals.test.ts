import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startProgram } from './fixtures/start-program.ts';

const skip = process.platform === 'win32' ? 'there are no signals on Windows' : false;
const SIGNALS = [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const;

for (const [signal, code] of SIGNALS) {
  // asyncio test_runners.py::RunnerTests::test_interrupt_wait
  test(
    `run: ${signal} asks to stop, cancels main, kind shutdown, waits for clean-up and exits with ${code}`,
    { skip },
    async () => {
      const ended = await startProgram('patient', { signal, after: 'ready' });
      assert.deepEqual(ended.lines, [
        'ready',
        'asked to stop true false',
        `cancelled shutdown ${signal}`,
        'cleaned up',
        `returned  ${code}`,
      ]);
      assert.deepEqual([ended.code, ended.errors], [code, '']);
    },
  );

  test(`run: a second signal, ${signal}, exits at once with ${code}`, { skip }, async () => {
    const ended = await startProgram(
      'stubborn for long',
      { signal: 'SIGINT', after: 'ready' },
      { signal, after: 'asked to stop' },
    );
    assert.deepEqual(ended.lines, ['ready', 'asked to stop']);
    assert.equal(ended.code, code);
  });
}

test('run: a second signal while it drains exits at once, too', { skip }, async () => {
  const ended = await startProgram(
    'long drain',
    { signal: 'SIGTERM', after: 'ready' },
    { signal: 'SIGTERM', after: 'asked to stop' },
  );
  assert.deepEqual(ended.lines, ['ready', 'asked to stop true false']);
  assert.equal(ended.code, 143);
});

test('drainMs: a main that finishes in time returns its value, and the exit code is left alone', { skip }, async () => {
  const ended = await startProgram('polite', { signal: 'SIGTERM', after: 'ready' });
  assert.deepEqual(ended.lines, ['ready', 'finished true false', 'returned value ']);
  assert.deepEqual([ended.code, ended.signal], [0, null]);
  const own = await startProgram('polite with an exit code', { signal: 'SIGTERM', after: 'ready' });
  assert.equal(own.code, 3);
});

test('drainMs: a main that does not finish in time is cancelled', { skip }, async () => {
  const ended = await startProgram('short drain', { signal: 'SIGTERM', after: 'ready' });
  assert.deepEqual(ended.lines, [
    'ready',
    'asked to stop true false',
    'cancelled shutdown SIGTERM',
    'cleaned up',
    'returned ',
  ]);
  assert.equal(ended.code, 143);
});

test('graceMs: what is still alive after it is listed, and the exit code is 1', { skip }, async () => {
  const ended = await startProgram('stubborn', { signal: 'SIGTERM', after: 'ready' });
  assert.equal(ended.code, 1);
  assert.match(ended.errors, /^corral: still alive 50 ms after the cancellation:\nprogram \(cancelled: shutdown\)/);
  assert.match(ended.errors, /─ mule #\d+ cancelling/);
  assert.match(ended.errors, /─ shield: waits for sleep/);
});

test('run: all tasks are asked to stop and cancelled, and what is detached as well', { skip }, async () => {
  const ended = await startProgram('stops tasks', { signal: 'SIGINT', after: 'ready' });
  assert.deepEqual(ended.lines.slice(0, 3), ['ready', 'first asked to stop true', 'second asked to stop true']);
  assert.deepEqual(ended.lines.slice(3).sort(), ['detached cancelled', 'first cancelled', 'second cancelled']);
  assert.equal(ended.code, 130);
});

test(
  'run: a main that swallows the cancellation and returns has finished by itself: its value, no exit code',
  { skip },
  async () => {
    const ended = await startProgram('swallows', { signal: 'SIGINT', after: 'ready' });
    assert.deepEqual(ended.lines, ['ready', 'returned value']);
    assert.equal(ended.code, 0);
  },
);

test('run: a main that fails while it is stopped rejects with its error', { skip }, async () => {
  const ended = await startProgram('fails while it is stopped', { signal: 'SIGINT', after: 'ready' });
  assert.match(ended.errors, /while stopping/);
  assert.notEqual(ended.code, 0);
  const caught = await startProgram('fails while it is stopped, and is caught', { signal: 'SIGINT', after: 'ready' });
  assert.deepEqual(caught.lines, ['ready', 'Error: while stopping']);
  assert.equal(caught.code, 130);
});

test('run: several roots share one handler, and each is stopped', { skip }, async () => {
  const ended = await startProgram('two roots', { signal: 'SIGINT', after: 'ready' });
  assert.deepEqual(ended.lines, ['one 1', 'two 1', 'ready', 'one cancelled', 'two cancelled', 'left 0']);
  assert.equal(ended.code, 130);
});

test('run: its handlers are taken away at the end, and a signal then ends the process as usual', { skip }, async () => {
  const ended = await startProgram('restored', { signal: 'SIGTERM', after: 'ready' });
  assert.deepEqual(ended.lines, ['inside 1', 'after 0', 'ready']);
  assert.equal(ended.signal, 'SIGTERM');
});

test('{ signals: false }: signals are not its business', { skip }, async () => {
  const ended = await startProgram('without signals', { signal: 'SIGTERM', after: 'ready' });
  assert.deepEqual(ended.lines, ['ready']);
  assert.equal(ended.signal, 'SIGTERM');
});
