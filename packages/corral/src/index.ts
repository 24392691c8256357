/** corral: structured concurrency for TypeScript. */

export { abortable, type AbortableOptions } from './core/abortable.ts';
export { asCompleted } from './core/as-completed.ts';
export { ContextVariable, type ContextVariableOptions } from './core/context-variable.ts';
export { currentScope, currentSignal, type ScopeOption } from './core/current.ts';
export { currentTask } from './core/current-task.ts';
export { detach } from './core/detach.ts';
export {
  gather,
  type GatherOptions,
  type GatherResults,
  type SettledResults,
  type TaskFunctions,
} from './core/gather.ts';
export { isCancelled } from './core/is-cancelled.ts';
export { forEach, map, type ItemFunction, type MapOptions } from './core/map.ts';
export type { NameOption } from './core/name-option.ts';
export { openTaskGroup, type OpenTaskGroup } from './core/open-task-group.ts';
export { any, race, type RaceOptions } from './core/race.ts';
export { run, type RunOptions } from './core/run.ts';
export { Scope } from './core/scope.ts';
export { cleanup, shield, type CleanupOptions, type ShieldOptions } from './core/shield.ts';
export type { StartedTask } from './core/start.ts';
export {
  taskGroup,
  type GroupOptions,
  type SpawnOptions,
  type TaskErrorDecision,
  type TaskGroup,
  type TaskGroupOptions,
  type TaskGroupSnapshot,
} from './core/task-group.ts';
export type { Task, TaskOutcome, TaskState } from './core/task.ts';
export { now } from './core/time.ts';
export { withScope, type TaskFunction, type WithScopeOptions } from './core/with-scope.ts';
export { withSignal } from './core/with-signal.ts';
export {
  AbandonedTaskError,
  BufferOverflowError,
  CancelledError,
  CorralError,
  DeadlockError,
  GroupClosedError,
  ScopeClosedError,
  StrayCancellationError,
  TaskCancelledError,
  TaskGroupError,
  TimeoutError,
  suppressedErrors,
  type CancelCause,
  type CancelKind,
} from './errors.ts';
export type { ErrorReporter } from './internal/report.ts';
export type { Consumable, StreamForEachOptions } from './stream/consumable.ts';
export {
  EventStream,
  events,
  type EventEmitterLike,
  type EventTargetLike,
  type EventsOptions,
} from './stream/events.ts';
export type { Overflow } from './stream/feed.ts';
export type { StreamIterator } from './stream/iterate.ts';
export { fromNodeStream, toNodeStream, type NodeReadableLike, type ToNodeStreamOptions } from './stream/node-stream.ts';
export type { Emit, Producer } from './stream/produce.ts';
export type { StreamSource } from './stream/pull.ts';
export type { StageFunction } from './stream/stages.ts';
export {
  Stream,
  stream,
  type BatchOptions,
  type ConcurrencyOptions,
  type StreamOptions,
  type StreamRetryOptions,
  type StreamThrottleOptions,
} from './stream/stream.ts';
export { fromWebStream, toWebStream } from './stream/web-stream.ts';
export { Event } from './sync/event.ts';
export { Lock } from './sync/lock.ts';
export type { Permit } from './sync/permit.ts';
export { Semaphore, type SemaphoreSnapshot } from './sync/semaphore.ts';
export { checkpoint } from './time/checkpoint.ts';
export { interval } from './time/interval.ts';
export { moveOnAfter, type MoveOnOptions, type MoveOnResult } from './time/move-on-after.ts';
export { sleep, sleepForever, sleepUntil } from './time/sleep.ts';
export { timeout, timeoutAt, type TimeoutOptions } from './time/timeout.ts';
