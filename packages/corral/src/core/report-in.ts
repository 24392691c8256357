import { report, type ErrorReporter } from '../internal/report.ts';
import type { Scope } from './scope.ts';

/** A root that wants to be told of errors that have nobody to be thrown at. */
export interface ReportingRoot {
  readonly onError: ErrorReporter | undefined;
}

/** Reports an error of something in `scope`: to the `run` around it, or else to the console. */
export function reportIn(scope: Scope | undefined, error: unknown, where: string): void {
  let root = scope;
  while (root?.parent) root = root.parent;
  report(error, where, root && 'onError' in root ? (root as ReportingRoot).onError : undefined);
}
