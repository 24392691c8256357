/**
 * The errors that callers are meant to catch, each with a stable `code`.
 *
 * They carry a brand under a registered symbol, so that an error made by one copy of the library is recognised by
 * another. Names and codes stand on the prototype: an error printed to the console shows only its own data.
 */

const brand: unique symbol = Symbol.for('corral.error') as never;
const suppressed: unique symbol = Symbol.for('corral.suppressed') as never;

/** Why a scope was cancelled. */
export type CancelKind =
  | 'deadline' // its deadline passed
  | 'explicit' // somebody called cancel()
  | 'sibling-failed' // another task of its group failed
  | 'body-failed' // the body of its group failed
  | 'parent' // a foreign AbortSignal that it was given was aborted
  | 'shutdown' // the process was told to stop
  | 'closed'; // what it belongs to has ended

/** The `cause` of a {@link CancelledError}: what happened, where, and the reason that was given. */
export interface CancelCause {
  readonly kind: CancelKind;
  /** What was handed to `cancel(reason)`, or the reason of a foreign signal. */
  readonly reason?: unknown;
  /** The name of the scope, task or group that was cancelled or that failed. */
  readonly by?: string | undefined;
  /** The failure that made the group cancel the others. */
  readonly error?: unknown;
}

/** Base of the errors that corral throws on purpose; TaskGroupError is an AggregateError, misuse a TypeError or RangeError. */
export abstract class CorralError extends Error {
  /** Stable: made to be compared with. */
  abstract readonly code: string;
  get [brand](): string {
    return this.code;
  }
}

/**
 * Thrown by a waiting operation in a cancelled scope: the operation did not happen.
 *
 * Its `name` is `AbortError` and its `code` `ABORT_ERR`, which is what the ecosystem looks for. Let it pass: the scope
 * that was cancelled turns it into its result. All that one `cancel()` wakes share one error object.
 */
export class CancelledError extends CorralError {
  declare readonly cause: CancelCause;
  constructor(cause: CancelCause) {
    super(`Cancelled: ${causeText(cause)}`, { cause });
  }
  override get name(): string {
    return 'AbortError';
  }
  get code(): 'ABORT_ERR' {
    return 'ABORT_ERR';
  }
}

/** A deadline passed before the body had ended. */
export class TimeoutError extends CorralError {
  /** The time that was given, in milliseconds; undefined when a point in time was given. */
  readonly ms: number | undefined;
  constructor(ms?: number, name = 'timeout') {
    super(ms === undefined ? `Deadline of ${name} passed` : `Timed out after ${ms} ms in ${name}`);
    this.ms = ms;
  }
  override get name(): string {
    return 'TimeoutError';
  }
  get code(): 'CORRAL_TIMEOUT' {
    return 'CORRAL_TIMEOUT';
  }
}

/** The task that was joined had been cancelled; whoever joined it was not. */
export class TaskCancelledError extends CorralError {
  constructor(task: string, cause?: unknown) {
    super(`Task ${task} was cancelled`, { cause });
  }
  override get name(): string {
    return 'TaskCancelledError';
  }
  get code(): 'CORRAL_TASK_CANCELLED' {
    return 'CORRAL_TASK_CANCELLED';
  }
}

/** Several failures of one group, where the first could not carry the others or an aggregate was asked for. */
export class TaskGroupError extends AggregateError {
  constructor(errors: readonly unknown[], group = 'task group') {
    super(errors, `${errors.length} failure${errors.length === 1 ? '' : 's'} in ${group}`);
  }
  override get name(): string {
    return 'TaskGroupError';
  }
  get code(): 'CORRAL_TASK_GROUP' {
    return 'CORRAL_TASK_GROUP';
  }
  get [brand](): string {
    return this.code;
  }
}

/** A task did not end within the grace time after it was cancelled, and the group went on without it. */
export class AbandonedTaskError extends CorralError {
  constructor(task: string, graceMs: number) {
    super(`Task ${task} did not end within ${graceMs} ms after it was cancelled`);
  }
  override get name(): string {
    return 'AbandonedTaskError';
  }
  get code(): 'CORRAL_TASK_ABANDONED' {
    return 'CORRAL_TASK_ABANDONED';
  }
}

/** An operation was still waiting when its scope ended, or was called after that. */
export class ScopeClosedError extends CorralError {
  constructor(scope: string, action = 'wait') {
    super(`Cannot ${action} in scope ${scope} as it has ended: was an await forgotten? Else use detach(fn, group)`);
  }
  override get name(): string {
    return 'ScopeClosedError';
  }
  get code(): 'CORRAL_SCOPE_CLOSED' {
    return 'CORRAL_SCOPE_CLOSED';
  }
}

/** A task was spawned into a group that has ended. */
export class GroupClosedError extends CorralError {
  constructor(group: string) {
    super(`Cannot spawn into ${group} as it has ended`);
  }
  override get name(): string {
    return 'GroupClosedError';
  }
  get code(): 'CORRAL_GROUP_CLOSED' {
    return 'CORRAL_GROUP_CLOSED';
  }
}

/** A CancelledError left a scope in which nothing was cancelled: it was kept and thrown again. It is the `cause`. */
export class StrayCancellationError extends CorralError {
  constructor(cause: unknown, scope: string) {
    super(`A cancellation left ${scope}, in which nothing was cancelled`, { cause });
  }
  override get name(): string {
    return 'StrayCancellationError';
  }
  get code(): 'CORRAL_STRAY_CANCELLATION' {
    return 'CORRAL_STRAY_CANCELLATION';
  }
}

/** The barrier was aborted, or reset while somebody waited at it. */
export class BrokenBarrierError extends CorralError {
  constructor(barrier = 'barrier') {
    super(`Cannot wait at ${barrier} as it is broken: it was aborted, or reset meanwhile`);
  }
  override get name(): string {
    return 'BrokenBarrierError';
  }
  get code(): 'CORRAL_BROKEN_BARRIER' {
    return 'CORRAL_BROKEN_BARRIER';
  }
}

/** As many as may wait were waiting already: nothing was done. */
export class LineFullError extends CorralError {
  /** How many may wait. */
  readonly maxWaiting: number;
  constructor(maxWaiting: number, where = 'line') {
    const why = maxWaiting === 0 ? 'nobody may wait' : `no more than ${maxWaiting} may wait: so many do already`;
    super(`Cannot wait for ${where} as ${why}`);
    this.maxWaiting = maxWaiting;
  }
  override get name(): string {
    return 'LineFullError';
  }
  get code(): 'CORRAL_LINE_FULL' {
    return 'CORRAL_LINE_FULL';
  }
}

/** A circuit breaker let nothing through: the call was not made. */
export class CircuitOpenError extends CorralError {
  /** Milliseconds until it will let a call through to try; undefined when that is not known. */
  readonly retryAfterMs: number | undefined;
  constructor(breaker: string, state: string, retryAfterMs?: number) {
    const wait = retryAfterMs === undefined ? '' : `: it tries again in ${Math.ceil(retryAfterMs)} ms`;
    super(`Cannot call through ${breaker} as it is ${state}${wait}`);
    this.retryAfterMs = retryAfterMs;
  }
  override get name(): string {
    return 'CircuitOpenError';
  }
  get code(): 'CORRAL_CIRCUIT_OPEN' {
    return 'CORRAL_CIRCUIT_OPEN';
  }
}

/** More came than may wait to be read. */
export class BufferOverflowError extends CorralError {
  constructor(buffer: string, capacity: number) {
    super(`Cannot buffer another value of ${buffer} as at most ${capacity} may wait: read faster, or say what to drop`);
  }
  override get name(): string {
    return 'BufferOverflowError';
  }
  get code(): 'CORRAL_BUFFER_OVERFLOW' {
    return 'CORRAL_BUFFER_OVERFLOW';
  }
}

/** Tasks were waiting and nothing was left that could ever wake them. */
export class DeadlockError extends CorralError {
  /** The tasks and what each waited for, as text. */
  readonly tree: string;
  constructor(tree: string) {
    super(`Deadlock: nothing is left that could wake these tasks\n${tree}`);
    this.tree = tree;
  }
  override get name(): string {
    return 'DeadlockError';
  }
  get code(): 'CORRAL_DEADLOCK' {
    return 'CORRAL_DEADLOCK';
  }
}

/** Something was put into a queue that was shut down, or asked of one that was shut down and is empty. */
export class QueueShutDownError extends CorralError {
  constructor(queue: string, action = 'use') {
    super(`Cannot ${action} ${queue} as it must not be shut down`);
  }
  override get name(): string {
    return 'QueueShutDownError';
  }
  get code(): 'CORRAL_QUEUE_SHUT_DOWN' {
    return 'CORRAL_QUEUE_SHUT_DOWN';
  }
}

/** Nothing more will come: all who could send have closed, and what they sent has been received. */
export class EndOfChannelError extends CorralError {
  constructor(channel: string) {
    super(`Cannot receive from ${channel} as it has ended: all senders are closed and nothing is left`);
  }
  override get name(): string {
    return 'EndOfChannelError';
  }
  get code(): 'CORRAL_END_OF_CHANNEL' {
    return 'CORRAL_END_OF_CHANNEL';
  }
}

/** What was used had been closed by its own user: here, and not at the other end. */
export class ClosedResourceError extends CorralError {
  constructor(resource: string, action = 'use', why = 'it was closed on this side') {
    super(`Cannot ${action} ${resource} as it must not be closed: ${why}`);
  }
  override get name(): string {
    return 'ClosedResourceError';
  }
  get code(): 'CORRAL_RESOURCE_CLOSED' {
    return 'CORRAL_RESOURCE_CLOSED';
  }
}

/** What was used does not work any more, through no doing of this side: the other end has gone, or a failure broke it. */
export class BrokenResourceError extends CorralError {
  constructor(resource: string, action = 'use', why = 'the other side has closed', cause?: unknown) {
    super(`Cannot ${action} ${resource} as it must not be broken: ${why}`, cause === undefined ? undefined : { cause });
  }
  override get name(): string {
    return 'BrokenResourceError';
  }
  get code(): 'CORRAL_RESOURCE_BROKEN' {
    return 'CORRAL_RESOURCE_BROKEN';
  }
}

/** A call that waited for its turn was taken out of the line by `clearQueue()`, `cancel()` or a disposal: it never began. */
export class CallDroppedError extends CorralError {
  constructor(name: string) {
    super(`A call of ${name} was dropped before it began`);
  }
  override get name(): string {
    return 'CallDroppedError';
  }
  get code(): 'CORRAL_CALL_DROPPED' {
    return 'CORRAL_CALL_DROPPED';
  }
}

/** @internal Whether an error is corral's cancellation: branded, or an AbortError whose cause is (what Node throws). */
export function isCancellation(error: unknown): boolean {
  return isBranded(error) || (isAbortError(error) && isBranded(read(error, 'cause')));
}

/**
 * The later failures that travel with the first one that corral threw; empty when there are none.
 *
 * The native SuppressedError, which `using` and `await using` make of an error in the body and another one while
 * disposing, is not read: it has them in `.error` (the later one) and `.suppressed`.
 */
export function suppressedErrors(error: unknown): readonly unknown[] {
  return (read(error, suppressed) as unknown[] | undefined) ?? [];
}

/** @internal Anything that calls itself an AbortError: a DOMException, Node's own class, ours. */
export function isAbortError(error: unknown): boolean {
  return read(error, 'name') === 'AbortError';
}

/** @internal Attaches later failures to the first; false when the first cannot carry them. */
export function attachSuppressed(first: unknown, later: readonly unknown[]): first is object {
  if (!isExtensible(first)) return false;
  Object.defineProperty(first, suppressed, { value: [...new Set(later)], enumerable: true, configurable: true });
  return true;
}

function isBranded(error: unknown): boolean {
  return read(error, brand) === 'ABORT_ERR';
}

/** A property of whatever was thrown: even looking at it may throw, and must not while a scope is ending. */
function read(value: unknown, key: string | symbol): unknown {
  try {
    return isObject(value) ? (value as Record<string | symbol, unknown>)[key] : undefined;
  } catch {
    return undefined;
  }
}

function isExtensible(value: unknown): value is object {
  try {
    return isObject(value) && Object.isExtensible(value);
  } catch {
    return false;
  }
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}

function causeText({ kind, reason, by, error }: CancelCause): string {
  const detail = error === undefined ? reason : error;
  const where = by ? ` (${by})` : '';
  return kind + where + (detail === undefined ? '' : `: ${printable(detail)}`);
}

/** `String()` throws on objects without a prototype and on those that mean harm. */
function printable(value: unknown): string {
  try {
    return String(value);
  } catch {
    return 'something that cannot be printed';
  }
}
