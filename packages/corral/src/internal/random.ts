/** The one door to randomness, so that tests can have it repeat itself. */

let generator: (() => number) | undefined;

/** A number from 0 up to 1. */
export function random(): number {
  return generator ? generator() : Math.random();
}

/** Puts another generator in force, or the platform's again; returns the one before. */
export function installRandom(next: (() => number) | undefined): (() => number) | undefined {
  const before = generator;
  generator = next;
  return before;
}
