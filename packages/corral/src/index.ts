/** corral: structured concurrency for TypeScript. */

export { after } from './channel/after.ts';
export {
  Broadcast,
  type BroadcastOptions,
  type BroadcastSnapshot,
  type SubscribeOptions,
} from './channel/broadcast.ts';
export { channel, type ChannelOptions, type ChannelSnapshot, type ChannelOverflow } from './channel/channel.ts';
export { Queue } from './channel/queue.ts';
export type { PutManyOptions, QueueOptions, QueueSnapshot, ShutdownOptions } from './channel/queue-options.ts';
export type { Receiver } from './channel/receiver.ts';
export {
  select,
  type BranchValue,
  type Branches,
  type SelectOptions,
  type Selected,
  type SelectedOutcome,
} from './channel/select.ts';
export type { Sender } from './channel/sender.ts';
export type { QueueOrder } from './channel/store.ts';
export type {
  SubscriberOverflow,
  Subscription,
  SubscriptionSnapshot,
  SubscriptionState,
} from './channel/subscription.ts';
export type { PutProgress } from './channel/waiting.ts';
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
export type { Selectable } from './core/selectable.ts';
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
  BrokenResourceError,
  CancelledError,
  ClosedResourceError,
  CorralError,
  DeadlockError,
  EndOfChannelError,
  GroupClosedError,
  QueueShutDownError,
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
export { Event } from './sync/event.ts';
export { Lock } from './sync/lock.ts';
export type { Permit } from './sync/permit.ts';
export { Semaphore, type SemaphoreSnapshot } from './sync/semaphore.ts';
export { checkpoint } from './time/checkpoint.ts';
export { interval } from './time/interval.ts';
export { moveOnAfter, type MoveOnOptions, type MoveOnResult } from './time/move-on-after.ts';
export { sleep, sleepForever, sleepUntil } from './time/sleep.ts';
export { timeout, timeoutAt, type TimeoutOptions } from './time/timeout.ts';
