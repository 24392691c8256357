import assert from 'node:assert/strict';
import { test } from 'node:test';
import { proxyFor, type Environment } from '../src/proxy-environment.ts';

const proxies: readonly [url: string, env: Environment, expected: string | undefined][] = [
  ['http://a/', {}, undefined],
  ['http://a/', { http_proxy: 'http://p:1' }, 'http://p:1/'],
  ['https://a/', { http_proxy: 'http://p:1' }, undefined],
  ['https://a/', { https_proxy: 'http://p:1' }, 'http://p:1/'],
  ['http://a/', { https_proxy: 'http://p:1' }, undefined],
  ['http://a/', { HTTP_PROXY: 'http://p:1' }, 'http://p:1/'],
  ['https://a/', { HTTPS_PROXY: 'http://p:1' }, 'http://p:1/'],
  // Lower case first.
  ['http://a/', { http_proxy: 'http://low:1', HTTP_PROXY: 'http://up:1' }, 'http://low:1/'],
  ['https://a/', { https_proxy: 'http://low:1', HTTPS_PROXY: 'http://up:1' }, 'http://low:1/'],
  // All.
  ['http://a/', { all_proxy: 'http://p:1' }, 'http://p:1/'],
  ['https://a/', { ALL_PROXY: 'http://p:1' }, 'http://p:1/'],
  ['https://a/', { ALL_PROXY: 'http://p:1', HTTPS_PROXY: 'http://q:1' }, 'http://q:1/'],
  ['https://a/', { all_proxy: 'http://low:1', ALL_PROXY: 'http://up:1' }, 'http://low:1/'],
  // Set and empty: none.
  ['http://a/', { http_proxy: '', HTTP_PROXY: 'http://up:1', all_proxy: 'http://all:1' }, undefined],
  ['http://a/', { http_proxy: '   ' }, undefined],
  ['http://a/', { http_proxy: undefined, HTTP_PROXY: 'http://up:1' }, 'http://up:1/'],
  // CGI.
  ['http://a/', { HTTP_PROXY: 'http://evil:1', REQUEST_METHOD: 'GET' }, undefined],
  ['http://a/', { HTTP_PROXY: 'http://evil:1', REQUEST_METHOD: '' }, undefined],
  ['http://a/', { http_proxy: 'http://p:1', REQUEST_METHOD: 'GET' }, 'http://p:1/'],
  ['https://a/', { HTTPS_PROXY: 'http://p:1', REQUEST_METHOD: 'GET' }, 'http://p:1/'],
  // Without a scheme, with credentials, with a path.
  ['http://a/', { http_proxy: 'p:3128' }, 'http://p:3128/'],
  ['http://a/', { http_proxy: 'p' }, 'http://p/'],
  ['http://a/', { http_proxy: ' p:3128 ' }, 'http://p:3128/'],
  ['http://a/', { http_proxy: 'me:secret@p:3128' }, 'http://me:secret@p:3128/'],
  ['http://a/', { http_proxy: 'http://me:secret@p:3128/path?q#h' }, 'http://me:secret@p:3128/'],
  ['http://a/', { http_proxy: '[::1]:3128' }, 'http://[::1]:3128/'],
  ['http://a/', { http_proxy: 'https://p:3128' }, 'https://p:3128/'],
  // Other schemes.
  ['ftp://a/', { all_proxy: 'http://p:1' }, undefined],
];

for (const [url, env, expected] of proxies) {
  test(`proxyFor: ${url} with ${JSON.stringify(env)}: ${expected}`, () => {
    assert.equal(proxyFor(new URL(url), env)?.href, expected);
  });
}

test('proxyFor: refuses what is no http proxy, names the variable and does not show the value', () => {
  for (const value of [
    'socks5://me:secret@p:1080',
    'socks://p',
    'ftp://secret@p',
    'http://me:secret@',
    'http://a b/secret',
  ]) {
    assert.throws(
      () => proxyFor(new URL('https://a/'), { ALL_PROXY: value }),
      (error: Error) => error instanceof TypeError && /ALL_PROXY/.test(error.message) && !/secret/.test(error.message),
    );
  }
  assert.throws(() => proxyFor(new URL('http://a/'), { http_proxy: 'socks5://p' }), /"socks5:\/\/…"/);
  assert.equal(proxyFor(new URL('http://a/'), { http_proxy: 'socks5://p', no_proxy: 'a' }), undefined);
});

test('proxyFor: reads own properties only', () => {
  assert.equal(proxyFor(new URL('http://a/'), Object.create({ http_proxy: 'http://evil' }) as Environment), undefined);
  const env = Object.assign(Object.create({ no_proxy: '*' }), { http_proxy: 'http://p' }) as Environment;
  assert.equal(proxyFor(new URL('http://a/'), env)?.href, 'http://p/');
});

test('proxyFor: no_proxy in lower case first', () => {
  const env = { http_proxy: 'http://p', no_proxy: 'a', NO_PROXY: 'b' };
  assert.equal(proxyFor(new URL('http://a/'), env), undefined);
  assert.equal(proxyFor(new URL('http://b/'), env)?.href, 'http://p/');
});

/** Hosts that the list has, and hosts that it has not. */
const lists: readonly [list: string, direct: readonly string[], proxied: readonly string[]][] = [
  ['*', ['http://a/', 'https://1.2.3.4:5/', 'http://[::1]/'], []],
  ['a, *', ['http://b/'], []],
  ['', [], ['http://a/', 'http://localhost/']],
  [',, ,', [], ['http://a/']],
  // Names, and those below.
  [
    'example.com',
    ['http://example.com/', 'https://example.com:8443/', 'http://www.example.com/', 'http://a.b.example.com/'],
    ['http://notexample.com/', 'http://example.com.evil.org/', 'http://example.org/', 'http://com/'],
  ],
  ['.example.com', ['http://example.com/', 'http://www.example.com/'], ['http://notexample.com/']],
  ['*.example.com', ['http://example.com/', 'http://www.example.com/'], ['http://notexample.com/']],
  ['*example.com', [], ['http://notexample.com/', 'http://example.com/']],
  // Case, last dots, other scripts.
  ['EXAMPLE.Com', ['http://example.com/', 'http://EXAMPLE.com/'], []],
  ['example.com', ['http://example.com./', 'http://www.EXAMPLE.com./'], ['http://example.com../']],
  ['example.com.', ['http://example.com/', 'http://example.com./', 'http://www.example.com/'], []],
  ['.example.com.', ['http://www.example.com/'], []],
  ['bücher.example', ['http://xn--bcher-kva.example/', 'http://bücher.example/'], []],
  ['xn--bcher-kva.example', ['http://BÜCHER.example/'], []],
  // Separators.
  ['a,b c\td\n,e', ['http://a/', 'http://b/', 'http://c/', 'http://d/', 'http://e/'], ['http://f/']],
  // Ports.
  ['example.com:8080', ['http://example.com:8080/', 'http://www.example.com:8080/'], ['http://example.com/']],
  [
    'example.com:80',
    ['http://example.com/', 'http://example.com:80/'],
    ['https://example.com/', 'http://example.com:81/'],
  ],
  ['example.com:443', ['https://example.com/', 'http://example.com:443/'], ['http://example.com/']],
  ['example.com:0443', ['https://example.com/'], []],
  ['.example.com.:8080', ['http://www.example.com.:8080/'], []],
  // Credentials and paths of the URL are not its host.
  ['example.com', [], ['http://example.com@evil.org/', 'http://evil.org/example.com', 'http://evil.org/?example.com']],
  ['http://example.com/', ['http://example.com/', 'https://example.com/'], ['http://evil.org/']],
  // IPv4, however it is written.
  [
    '10.1.2.3',
    [
      'http://10.1.2.3/',
      'http://0x0a.1.2.3/',
      'http://167838211/',
      'http://012.1.2.3/',
      'http://10.1.515/',
      'http://10.1.2.3./',
    ],
    ['http://10.1.2.4/', 'http://110.1.2.3/', 'http://10.1.2.3.example.com/'],
  ],
  ['167838211', ['http://10.1.2.3/'], ['http://10.1.2.4/']],
  ['10.1.2.3:8080', ['http://10.1.2.3:8080/'], ['http://10.1.2.3/']],
  ['10.1.2.3', ['http://[::ffff:10.1.2.3]/', 'http://[::ffff:a01:203]/'], ['http://[::10.1.2.3]/']],
  ['.2.3', [], ['http://10.1.2.3/']],
  // IPv6, with and without brackets.
  ['[2001:db8::1]', ['http://[2001:db8::1]/', 'http://[2001:DB8:0:0::1]:99/'], ['http://[2001:db8::2]/']],
  ['2001:db8::1', ['http://[2001:db8:0:0:0:0:0:1]/'], ['http://[2001:db8::1:1]/']],
  ['2001:0DB8:0000::0001', ['http://[2001:db8::1]/'], []],
  ['[2001:db8::1]:8080', ['http://[2001:db8::1]:8080/'], ['http://[2001:db8::1]/']],
  ['::ffff:10.1.2.3', ['http://10.1.2.3/', 'http://[::ffff:10.1.2.3]/'], ['http://10.1.2.4/']],
  // Ranges.
  [
    '10.0.0.0/8',
    ['http://10.1.2.3/', 'http://10.255.255.255:99/', 'http://167838211/'],
    ['http://11.0.0.1/', 'http://a/'],
  ],
  ['10.1.2.3/8', ['http://10.9.9.9/'], ['http://11.0.0.1/']],
  ['192.168.0.0/23', ['http://192.168.1.255/'], ['http://192.168.2.0/']],
  ['192.168.1.128/25', ['http://192.168.1.200/'], ['http://192.168.1.100/']],
  ['10.1.2.3/32', ['http://10.1.2.3/'], ['http://10.1.2.2/']],
  ['0.0.0.0/0', ['http://10.1.2.3/', 'http://127.0.0.1/'], ['http://[2001:db8::1]/', 'http://a/']],
  ['127.0.0.0/8', ['http://127.9.9.9/', 'http://[::ffff:127.0.0.1]/'], ['http://128.0.0.1/']],
  ['fd00::/8', ['http://[fd12:3456::1]/'], ['http://[fe80::1]/', 'http://10.1.2.3/']],
  ['[fd00::]/8', ['http://[fd12:3456::1]/'], ['http://[fe80::1]/']],
  ['fe80::/10', ['http://[febf::1]/'], ['http://[fec0::1]/']],
  ['::ffff:10.0.0.0/104', ['http://10.1.2.3/'], ['http://11.1.2.3/']],
  [
    '10.0.0.0/33, 10/8, fd00::/129, ::ffff:10.0.0.0/8',
    [],
    ['http://10.1.2.3/', 'http://[fd00::1]/', 'http://0.0.0.10/'],
  ],
  // The machine itself.
  ...['localhost', '127.0.0.1', '::1', '[::1]', 'LOCALHOST', 'localhost.', '127.1', '2130706433', '127.0.0.5'].map(
    (list): [string, string[], string[]] => [
      list,
      [
        'http://localhost/',
        'http://LOCALHOST./',
        'http://app.localhost:3000/',
        'http://127.0.0.1/',
        'http://127.1/',
        'http://127.0.0.2/',
        'http://2130706433/',
        'http://0x7f000001/',
        'http://[::1]:8080/',
        'http://[0:0:0:0:0:0:0:1]/',
        'http://[::ffff:127.0.0.1]/',
        'http://0.0.0.0/',
        'http://[::]/',
      ],
      ['http://localhost.example.com/', 'http://128.0.0.1/', 'http://[::2]/', 'http://notlocalhost/'],
    ],
  ),
  ['localhost:3000', ['http://127.0.0.1:3000/', 'http://[::1]:3000/'], ['http://localhost/']],
  // What is no host stands for nothing.
  ['[::1, :80, /8, http://, a:b:c, %, a^b', [], ['http://a/', 'http://b/', 'http://10.1.2.3/', 'http://localhost/']],
];

for (const [list, direct, proxied] of lists) {
  test(`proxyFor: no_proxy=${list}`, () => {
    const env = { http_proxy: 'http://p', https_proxy: 'http://p', no_proxy: list };
    for (const url of direct) assert.equal(proxyFor(new URL(url), env), undefined, `${url} goes through the proxy`);
    for (const url of proxied) assert.ok(proxyFor(new URL(url), env), `${url} does not go through the proxy`);
  });
}
