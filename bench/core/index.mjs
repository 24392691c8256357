import { awaiting } from './awaiting.mjs';
import { bounded } from './bounded.mjs';
import { cancel, cancelLinear } from './cancel.mjs';
import { heap } from './heap.mjs';
import { ingredients } from './ingredients.mjs';
import { spawnJoin } from './spawn-join.mjs';
import { timeouts } from './timeouts.mjs';

export default [spawnJoin, bounded, cancel, cancelLinear, timeouts, awaiting, heap, ingredients];
