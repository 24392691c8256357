import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readArguments } from '../../src/fetch/arguments.ts';
import { HELP } from '../../src/fetch/help.ts';
import { UsageError } from '../../src/usage-error.ts';

const URL = 'http://example.test/';

function refuses(args: readonly string[], message: RegExp): void {
  test(`readArguments: refuses ${args.join(' ')}`, () => {
    assert.throws(
      () => readArguments(args),
      (error) => error instanceof UsageError && message.test(error.message),
    );
  });
}

test('readArguments: what is not given has its default', () => {
  const options = readArguments([URL]);
  assert.equal(options?.concurrency, 64);
  assert.equal(options?.perHost, 8);
  assert.equal(options?.name, '{host}/{path}');
  assert.equal(options?.onExist, 'skip');
  assert.equal(options?.retryMaxWaitMs, 120_000);
  assert.equal(options?.maxSizeBytes, 2 ** 30);
  assert.ok(options?.retryOn.has(503));
});

test('readArguments: reads every unit', () => {
  const args = ['--rate', '100/s', '--host-rate', '5/m', '--limit-rate', '20M', '--min-speed', '1K/30s'];
  const options = readArguments([...args, '--max-error-rate', '20%', '--timeout', '2m', '--retry-on', '500', URL]);
  assert.deepEqual(options?.rate, { limit: 100, perMs: 1_000 });
  assert.deepEqual(options?.hostRate, { limit: 5, perMs: 60_000 });
  assert.equal(options?.limitRate, 20 * 2 ** 20);
  assert.deepEqual(options?.minSpeed, { bytes: 1_024, overMs: 30_000 });
  assert.equal(options?.maxErrorRate, 0.2);
  assert.equal(options?.timeoutMs, 120_000);
  assert.deepEqual([...(options?.retryOn ?? [])], [500]);
});

test('readArguments: headers by name, the last one of a name wins', () => {
  const options = readArguments(['-H', 'X-A: 1', '-H', 'x-a:2', '-H', 'Accept: text/html, */*', URL]);
  assert.deepEqual({ ...options?.headers }, { 'x-a': '2', accept: 'text/html, */*' });
});

test('readArguments: --help is no error, whatever else is there', () =>
  assert.equal(readArguments(['--help']), undefined));

test('readArguments: the help names every option', () => {
  for (const name of ['max-error-rate', 'retry-failed', 'content-disposition', 'dry-run', 'grace', 'window']) {
    assert.ok(HELP.includes(`--${name}`), name);
  }
});

refuses([], /there must be a URL/);
refuses(['--concurency', '3', URL], /did you mean --concurrency/);
refuses([URL, '-i'], /Cannot use --input as a value must follow it/);
refuses(['--json=1', URL], /Cannot use --json as it must stand alone/);
refuses(['--retries', '-1', URL], /Cannot use --retries as .*--retries=VALUE/);
refuses(['-c', '0', URL], /--concurrency as it must be an integer from 1/);
refuses(['-c', 'many', URL], /--concurrency/);
refuses(['--rate', 'fast', URL], /--rate as it must be a rate such as 100\/s/);
refuses(['--on-exist', 'ask', URL], /skip, overwrite, rename, newer/);
refuses(['--name', '{nmae}', URL], /not \{nmae\}/);
refuses(['--name', '../{name}', URL], /relative path/);
refuses(['--name', '{host', URL], /close its braces/);
refuses(['-H', 'no colon', URL], /Name: value/);
refuses(['-H', 'X: a\r\nY: b', URL], /no line break/);
refuses(['-H', 'Host: other', URL], /set by the client/);
refuses(['-q', '-v', URL], /--verbose/);
refuses(['-i', '-', '-i', '-'], /stdin twice/);
refuses(['--resume', '--report', 'no-such-report.jsonl', URL], /--resume/);
refuses(['--resume', '--fresh', URL], /--fresh/);
refuses(['--json=yes', URL], /--json/);
refuses(['--dir'], /--dir/);

test('readArguments: passwords do not appear in what it refuses', () => {
  for (const args of [
    ['-H', 'Authorization: Bearer secret\n'.repeat(2)],
    ['-H', 'secret'],
    ['--proxy', 'socks5://me:secret@h:1'],
  ]) {
    assert.throws(
      () => readArguments([...args, URL]),
      (error) => error instanceof UsageError && !error.message.includes('secret'),
    );
  }
});

test('corral fetch: options of curl, wget and aria2 are told what they are here', async () => {
  for (const [option, hint] of [
    ['-O', /--name/],
    ['--max-time', /--timeout T/],
    ['-j', /-c N/],
  ] as const) {
    assert.throws(() => readArguments([option, 'http://a.test/']), hint, option);
  }
});
