/** Runs the compiled quickstart as a user does: as a program with arguments, signals, output and an exit code. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Report } from '../quickstart/report.ts';

const MAIN = fileURLToPath(new URL('../quickstart/main.js', import.meta.url));
/** The time is only there to end a test that hangs: everything below takes a few seconds on a slow machine. */
const PATIENCE = { timeout: 120_000, concurrency: 4 };

describe('quickstart: the embedded site', PATIENCE, () => {
  test('fetches every page and counts consistently', async () => {
    const { code, stdout, stderr } = await start(['--json', '--pages', '60', '--concurrency', '8']).ended;
    assert.equal(code, 0, stderr);
    const report = JSON.parse(stdout) as Report;
    assert.equal(report.complete, true);
    assert.deepEqual(report.pages, { total: 60, ok: 60, failed: 0, unfinished: 0 });
    assertConsistent(report, 60 + 3); // the pages, and robots, sitemap and front page
    assert.equal(report.requests.ok, 63);
    assert.ok(report.requests.retries > 0, 'the site is expected to make trouble');
    assert.ok(report.words > 0 && report.links > 0 && report.bytes > 0);
  });

  test('the same seed gives the same pages, whatever the order', async () => {
    const [one, other] = await Promise.all([
      start(['--json', '--quiet', '--pages', '20', '--seed', '7', '--concurrency', '3']).ended,
      start(['--json', '--quiet', '--pages', '20', '--seed', '7', '--concurrency', '20']).ended,
    ]);
    assert.equal(fingerprint(one.stdout), fingerprint(other.stdout));
  });

  test('without retries the pages that fail are listed, and the exit code is 1', async () => {
    const { code, stdout } = await start(['--quiet', '--pages', '60', '--retries', '0']).ended;
    assert.equal(code, 1);
    assert.match(stdout, /^ {2}pages +\d+ ok, \d+ failed$/m);
    assert.match(stdout, /^Failed:\n {2}http:\/\/127\.0\.0\.1:\d+\/page\/\d+ {2}(the server answered \d+|no answer)/m);
  });

  test('progress goes to stderr, one line at a time and without control sequences when it is no terminal', async () => {
    const { stdout, stderr } = await start(['--pages', '30', '--concurrency', '2']).ended;
    assert.match(stderr, /^\d+\/30 pages \d+%, \d+ in flight, \d+ retries, \d+\.\d s$/m);
    assert.doesNotMatch(stdout + stderr, /\x1b/);
    // In the end the pages are saved, to a folder that is gone then.
    assert.match(stderr, /^corral: 30 ok, 0 failed/m);
    const folder = /^ {2}corral fetch .* -d (.+)$/m.exec(stderr)?.[1];
    assert.ok(folder !== undefined && !existsSync(folder), folder);
  });
});

describe('quickstart: signals', PATIENCE, () => {
  for (const [signal, exitCode] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    test(`${signal} ends the run soon, with code ${exitCode} and the table so far`, async () => {
      const program = start(['--pages', '5000', '--concurrency', '6']);
      await program.printed(/^[1-9]\d*\/5000 pages/m);
      const signalledAt = performance.now();
      program.kill(signal);
      const { code, stdout, stderr } = await program.ended;
      const tookMs = performance.now() - signalledAt;
      assert.equal(code, exitCode, stderr);
      assert.ok(tookMs < 5_000, `took ${tookMs} ms`); // less than one, but the machine may be busy
      assert.doesNotMatch(stderr, /error|failed/i); // to be cancelled is no news
      assert.match(stdout, /^Stopped while fetching The Corral Gazette at http:\S+$/m);
      assert.match(stdout, /^ {2}pages +[\d,]+ ok, 0 failed, [\d,]+ unfinished$/m);
    });
  }

  test('an interrupted run counts consistently too', async () => {
    const program = start(['--json', '--pages', '5000', '--concurrency', '6']);
    await program.printed(/^[1-9]\d*\/5000 pages/m);
    program.kill('SIGINT');
    const { code, stdout } = await program.ended;
    assert.equal(code, 130);
    const report = JSON.parse(stdout) as Report;
    assert.equal(report.complete, false);
    assert.ok(report.pages.unfinished > 0);
    assertConsistent(report);
  });

  test('waiting for a list on stdin can be interrupted', async () => {
    const program = start(['-', '--quiet'], { keepStdinOpen: true });
    await new Promise((resolve) => setTimeout(resolve, 1_000)); // nothing is printed that could be waited for
    program.kill('SIGINT');
    const { code, signal } = await program.ended;
    assert.ok(code === 130 || signal === 'SIGINT', `code ${code}, signal ${signal}`); // the latter: it was not up yet
  });
});

describe('quickstart: a list of URLs', PATIENCE, () => {
  let server: Server;
  let origin: string;
  let folder: string;
  const visits = new Map<string, number>();

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'corral-quickstart-'));
    server = createServer(({ url = '' }, response) => {
      const visit = (visits.get(url) ?? 0) + 1;
      visits.set(url, visit);
      server.emit(url);
      if (url === '/hung' || (url === '/hung-later' && visit > 1)) return;
      if (url === '/hiccup') response.statusCode = visit === 1 ? 503 : 200;
      else if (url === '/broken') response.statusCode = 500;
      else if (!url.startsWith('/good') && visit > (url.endsWith('later') ? 1 : 0)) response.statusCode = 404;
      response.end('<p>four words, <a href="/good">one link</a></p>');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  after(async () => {
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true });
  });

  async function listOf(content: string): Promise<string> {
    const file = join(await mkdtemp(join(folder, 'list-')), 'urls.txt');
    await writeFile(file, content);
    return file;
  }

  test('good URLs are fetched, all bad lines and failures named, and the exit code is 1', async () => {
    const file = await listOf(
      `# a comment\n\n${origin}/good  # another\n${origin}/missing\nnonsense\n${origin}/broken\r\n${origin}/hung\nftp://example.com/\n${origin}/hiccup`,
    );
    const { code, stdout, stderr } = await start([file, '--json', '--retries', '1', '--timeout-ms', '1500']).ended;
    assert.equal(code, 1);
    assert.match(stderr, new RegExp(`^${escape(file)}:5: .*"nonsense"$`, 'm'));
    assert.match(stderr, new RegExp(`^${escape(file)}:8: .*"ftp://example.com/"$`, 'm'));
    const report = JSON.parse(stdout) as Report;
    assert.deepEqual(report.pages, { total: 5, ok: 2, failed: 3, unfinished: 0 });
    assert.equal(report.badLines, 2);
    assertConsistent(report, 5);
    const { ok, '4xx': wrong, '5xx': broken, timeout, network } = report.requests;
    assert.deepEqual({ ok, wrong, broken, timeout, network }, { ok: 2, wrong: 1, broken: 3, timeout: 2, network: 0 });
    assert.deepEqual(
      new Map(report.failures.map(({ url, reason }) => [url, reason])),
      new Map([
        [`${origin}/missing`, 'the server answered 404 Not Found'],
        [`${origin}/broken`, 'the server answered 500 Internal Server Error'],
        [`${origin}/hung`, 'no answer within 1500 ms'],
      ]),
    );
  });

  test('a list without a fault gives exit code 0; - reads it from stdin', async () => {
    const { code, stdout } = await start(['-', '--json'], { stdin: `${origin}/good\n${origin}/good\n` }).ended;
    assert.equal(code, 0);
    const report = JSON.parse(stdout) as Report;
    assert.equal(report.pages.ok, 2);
    assert.equal(report.words, 8);
    assert.equal(report.links, 2);
  });

  test('--save has corral fetch put the pages into a folder; what fails there counts too', async () => {
    const saved = join(folder, 'saved');
    const args = ['--save', saved, '--json', '--quiet', '--retries', '0'];
    const list = await listOf(`${origin}/good\n${origin}/missing\n${origin}/good?2\n`);
    const { code, stdout } = await start([list, ...args]).ended;
    assert.equal(code, 1);
    assert.equal((JSON.parse(stdout) as Report).pages.ok, 2);
    const files = await readdir(saved, { recursive: true, withFileTypes: true });
    assert.equal(files.filter((file) => file.isFile()).length, 2);
    assert.equal((await start([await listOf(`${origin}/gone-later`), ...args]).ended).code, 1);
  });

  test('SIGINT while corral fetch runs ends it too, with code 130', async () => {
    const program = start([await listOf(`${origin}/hung-later`), '--save', join(folder, 'interrupted')]);
    await once(server, '/hung-later');
    await once(server, '/hung-later'); // this is corral fetch
    program.kill('SIGINT');
    const { code, stderr } = await program.ended; // which waits for all that write to stderr
    assert.equal(code, 130, stderr);
  });

  test('a server that is not there is a failure like others', async () => {
    const { code, stdout } = await start(['-', '--retries', '1'], { stdin: 'http://127.0.0.1:1/' }).ended;
    assert.equal(code, 1);
    assert.match(stdout, /^Failed:\n {2}http:\/\/127\.0\.0\.1:1\/ {2}\S/m);
  });

  test('a file that is missing or lists nothing is refused with exit code 2', async () => {
    const missing = await start([join(folder, 'no-such-file')]).ended;
    assert.equal(missing.code, 2);
    assert.match(missing.stderr, /^Cannot fetch the URLs in .*no-such-file as it must be a readable text file: ENOENT/);
    assert.equal(missing.stdout, '');
    const empty = await start([await listOf('# nothing\n\n')]).ended;
    assert.equal(empty.code, 2);
    assert.match(empty.stderr, /it lists none/);
  });
});

describe('quickstart: the command line', PATIENCE, () => {
  test('--help explains itself', async () => {
    const { code, stdout, stderr } = await start(['--help']).ended;
    assert.equal(code, 0);
    assert.equal(stderr, '');
    for (const part of ['Usage:', '--concurrency N', 'Examples:', 'npm start -- urls.txt'])
      assert.ok(stdout.includes(part), part);
  });

  for (const [args, message] of [
    [
      ['--concurrency', 'many'],
      'Cannot start as --concurrency must be a whole number from 1 to 1000: current value is "many"',
    ],
    [['--retries', '101'], 'Cannot start as --retries must be a whole number from 0 to 100: current value is "101"'],
    [['--pages', '0'], 'Cannot start as --pages must be a whole number from 1 to 100000: current value is "0"'],
    [['--verbose'], "Cannot start as the command line is not understood: Unknown option '--verbose'"],
    [
      ['--timeout-ms', '-1'],
      "Cannot start as the command line is not understood: Option '--timeout-ms' argument is ambiguous",
    ],
    [['a.txt', 'b.txt'], 'Cannot start as one FILE at most is wanted: given are "a.txt", "b.txt"'],
    [
      ['a.txt', '--pages', '3'],
      'Cannot start as --pages is for the embedded site and FILE replaces it: FILE is "a.txt"',
    ],
  ] as const) {
    test(`${args.join(' ')} is refused with exit code 2`, async () => {
      const { code, stdout, stderr } = await start(args).ended;
      assert.equal(code, 2);
      assert.equal(stdout, '');
      assert.equal(stderr.split('\n')[0], message);
    });
  }
});

// Helpers ------------------------------------------------------------------------------------------------------------

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface Program {
  readonly ended: Promise<Ended>;
  /** Waits until stderr has matched; rejects when the program ends before. */
  printed(pattern: RegExp): Promise<void>;
  kill(signal: NodeJS.Signals): void;
}

const running = new Set<ChildProcess>();
after(() => {
  for (const child of running) child.kill('SIGKILL'); // of a test that failed
});

function start(args: readonly string[], input: { stdin?: string; keepStdinOpen?: boolean } = {}): Program {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: 'pipe' });
  running.add(child);
  child.once('close', () => running.delete(child));
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  child.stdin.on('error', () => {}); // EPIPE: a program that was refused does not read it
  if (input.keepStdinOpen !== true) child.stdin.end(input.stdin ?? '');
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  return {
    ended,
    kill: (signal) => void child.kill(signal),
    printed: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => void (pattern.test(stderr) && resolve());
        child.stderr.on('data', look);
        child.once('close', () => reject(new Error(`The program ended without printing ${pattern}: ${stderr}`)));
        look();
      }),
  };
}

/** What must add up in every report. `targets`: how many different things were asked for, if known. */
function assertConsistent(report: Report, targets?: number): void {
  const { pages, requests, failures, concurrency, latencyMs } = report;
  const { total, retries, ...ends } = requests;
  assert.equal(pages.ok + pages.failed + pages.unfinished, pages.total);
  assert.equal(failures.length, pages.failed);
  assert.equal(
    Object.values(ends).reduce((a, b) => a + b, 0),
    total,
  );
  if (targets !== undefined) assert.equal(total, targets + retries);
  if (report.complete) assert.equal(ends.cancelled, 0);
  assert.ok(concurrency.max <= Math.max(concurrency.limit, 3), `max ${concurrency.max}`); // 3: the first requests
  assert.ok(concurrency.mean <= concurrency.max);
  assert.ok(latencyMs.p50 <= latencyMs.p90 && latencyMs.p90 <= latencyMs.p99 && latencyMs.p99 <= latencyMs.max);
}

function fingerprint(stdout: string): string {
  const report = JSON.parse(stdout) as Report;
  assert.equal(report.pages.ok, report.pages.total);
  return report.fingerprint;
}

function escape(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
