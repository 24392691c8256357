import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { elsewhere } from '../faults/elsewhere.ts';
import { makeCertificates, missingOpenssl } from '../faults/certificates.ts';
import { startFaultServer } from '../faults/server.ts';
import { missingHttpbin, startHttpbin } from './httpbin.ts';
import { missingNghttpd, startNghttpd } from './nghttpd.ts';
import { missingNginx, SMALL, startNginx } from './nginx.ts';
import { missingProgram } from './program.ts';
import { missingTinyproxy, startTinyproxy } from './tinyproxy.ts';

const call = promisify(execFile);
const missingCurl = missingProgram('curl', 'curl');

/** What curl prints; it must know nothing of the user's settings and proxies. */
async function curl(...args: readonly string[]): Promise<string> {
  const { stdout } = await call('curl', ['-q', '-sS', '--noproxy', '127.0.0.1,localhost', ...args]);
  return stdout;
}

test('nginx: gives files, parts of files and small answers', { skip: elsewhere || missingNginx() }, async () => {
  await using nginx = await startNginx();
  await nginx.put('a.txt', 'hello world');
  assert.equal(await (await fetch(`${nginx.origin}/small`)).text(), SMALL);
  const part = await fetch(`${nginx.origin}/files/a.txt`, { headers: { Range: 'bytes=6-' } });
  assert.deepEqual([part.status, await part.text()], [206, 'world']);
  const zipped = await fetch(`${nginx.origin}/gzip/a.txt`);
  assert.deepEqual([zipped.headers.get('content-encoding'), await zipped.text()], ['gzip', 'hello world']);
});

test('nginx: limits requests with 429 and with 503', { skip: elsewhere || missingNginx() }, async () => {
  await using nginx = await startNginx({ requestsPerSecond: 1 });
  await fetch(`${nginx.origin}/limited`);
  const refused = await fetch(`${nginx.origin}/limited`);
  assert.deepEqual([refused.status, refused.headers.get('retry-after')], [429, '1']);
  assert.equal((await fetch(`${nginx.origin}/limited-503`)).status, 503);
});

test(
  'nginx, nghttpd: speak HTTP/2',
  { skip: elsewhere || missingNginx() || missingNghttpd() || missingOpenssl() || missingCurl },
  async () => {
    await using certificates = await makeCertificates();
    const tls = certificates.good;
    await using nginx = await startNginx({ tls });
    await using nghttpd = await startNghttpd({ tls });
    await nghttpd.put('small', SMALL);
    for (const origin of [nginx.tlsOrigin, nghttpd.origin]) {
      const output = await curl(
        '--http2',
        '--cacert',
        certificates.caFile,
        '-w',
        ' %{http_version}',
        `${origin}/small`,
      );
      assert.equal(output, `${SMALL} 2`);
    }
  },
);

test('httpbin: answers', { skip: elsewhere || missingHttpbin() }, async () => {
  await using httpbin = await startHttpbin();
  assert.equal((await fetch(`${httpbin.origin}/status/418`)).status, 418);
});

test(
  'tinyproxy: forwards and tunnels for those who may',
  { skip: elsewhere || missingTinyproxy() || missingCurl },
  async () => {
    await using server = await startFaultServer();
    await using proxy = await startTinyproxy({ user: 'user', password: 'secret' });
    const url = server.url('text');
    const through = ['--noproxy', '', '--proxy', proxy.origin];
    assert.match(await curl(...through, '-w', ' %{http_code}', url), / 401$|407$/);
    assert.equal(await curl(...through, '--proxy-user', 'user:secret', url), 'ok');
    assert.equal(await curl(...through, '--proxy-user', 'user:secret', '--proxytunnel', url), 'ok');
    assert.equal(server.requests.length, 2);
    assert.match(await proxy.log(), /CONNECT 127\.0\.0\.1:/);
  },
);

test('digest-auth: agrees with curl', { skip: elsewhere || missingCurl }, async () => {
  await using server = await startFaultServer();
  const login = (url: string, password = 'secret') => curl('--digest', '-u', `user:${password}`, url);
  for (const algorithm of ['MD5', 'MD5-sess', 'SHA-256']) {
    assert.match(await login(server.url('digest-auth', { algorithm })), /"nc":"00000001"/, algorithm);
  }
  assert.match(await login(server.url('digest-auth', { qop: '' })), /"nc":null/);
  assert.equal(await login(server.url('digest-auth'), 'wrong'), 'a wrong response');
});
