import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, existsSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { HashIndex } from '../../src/fetch/hash-index.ts';
import { Journal } from '../../src/fetch/journal.ts';
import { takeLock } from '../../src/fetch/lock-file.ts';
import { isPermanent, reportLine, type ReportLine } from '../../src/fetch/record.ts';
import { UsageError } from '../../src/usage-error.ts';
import { Folder } from './command.ts';

const OPTIONS = { fresh: false, fsync: false, onLine: () => undefined };

function lineOf(id: string, bytes = 0): ReportLine {
  return reportLine({ id, url: `http://a.test/${id}`, outcome: 'ok', file: id, bytes });
}

async function written(path: string, lines: readonly ReportLine[], options = OPTIONS): Promise<void> {
  const journal = Journal.open(path, options);
  for (const line of lines) await journal.append(line);
  await journal.close();
}

test('Journal: the last line of an id is the one that counts', async () => {
  using folder = new Folder();
  const path = folder.at('a', 'report.jsonl');
  await written(path, [lineOf('x', 1), lineOf('y', 2), lineOf('x', 3)]);
  const journal = Journal.open(path, OPTIONS);
  assert.equal(journal.size, 2);
  assert.equal(journal.find('x')?.bytes, 3);
  assert.equal(journal.find('y')?.bytes, 2);
  assert.equal(journal.find('z'), undefined);
  await journal.close();
});

test('Journal: a last line that was cut off is taken away, and what is added is whole', async () => {
  using folder = new Folder();
  const path = folder.at('report.jsonl');
  await written(path, [lineOf('x')]);
  appendFileSync(path, JSON.stringify(lineOf('y')).slice(0, 60));
  await written(path, [lineOf('z')]);
  assert.deepEqual(
    folder.report('report.jsonl').lines.map(({ id }) => id),
    ['x', 'z'],
  );
});

test('Journal: a file that is cut off within its first line is a report still', async () => {
  using folder = new Folder();
  for (const start of ['{', '{"v":1,"id"', '{"summ']) {
    const path = folder.write('r.jsonl', start);
    await written(path, [lineOf('x')]);
    assert.equal(folder.report('r.jsonl').lines.length, 1, start);
  }
});

test('Journal: a line in the middle that cannot be read is passed over and counted', async () => {
  using folder = new Folder();
  const path = folder.at('r.jsonl');
  await written(path, [lineOf('x')]);
  appendFileSync(path, '{"v":1,"id":garbage\n');
  await written(path, [lineOf('y')]);
  const journal = Journal.open(path, OPTIONS);
  assert.deepEqual([journal.damaged, journal.size], [1, 2]);
  await journal.close();
});

test('Journal: a file that is no report is refused and left as it is', () => {
  using folder = new Folder();
  const path = folder.write('urls.txt', 'http://a.test/1\nhttp://a.test/2');
  for (const fresh of [false, true]) {
    assert.throws(() => Journal.open(path, { ...OPTIONS, fresh }), /as it must be one of corral fetch/);
  }
  assert.equal(folder.read('urls.txt'), 'http://a.test/1\nhttp://a.test/2');
  assert.ok(!existsSync(`${path}.lock`));
});

test('Journal: fresh forgets what was there', async () => {
  using folder = new Folder();
  const path = folder.at('r.jsonl');
  await written(path, [lineOf('x')]);
  await written(path, [lineOf('y')], { ...OPTIONS, fresh: true });
  assert.deepEqual(
    folder.report('r.jsonl').lines.map(({ id }) => id),
    ['y'],
  );
});

test('Journal: two at once are refused, with the number of the process; closed, it is free', async () => {
  using folder = new Folder();
  const path = folder.at('r.jsonl');
  const journal = Journal.open(path, OPTIONS);
  assert.throws(
    () => Journal.open(path, OPTIONS),
    (error) => error instanceof UsageError && error.message.includes(`process ${process.pid} `),
  );
  await journal.close();
  await written(path, [lineOf('x')]);
});

test('Journal: lines are written in groups, and all of them on flush', async () => {
  using folder = new Folder();
  const path = folder.at('r.jsonl');
  const journal = Journal.open(path, OPTIONS);
  for (let index = 0; index < 10; index++) await journal.append(lineOf(`${index}`));
  assert.equal(statSync(path).size, 0);
  await journal.flush();
  assert.equal(folder.report('r.jsonl').lines.length, 10);
  await journal.close();
});

test('Journal: long lines are found again', async () => {
  using folder = new Folder();
  const path = folder.at('r.jsonl');
  const long = { ...lineOf('x'), finalUrl: `http://a.test/${'y'.repeat(50_000)}` };
  await written(path, [lineOf('a'), long, lineOf('b')]);
  const journal = Journal.open(path, OPTIONS);
  assert.equal(journal.find('x')?.finalUrl?.length, long.finalUrl.length);
  assert.equal(journal.find('b')?.id, 'b');
  await journal.close();
});

test('takeLock: the lock of a process that is no more, or that is no lock, is taken over', () => {
  using folder = new Folder();
  for (const content of ['{"pid":999999999,"born":null}', `{"pid":${process.pid},"born":"1"}`, '', 'x']) {
    const path = folder.write('lock', content);
    if (process.platform !== 'linux' && content.includes('"born":"1"')) continue; // who was born when is not told
    takeLock(path, 'it')();
    assert.ok(!existsSync(path));
  }
});

test('isPermanent: what the server refuses for good, and nothing else', () => {
  const failed = (status: number | null, code = 'STATUS'): ReportLine =>
    reportLine({ id: 'x', url: 'x', outcome: 'failed', status, error: { code, phase: null, message: '' } });
  for (const status of [400, 401, 403, 404, 410, 451]) assert.ok(isPermanent(failed(status)), `${status}`);
  for (const status of [408, 425, 429, 500, 503]) assert.ok(!isPermanent(failed(status)), `${status}`);
  assert.ok(isPermanent(failed(null, 'ROBOTS')) && !isPermanent(failed(null, 'TIMEOUT')));
  assert.ok(!isPermanent(lineOf('x')));
});

test('HashIndex: finds each of a hundred thousand, and tells apart what shares a hash by what is accepted', () => {
  const index = new HashIndex();
  for (let number = 0; number < 100_000; number++) index.set(`key ${number}`, number);
  assert.equal(index.size, 100_000);
  for (let number = 0; number < 100_000; number += 97) assert.equal(index.get(`key ${number}`), number);
  assert.equal(index.get('other'), undefined);
  index.set('key 1', 5, (value) => value === -1);
  assert.equal(
    index.get('key 1', (value) => value === 5),
    5,
  );
  assert.equal(
    index.get('key 1', (value) => value === 1),
    1,
  );
});

const skip = process.platform === 'linux' ? false : 'it needs /proc, /dev/full and sh';

test(
  'takeLock: the lock of a process that was killed and that nobody has waited for is taken over',
  { skip },
  async () => {
    using folder = new Folder();
    // What was sh becomes a program that never asks how its child has ended.
    const parent = spawn('sh', ['-c', 'sleep 60 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] });
    try {
      const [output] = (await once(parent.stdout, 'data')) as [Buffer];
      const pid = Number(output.toString());
      const stat = (): string => readFileSync(`/proc/${pid}/stat`, 'latin1').replace(/^.*\) /, '');
      const born = stat().split(' ')[19];
      const path = folder.write('lock', JSON.stringify({ pid, born }));
      assert.throws(() => takeLock(path, 'it'), UsageError);
      process.kill(pid, 'SIGKILL');
      while (!stat().startsWith('Z')) await setImmediate();
      takeLock(path, 'it')();
    } finally {
      parent.kill('SIGKILL');
    }
  },
);

test('Journal: a device is written to and never read', { skip }, async () => {
  using folder = new Folder();
  symlinkSync('/dev/full', folder.at('report'));
  const journal = Journal.open(folder.at('report'), OPTIONS);
  await journal.append(lineOf('x'));
  await assert.rejects(journal.close(), /Cannot write the report .*ENOSPC/);
});
