import assert from 'node:assert/strict';
import { test } from 'node:test';

import { HeaderList, readHeaders, type HeadersInput } from '../../src/request/header-list.ts';

test('HeaderList: get gives the first value, has whether there is one', () => {
  const list = new HeaderList(['a', '1', 'b', 'a', 'a', '2']);
  assert.equal(list.get('a'), '1');
  assert.equal(list.get('1'), undefined);
  assert.deepEqual([list.has('b'), list.has('2')], [true, false]);
});

test('HeaderList: with replaces all of a name, and keeps the order of the others', () => {
  const list = new HeaderList(['a', '1', 'b', '2', 'a', '3', 'c', '4']);
  assert.deepEqual(list.with(['a', '9']).flat, ['b', '2', 'c', '4', 'a', '9']);
  assert.deepEqual(list.with([], ['a']).flat, ['b', '2', 'c', '4']);
  assert.equal(list.with([]), list);
});

test('HeaderList: without drops all of these names, and values of these names stay', () => {
  const list = new HeaderList(['a', 'b', 'b', 'a', 'a', 'c']);
  assert.deepEqual(list.without(new Set(['a'])).flat, ['b', 'a']);
  assert.deepEqual(list.flat.length, 6);
});

test('readHeaders: gives names in lower case, and what is to be taken away', () => {
  assert.deepEqual(readHeaders({ 'X-A': '1', 'X-B': undefined, 'X-C': ['2', '3'], 'X-D': 4 }, 'get()'), {
    flat: ['x-a', '1', 'x-c', '2', 'x-c', '3', 'x-d', '4'],
    removed: ['x-b'],
  });
});

test('readHeaders: reads own properties alone', () => {
  const given = Object.create({ 'x-inherited': '1' }) as Record<string, string>;
  given['x-own'] = '2';
  assert.deepEqual(readHeaders(given, 'get()').flat, ['x-own', '2']);
});

test('readHeaders: an empty list for a name sends none of it', () => {
  assert.deepEqual(readHeaders({ 'x-a': [] }, 'get()'), { flat: [], removed: [] });
});

test('readHeaders: takes a Map of names and values', () => {
  const given = new Map([['X-A', '1']]) as unknown as HeadersInput;
  assert.deepEqual(readHeaders(given, 'get()').flat, ['x-a', '1']);
});

for (const given of [
  { 'x-a': 'b\n' },
  { 'x-a': 'b\r' },
  { 'x-a': '\0' },
  { 'x-a': '\u0100' },
  { 'x:a': 'b' },
  { ä: 'b' },
]) {
  test(`readHeaders: refuses ${JSON.stringify(given)} and does not show the value`, () => {
    assert.throws(
      () => readHeaders({ ...given, 'x-secret': 'hunter2' }, 'get()'),
      (error: unknown) => {
        assert.ok(error instanceof TypeError);
        assert.doesNotMatch(error.message, /hunter2/);
        return true;
      },
    );
  });
}

for (const value of [null, {}, true, Symbol('s'), ['a', null]]) {
  test(`readHeaders: refuses a value of type ${typeof value}: ${value === null ? 'null' : typeof value}`, () => {
    assert.throws(() => readHeaders({ 'x-a': value } as never, 'get()'), TypeError);
  });
}
