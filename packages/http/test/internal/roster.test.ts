import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Roster, type Listed } from '../../src/internal/roster.ts';

class Item implements Listed {
  rosterIndex = -1;
}

test('Roster: has who was added and has not left', () => {
  const moves = fc.array(fc.record({ item: fc.nat(9), enters: fc.boolean() }), { maxLength: 60 });
  fc.assert(
    fc.property(moves, (program) => {
      const items = Array.from({ length: 10 }, () => new Item());
      const roster = new Roster<Item>();
      const model = new Set<Item>();
      for (const { item: index, enters } of program) {
        const item = items[index] as Item;
        if (enters && !model.has(item)) roster.add(item);
        if (!enters) roster.delete(item);
        if (enters) model.add(item);
        else model.delete(item);
        assert.equal(roster.size, model.size);
        assert.deepEqual(new Set(roster.all()), model);
      }
    }),
  );
});

test('Roster.all: can be gone through while they leave', () => {
  const roster = new Roster<Item>();
  for (let count = 0; count < 5; count++) roster.add(new Item());
  for (const item of roster.all()) roster.delete(item);
  assert.equal(roster.size, 0);
});
