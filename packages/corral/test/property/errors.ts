/** Taking errors apart: which real errors travel in what was thrown. */

import { isCancelled, suppressedErrors } from '../../src/index.ts';
import type { Thrown } from './program.ts';

/** All real errors in what was thrown: leaves of aggregates, both sides of a SuppressedError, attached ones. */
export function realErrors(error: unknown): Set<unknown> {
  const real = new Set<unknown>();
  const seen = new Set<unknown>();
  const visit = (value: unknown): void => {
    if (seen.has(value)) return;
    seen.add(value);
    for (const later of suppressedErrors(value)) visit(later);
    if (value instanceof AggregateError) {
      for (const leaf of value.errors) visit(leaf);
    } else if (isSuppressedError(value)) {
      visit(value.error);
      visit(value.suppressed);
    } else if (!isCancelled(value)) {
      real.add(value);
    }
  };
  visit(error);
  return real;
}

function isSuppressedError(value: unknown): value is Error & { error: unknown; suppressed: unknown } {
  return value instanceof Error && value.name === 'SuppressedError';
}

/** Makes what a program throws. */
export function makeError(what: Thrown, label: string, shared: Error): unknown {
  switch (what) {
    case 'error':
      return new Error(label);
    case 'frozen':
      return Object.freeze(new Error(label));
    case 'shared':
      return shared;
    case 'aggregate':
      return new AggregateError([new Error(`${label}, first`), undefined, new Error(`${label}, third`)], label);
    case 'undefined':
      return undefined;
    case 'zero':
      return 0;
    case 'null':
      return null;
    case 'text':
      return label;
  }
}

/** How an error is named in a trace. */
export function named(error: unknown): string {
  return error instanceof Error ? `${error.name}(${error.message})` : String(error);
}
