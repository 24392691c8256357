import { scopeFor, type ScopeOption } from '../core/current.ts';
import { entering } from '../core/operation.ts';
import { passThrough } from '../core/checkpoint.ts';
import type { Scope } from '../core/scope.ts';
import { LineOperation, WaitLine } from '../core/wait-line.ts';
import { adoptSignal, checkSignal } from '../core/abort-signal.ts';
import { EventOverflowError } from '../errors.ts';
import { checkCount, checkOneOf, shown } from '../internal/checks.ts';
import { Fifo } from '../internal/fifo.ts';

/** What Node's EventEmitter and its like can do. */
export interface EventEmitterLike {
  on(name: string | symbol, listener: (...args: never[]) => void): unknown;
  off(name: string | symbol, listener: (...args: never[]) => void): unknown;
}
