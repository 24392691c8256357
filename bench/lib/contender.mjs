/** How the cases name their contenders. What a contender needs is imported only in the process that runs it. */

const sources = {
  raw: () => import('../contenders/raw.mjs'),
  corral: () => import('../contenders/corral.mjs'),
  ingredients: () => import('../contenders/ingredients.mjs'),
  effect: () => import('../compare/effect.mjs'),
  effection: () => import('../compare/effection.mjs'),
  'p-limit': () => import('../compare/p-limit.mjs'),
  'p-map': () => import('../compare/p-map.mjs'),
  'p-timeout': () => import('../compare/p-timeout.mjs'),
  primitives: () => import('../contenders/primitives.mjs'),
  'async-mutex': () => import('../compare/async-mutex.mjs'),
  'async-sema': () => import('../compare/async-sema.mjs'),
  'effect-queue': () => import('../compare/effect-queue.mjs'),
  'es-toolkit': () => import('../compare/es-toolkit.mjs'),
  fetch: () => import('../contenders/fetch.mjs'),
  http: () => import('../contenders/http.mjs'),
  axios: () => import('../compare/axios.mjs'),
  got: () => import('../compare/got.mjs'),
  ky: () => import('../compare/ky.mjs'),
  undici: () => import('../compare/undici.mjs'),
  'std-async': () => import('../compare/std-async.mjs'),
};

/** The oldest Node majors that the peers' authors support. */
const needs = { effect: 22, 'effect-queue': 22, 'p-timeout': 22 };

/** `pick(module)` gives the body of the contender. */
export function from(source, name, pick, params) {
  return { name, source, params, needs: needs[source], load: async (all) => pick(await sources[source](), all) };
}

/** @std/async's contender, where its folder was given: see compare/std-async.mjs. */
export function ofStd(name, pick, params) {
  return process.env.CORRAL_BENCH_STD ? [from('std-async', name, pick, params)] : [];
}

/** The case with corral's contenders twice: the build that is measured, and the one in `folder` beside it. */
export function withOtherBuild(benchmark, folder) {
  const contenders = benchmark.contenders.flatMap((contender) =>
    ofCorral(contender)
      ? [contender, { ...contender, name: `${contender.name} [other build]`, is: contender.name, folder }]
      : [contender],
  );
  return { ...benchmark, contenders };
}

function ofCorral({ source }) {
  return ['corral', 'ingredients', 'primitives', 'http'].includes(source);
}
