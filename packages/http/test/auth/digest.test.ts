import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { parseChallenges } from '../../src/auth/challenge.ts';
import { authorize, DigestState, type DigestHash } from '../../src/auth/digest.ts';

const NAMES = { md5: 'md5', 'sha-256': 'sha256', 'sha-512-256': 'sha512-256' } as const;
const digestHash: DigestHash = (algorithm, text) => createHash(NAMES[algorithm]).update(text, 'utf8').digest('hex');

const url = (path: string, origin = 'http://www.example.org'): URL => new URL(path, origin);
const rfc7616 = {
  realm: 'http-auth@example.org',
  nonce: '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v',
  opaque: 'FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS',
  cnonce: 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ',
};

function mufasa(cnonce = rfc7616.cnonce, password = 'Circle of Life'): DigestState {
  return new DigestState({ username: 'Mufasa', password, hash: digestHash, cnonce: () => cnonce });
}

function challenge(more = 'qop="auth, auth-int", algorithm=MD5', nonce = rfc7616.nonce): string {
  return `Digest realm="${rfc7616.realm}", ${more}, nonce="${nonce}", opaque="${rfc7616.opaque}"`;
}

async function fields(
  state: DigestState,
  path = '/dir/index.html',
  method = 'GET',
): Promise<Readonly<Record<string, string>>> {
  return parseChallenges(await authorize(method, url(path), state))[0]?.params ?? {};
}

test('parseChallenges: takes several apart, with commas and quotes inside', () => {
  const found = parseChallenges(
    String.raw`Negotiate, NTLM TlRM==, Basic realm="a, \"b\"" , Digest realm=c ,nonce = "n", qop="auth,auth-int"`,
  );
  assert.deepEqual(
    found.map(({ scheme, params, token68 }) => [scheme, { ...params }, token68]),
    [
      ['negotiate', {}, undefined],
      ['ntlm', {}, 'TlRM=='],
      ['basic', { realm: 'a, "b"' }, undefined],
      ['digest', { realm: 'c', nonce: 'n', qop: 'auth,auth-int' }, undefined],
    ],
  );
});

test('parseChallenges: several headers are one list, and nothing throws', () => {
  assert.equal(parseChallenges(['Basic realm=x', 'Digest nonce=y']).length, 2);
  for (const header of [
    undefined,
    null,
    '',
    ',',
    '=',
    '"',
    'Digest',
    'Digest =',
    'Digest realm="',
    'a=b',
    '===,,,""',
  ]) {
    assert.doesNotThrow(() => parseChallenges(header));
  }
  assert.equal(({} as { polluted?: unknown }).polluted, undefined);
  assert.equal(parseChallenges('Digest __proto__=x')[0]?.params['__proto__'], 'x');
});

test('authorize: RFC 7616, 3.9.1, MD5 and SHA-256', async () => {
  for (const [algorithm, response] of [
    ['MD5', '8ca523f5e9506fed4657c9700eebdbec'],
    ['SHA-256', '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1'],
  ]) {
    const state = mufasa();
    assert.equal(state.accept(url('/dir/index.html'), challenge(`qop="auth, auth-int", algorithm=${algorithm}`)), true);
    assert.equal(
      await authorize('GET', url('/dir/index.html'), state),
      `Digest username="Mufasa", realm="${rfc7616.realm}", nonce="${rfc7616.nonce}", uri="/dir/index.html", ` +
        `algorithm=${algorithm}, qop=auth, nc=00000001, cnonce="${rfc7616.cnonce}", response="${response}", ` +
        `opaque="${rfc7616.opaque}"`,
    );
  }
});

test('authorize: RFC 7616, 3.9.2, SHA-512-256 with a hashed name, as corrected by its erratum', async () => {
  const cnonce = 'NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v';
  const state = new DigestState({
    username: 'J\u00E4s\u00F8n Doe',
    password: 'Secret, or not?',
    hash: digestHash,
    cnonce: () => cnonce,
  });
  const header =
    'Digest realm="api@example.org", qop="auth", algorithm=SHA-512-256, nonce="5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK", ' +
    'opaque="HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS", charset=UTF-8, userhash=true';
  assert.equal(state.accept(url('/doe.json'), header), true);
  const sent = await fields(state, '/doe.json');
  assert.equal(sent['username'], '793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b');
  assert.equal(sent['response'], '3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5');
  assert.equal(sent['userhash'], 'true');
});

test('authorize: RFC 2617, 3.5, and RFC 2069 where requests are not counted', async () => {
  const head = 'Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"';
  const counted = mufasa('0a4f113b', 'Circle Of Life');
  counted.accept(url('/'), `${head}, qop="auth,auth-int"`);
  assert.equal((await fields(counted))['response'], '6629fae49393a05397450978507c4ef1');
  const old = mufasa('0a4f113b', 'Circle Of Life');
  old.accept(url('/'), head);
  const sent = await fields(old);
  assert.equal(sent['response'], '670fd8c2df070c60b045671b8b24ff02');
  assert.deepEqual(
    [sent['qop'], sent['nc'], sent['cnonce'], sent['algorithm']],
    [undefined, undefined, undefined, undefined],
  );
});

test('authorize: with -sess the number of the first request stays for the nonce', async () => {
  let made = 0;
  const state = new DigestState({ username: 'u', password: 'p', hash: digestHash, cnonce: () => `c${++made}` });
  state.accept(url('/'), challenge('qop=auth, algorithm=SHA-256-sess'));
  const [one, two] = [await fields(state), await fields(state)];
  assert.deepEqual([one['cnonce'], two['cnonce'], one['nc'], two['nc']], ['c1', 'c1', '00000001', '00000002']);
  const sha256 = (text: string): string => digestHash('sha-256', text) as string;
  const secret = sha256(`${sha256(`u:${rfc7616.realm}:p`)}:${rfc7616.nonce}:c1`);
  const second = sha256('GET:/dir/index.html');
  assert.equal(two['response'], sha256(`${secret}:${rfc7616.nonce}:00000002:c1:auth:${second}`));
});

test('authorize: later requests carry it before they are asked, and no count is used twice', async () => {
  const state = mufasa();
  assert.equal(await authorize('GET', url('/'), state), undefined);
  state.accept(url('/'), challenge());
  const sent = await Promise.all(['/a', '/b?x=1', '/c'].map((path) => fields(state, path)));
  assert.deepEqual(
    sent.map(({ nc }) => nc),
    ['00000001', '00000002', '00000003'],
  );
  assert.equal(sent[1]?.['uri'], '/b?x=1');
});

test('DigestState: belongs to its first origin', async () => {
  const state = mufasa();
  state.accept(url('/'), challenge());
  assert.equal(state.origin, 'http://www.example.org');
  for (const origin of ['https://www.example.org', 'http://www.example.org:81', 'http://evil.example']) {
    assert.equal(await authorize('GET', url('/', origin), state), undefined);
    assert.equal(state.accept(url('/', origin), challenge()), false);
  }
});

test('DigestState: goes only where the challenge says, on its own origin', async () => {
  const state = mufasa();
  state.accept(
    url('/login'),
    challenge('qop=auth, domain="/private http://www.example.org/also http://evil.example/"'),
  );
  assert.notEqual(await authorize('GET', url('/login'), state), undefined);
  assert.notEqual(await authorize('GET', url('/private/x'), state), undefined);
  assert.notEqual(await authorize('GET', url('/also'), state), undefined);
  assert.equal(await authorize('GET', url('/open'), state), undefined);
});

test('DigestState: what was refused is not sent again', async () => {
  const state = mufasa();
  assert.equal(state.accept(url('/'), challenge()), true);
  const sent = await authorize('GET', url('/'), state);
  assert.equal(state.accept(url('/'), challenge(), sent, 1), false);
  assert.equal(state.accept(url('/'), challenge('qop=auth', 'other'), sent, 2), false);
});

test('DigestState: a stale nonce is worth one more try, and the count begins anew', async () => {
  const state = mufasa();
  state.accept(url('/'), challenge());
  const sent = await authorize('GET', url('/'), state);
  assert.equal(state.accept(url('/'), challenge('qop=auth, stale=TRUE', 'fresh'), sent, 2), true);
  const again = await fields(state);
  assert.deepEqual([again['nonce'], again['nc']], ['fresh', '00000001']);
  assert.equal(state.accept(url('/'), challenge('qop=auth, stale=true', 'third'), sent, 3), false);
});

test('DigestState: a server that forgot the nonce is asked again with its new one', async () => {
  const state = mufasa();
  state.accept(url('/'), challenge());
  const early = await authorize('GET', url('/later'), state);
  assert.equal(state.accept(url('/later'), challenge('qop=auth', 'new'), early, 1), true);
});

test('DigestState: takes the first challenge that it can answer', async () => {
  const state = mufasa();
  const headers = [
    'Basic realm=x',
    challenge('algorithm=SHA-1, qop=auth'),
    challenge('qop=auth-int'),
    challenge('algorithm=sha-256, qop=auth'),
    challenge(),
  ];
  assert.equal(state.accept(url('/'), headers), true);
  assert.equal((await fields(state))['algorithm'], 'sha-256');
  for (const header of [
    'Basic realm=x',
    'Digest realm=x',
    challenge('algorithm=constructor'),
    challenge('algorithm=MD5-sess'),
    null,
  ]) {
    assert.equal(mufasa().accept(url('/'), header), false, String(header));
  }
});

test('DigestState: quotes in what the server says stay quoted', async () => {
  const state = mufasa();
  state.accept(url('/'), String.raw`Digest realm="a \"b\" \\c", nonce="n", qop=auth`);
  assert.match((await authorize('GET', url('/'), state)) ?? '', /realm="a \\"b\\" \\\\c"/);
  assert.equal((await fields(state))['realm'], String.raw`a "b" \c`);
});

test('DigestState: names beyond ASCII are sent encoded', async () => {
  const state = new DigestState({ username: "J\u00E4s'n €", password: 'p', hash: digestHash });
  state.accept(url('/'), challenge());
  assert.match((await authorize('GET', url('/'), state)) ?? '', /^Digest username\*=UTF-8''J%C3%A4s%27n%20%E2%82%AC, /);
});

test('DigestState: refuses names that could be read in two ways', () => {
  for (const username of ['a:b', 'a\r\nb', 'a\u0000', 'a\uD800', 5 as unknown as string]) {
    assert.throws(() => new DigestState({ username, password: 'secret', hash: digestHash }), TypeError);
  }
});
