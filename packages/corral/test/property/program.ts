/** Random programs: trees of scopes, groups and tasks as plain data, so that a failing one can be printed and replayed. */

import * as fc from 'fast-check';

/** What a `throw` throws. Primitives are the errors that careless code loses. */
export type Thrown = 'error' | 'frozen' | 'shared' | 'aggregate' | 'undefined' | 'zero' | 'null' | 'text';

/** How a function gives its result: an async function, a plain one, a thenable, a promise of a subclass. */
export type Shape = 'async' | 'plain' | 'thenable' | 'subclass';

/** A function of a program. */
export interface Body {
  readonly shape: Shape;
  readonly steps: readonly Step[];
}

/** What a body does, step by step. */
export type Step =
  | { readonly do: 'sleep'; readonly ms: number }
  | { readonly do: 'checkpoint' }
  | { readonly do: 'tick' }
  | {
      readonly do: 'foreign';
      readonly turns: number;
      readonly how: 'raw' | 'abortable' | 'abandon';
      readonly fails: boolean;
    }
  | { readonly do: 'throw'; readonly what: Thrown }
  | {
      readonly do: 'try';
      readonly body: readonly Step[];
      readonly onError: 'rethrow' | 'swallow' | 'wrap' | 'wrapOnly';
      readonly finally: readonly Step[];
    }
  | {
      readonly do: 'scope';
      readonly how: 'withScope' | 'timeout' | 'moveOnAfter' | 'shield' | 'cleanup' | 'withSignal';
      readonly ms: number;
      readonly body: Body;
      readonly awaited: boolean;
    }
  | {
      readonly do: 'group';
      readonly how: 'callback' | 'open' | 'left';
      readonly concurrency: number;
      readonly policy: 'cancel' | 'collect' | 'ignore' | 'mixed' | 'throws';
      readonly aggregate: boolean;
      readonly ambient: boolean;
      readonly body: Body;
      readonly awaited: boolean;
    }
  | {
      readonly do: 'spawn';
      readonly how: 'later' | 'eager' | 'background' | 'always' | 'ready' | 'start' | 'detach';
      /** How many groups further out. */
      readonly up: number;
      readonly body: Body;
    }
  | {
      readonly do: 'combine';
      readonly how: 'gather' | 'settled' | 'race' | 'any' | 'map' | 'forEach' | 'asCompleted';
      readonly concurrency: number;
      /** race, any: staggerMs. map: an async input, when above zero. asCompleted: how many to take, zero for all. */
      readonly extra: number;
      readonly bodies: readonly Body[];
      readonly awaited: boolean;
    }
  | { readonly do: 'join'; readonly task: number; readonly caught: boolean }
  | { readonly do: 'joinGroup' }
  | { readonly do: 'cancel'; readonly target: number }
  | { readonly do: 'onCancel'; readonly target: number }
  | { readonly do: 'limit'; readonly concurrency: number }
  | { readonly do: 'reschedule'; readonly ms: number };

/** A program, and who is cancelled from outside at which time. */
export interface Program {
  readonly steps: readonly Step[];
  readonly cancels: readonly { readonly atMs: number; readonly target: number }[];
}

/** How large the programs are. */
export interface Size {
  readonly depth: number;
  readonly steps: number;
}

/** Zero means none: Infinity cannot be written as JSON. */
const limit = fc.constantFrom(0, 0, 0, 1, 2);
const ms = fc.integer({ min: 0, max: 12 });
const target = fc.nat({ max: 30 });
const awaited = fc.constantFrom(true, true, true, true, false);
const thrown = fc.constantFrom<Thrown>(
  'error',
  'error',
  'error',
  'frozen',
  'shared',
  'aggregate',
  'undefined',
  'zero',
  'null',
  'text',
);

/** Programs up to a size. */
export function programs({ depth, steps: length }: Size): fc.Arbitrary<Program> {
  const { steps } = fc.letrec<{ steps: Step[]; body: Body; step: Step; leaf: Step; branch: Step }>((tie) => ({
    steps: fc.array(tie('step'), { maxLength: length, depthIdentifier: 'program' }),
    body: fc.record({
      shape: fc.constantFrom<Shape>('async', 'async', 'async', 'plain', 'thenable', 'subclass'),
      steps: tie('steps'),
    }),
    step: fc.oneof(
      { maxDepth: depth, depthIdentifier: 'program', withCrossShrink: true },
      { arbitrary: tie('leaf'), weight: 5 },
      { arbitrary: tie('branch'), weight: 6 },
    ),
    leaf: fc.oneof(
      { arbitrary: fc.record({ do: fc.constant('sleep' as const), ms }), weight: 10 },
      { arbitrary: fc.constant<Step>({ do: 'checkpoint' }), weight: 2 },
      { arbitrary: fc.constant<Step>({ do: 'tick' }), weight: 2 },
      { arbitrary: fc.record({ do: fc.constant('throw' as const), what: thrown }), weight: 3 },
      { arbitrary: fc.record({ do: fc.constant('cancel' as const), target }), weight: 2 },
      { arbitrary: fc.record({ do: fc.constant('onCancel' as const), target }), weight: 1 },
      { arbitrary: fc.record({ do: fc.constant('join' as const), task: target, caught: fc.boolean() }), weight: 3 },
      { arbitrary: fc.constant<Step>({ do: 'joinGroup' }), weight: 1 },
      { arbitrary: fc.record({ do: fc.constant('limit' as const), concurrency: limit }), weight: 1 },
      { arbitrary: fc.record({ do: fc.constant('reschedule' as const), ms }), weight: 1 },
      {
        arbitrary: fc.record({
          do: fc.constant('foreign' as const),
          turns: fc.integer({ min: 0, max: 2 }),
          how: fc.constantFrom('raw' as const, 'abortable' as const, 'abandon' as const),
          fails: fc.boolean(),
        }),
        weight: 1,
      },
    ),
    branch: fc.oneof(
      {
        arbitrary: fc.record({
          do: fc.constant('spawn' as const),
          how: fc.constantFrom(
            'later' as const,
            'later' as const,
            'eager' as const,
            'background' as const,
            'always' as const,
            'ready' as const,
            'start' as const,
            'detach' as const,
          ),
          up: fc.constantFrom(0, 0, 0, 1),
          body: tie('body'),
        }),
        weight: 6,
      },
      {
        arbitrary: fc.record({
          do: fc.constant('group' as const),
          how: fc.constantFrom('callback' as const, 'callback' as const, 'open' as const, 'left' as const),
          concurrency: limit,
          policy: fc.constantFrom(
            'cancel' as const,
            'cancel' as const,
            'collect' as const,
            'ignore' as const,
            'mixed' as const,
            'throws' as const,
          ),
          aggregate: fc.constantFrom(false, false, true),
          ambient: fc.constantFrom(true, true, true, false),
          body: tie('body'),
          awaited,
        }),
        weight: 3,
      },
      {
        arbitrary: fc.record({
          do: fc.constant('scope' as const),
          how: fc.constantFrom(
            'withScope' as const,
            'timeout' as const,
            'moveOnAfter' as const,
            'shield' as const,
            'cleanup' as const,
            'withSignal' as const,
          ),
          ms,
          body: tie('body'),
          awaited,
        }),
        weight: 4,
      },
      {
        arbitrary: fc.record({
          do: fc.constant('combine' as const),
          how: fc.constantFrom(
            'gather' as const,
            'settled' as const,
            'race' as const,
            'any' as const,
            'map' as const,
            'forEach' as const,
            'asCompleted' as const,
          ),
          concurrency: limit,
          extra: fc.integer({ min: 0, max: 4 }),
          bodies: fc.array(tie('body'), { minLength: 1, maxLength: 3, depthIdentifier: 'program' }),
          awaited,
        }),
        weight: 3,
      },
      {
        arbitrary: fc.record({
          do: fc.constant('try' as const),
          body: tie('steps'),
          onError: fc.constantFrom('rethrow' as const, 'swallow' as const, 'wrap' as const, 'wrapOnly' as const),
          finally: tie('steps'),
        }),
        weight: 3,
      },
    ),
  }));
  const cancels = fc.array(fc.record({ atMs: fc.integer({ min: 0, max: 40 }), target }), { maxLength: 3 });
  return fc.record({ steps, cancels });
}
