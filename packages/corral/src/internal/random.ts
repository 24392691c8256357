/** The one door to randomness: what spreads retries asks here, so that tests can replay it. */

let source: () => number = Math.random;

/** A number from 0 up to 1, not for secrets. */
export function random(): number {
  return source();
}

/** Puts another generator in force, for tests; returns the one before. */
export function installRandom(next: () => number): () => number {
  const before = source;
  source = next;
  return before;
}
