import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseLinks } from '../../src/headers/link.ts';

function links(header: string): unknown[] {
  return parseLinks(header).map(({ uri, rel, params }) => ({ uri, rel, ...params }));
}

test('parseLinks: reads the links of a page in order', () => {
  const found = parseLinks('<https://a.example/x?p=2>; rel="next", </last>; rel=last; title="The, end; really"');
  assert.deepEqual(
    found.map(({ uri, rel }) => [uri, rel]),
    [
      ['https://a.example/x?p=2', 'next'],
      ['/last', 'last'],
    ],
  );
  assert.equal(found[1]?.params['title'], 'The, end; really');
});

test('parseLinks: gives one link for each relation type', () => {
  assert.deepEqual(
    parseLinks('<a>; rel="Start  http://example.net/relation/other"').map(({ rel }) => rel),
    ['start', 'http://example.net/relation/other'],
  );
  assert.equal(parseLinks('<a>')[0]?.rel, '');
});

test('parseLinks: takes commas in the URL for what they are', () => {
  assert.deepEqual(links('<a,b;c>;rel=x'), [{ uri: 'a,b;c', rel: 'x' }]);
});

test('parseLinks: decodes what is extended, which wins', () => {
  assert.equal(
    parseLinks(`<a>; title=plain; title*=UTF-8'de'n%c3%a4chstes%20Kapitel`)[0]?.params['title'],
    'nächstes Kapitel',
  );
});

test('parseLinks: the first of a parameter counts', () => {
  assert.deepEqual(links('<a>; rel=one; rel=two'), [{ uri: 'a', rel: 'one' }]);
});

test('parseLinks: stops at what is no link and never throws', () => {
  assert.deepEqual(links('<a>; rel=x, nonsense, <b>; rel=y'), [{ uri: 'a', rel: 'x' }]);
  for (const header of ['', ',', '<', '<a', 'a', ';', '<a>;;;=,,,', '<a>; rel="'])
    assert.doesNotThrow(() => links(header));
});

test('parseLinks: no parameter reaches a prototype', () => {
  const [link] = parseLinks('<a>; __proto__=x; constructor=y; rel=z');
  assert.equal(Object.getPrototypeOf(link?.params), null);
  assert.equal(({} as { x?: unknown }).x, undefined);
});
