/** corral: structured concurrency for TypeScript. */

export { after } from './channel/after.ts';
export {
  Broadcast,
  type BroadcastOptions,
  type BroadcastSnapshot,
  type SubscribeOptions,
} from './channel/broadcast.ts';
export { channel, type ChannelOptions, type ChannelOverflow, type ChannelSnapshot } from './channel/channel.ts';
export type { PutManyOptions, QueueOptions, QueueSnapshot, ShutdownOptions } from './channel/queue-options.ts';
export { Queue } from './channel/queue.ts';
export type { Receiver } from './channel/receiver.ts';
export {
  select,
  type Branches,
  type BranchValue,
  type Selected,
  type SelectedOutcome,
  type SelectOptions,
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
export { currentTask } from './core/current-task.ts';
export { currentScope, currentSignal, type ScopeOption } from './core/current.ts';
export { detach } from './core/detach.ts';
export {
  gather,
  type GatherOptions,
  type GatherResults,
  type SettledResults,
  type TaskFunctions,
} from './core/gather.ts';
export { isCancelled } from './core/is-cancelled.ts';
export type { EventEmitterLike, EventTargetLike } from './core/listen.ts';
export { forEach, map, type ItemFunction, type MapOptions } from './core/map.ts';
export type { NameOption } from './core/name-option.ts';
export { openTaskGroup, type OpenTaskGroup } from './core/open-task-group.ts';
export { any, race, type RaceOptions, type ResultOf } from './core/race.ts';
export { run, type RunOptions } from './core/run.ts';
export { Scope } from './core/scope.ts';
export type { ScopedFunction } from './core/scoped-function.ts';
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
  BrokenBarrierError,
  BrokenResourceError,
  BufferOverflowError,
  CallDroppedError,
  CancelledError,
  CircuitOpenError,
  ClosedResourceError,
  CorralError,
  DeadlockError,
  EndOfChannelError,
  GroupClosedError,
  LineFullError,
  QueueShutDownError,
  ScopeClosedError,
  StrayCancellationError,
  suppressedErrors,
  TaskCancelledError,
  TaskGroupError,
  TimeoutError,
  type CancelCause,
  type CancelKind,
} from './errors.ts';
export type { ErrorReporter } from './internal/report.ts';
export { fromCallback, type Done, type FromCallbackOptions } from './interop/from-callback.ts';
export { nextEvent } from './interop/next-event.ts';
export { promisify, type PromisifyOptions } from './interop/promisify.ts';
export type { BackoffFunction, BackoffOptions } from './policy/backoff.ts';
export { Bulkhead, type BulkheadOptions, type BulkheadSnapshot } from './policy/bulkhead.ts';
export { cache, type CachedFunction, type CacheOptions, type CacheSnapshot } from './policy/cache.ts';
export type { CircuitBreakerOptions, CircuitState, CircuitStateChange } from './policy/circuit-breaker-options.ts';
export { CircuitBreaker, type CircuitBreakerSnapshot } from './policy/circuit-breaker.ts';
export { debounce, type DebounceOptions } from './policy/debounce.ts';
export { hedge, type HedgeOptions } from './policy/hedge.ts';
export {
  createLimit,
  limit,
  type Limit,
  type LimitControls,
  type LimitedFunction,
  type LimitSnapshot,
} from './policy/limit.ts';
export type { MergeOptions } from './policy/merge-options.ts';
export type { MergedFunction, MergedSnapshot } from './policy/merged-calls.ts';
export {
  RateLimiter,
  type RateLimiterOptions,
  type RateLimiterSnapshot,
  type RateLimiterUpdate,
  type Reservation,
} from './policy/rate-limiter.ts';
export { RetryBudget, type RetryBudgetOptions, type RetryBudgetSnapshot } from './policy/retry-budget.ts';
export { retry, type AttemptFunction, type RetryOptions } from './policy/retry.ts';
export {
  singleFlight,
  type SingleFlight,
  type SingleFlightOptions,
  type SingleFlightSnapshot,
} from './policy/single-flight.ts';
export { throttle, type ThrottleOptions } from './policy/throttle.ts';
export type { Failure } from './resource/failure.ts';
export type { Lease } from './resource/lease.ts';
export { open, type OpenResource } from './resource/open.ts';
export type { AcquireOptions, PoolOptions, PoolSnapshot } from './resource/pool-options.ts';
export { Pool } from './resource/pool.ts';
export {
  ResourceStack,
  resourceStack,
  type ExitCallback,
  type ResourceStackOptions,
} from './resource/resource-stack.ts';
export { resource, type Resource, type ResourceGenerator, type ResourceOptions } from './resource/resource.ts';
export type { Closeable, Disposing } from './resource/source.ts';
export { use, type UseOptions } from './resource/use.ts';
export type { Consumable, StreamForEachOptions } from './stream/consumable.ts';
export { events, EventStream, type EventsOptions } from './stream/events.ts';
export type { BufferOverflow } from './stream/feed.ts';
export type { StreamIterator } from './stream/iterate.ts';
export { fromNodeStream, toNodeStream, type NodeReadableLike, type ToNodeStreamOptions } from './stream/node-stream.ts';
export type { Emit, Producer } from './stream/produce.ts';
export type { StreamSource } from './stream/pull.ts';
export type { StageFunction } from './stream/stages.ts';
export {
  stream,
  Stream,
  type BatchOptions,
  type ConcurrencyOptions,
  type StreamOptions,
  type StreamRetryOptions,
  type StreamThrottleOptions,
} from './stream/stream.ts';
export { fromWebStream, toWebStream } from './stream/web-stream.ts';
export { Barrier, type BarrierSnapshot } from './sync/barrier.ts';
export {
  CapacityLimiter,
  type BorrowOptions,
  type CapacityLimiterOptions,
  type CapacityLimiterSnapshot,
} from './sync/capacity-limiter.ts';
export { Condition, type ConditionSnapshot } from './sync/condition.ts';
export { Deferred, type DeferredSnapshot, type DeferredState } from './sync/deferred.ts';
export { Event, type EventSnapshot } from './sync/event.ts';
export type { HoldBody } from './sync/hold.ts';
export { Lock, type LockSnapshot } from './sync/lock.ts';
export { Once, type OnceSnapshot, type OnceState } from './sync/once.ts';
export type { Permit } from './sync/permit.ts';
export { RwLock, type RwLockSnapshot, type WritePermit } from './sync/rw-lock.ts';
export { Semaphore, type SemaphoreHoldOptions, type SemaphoreSnapshot } from './sync/semaphore.ts';
export { checkpoint } from './time/checkpoint.ts';
export { interval } from './time/interval.ts';
export { moveOnAfter, type MoveOnOptions, type MoveOnResult } from './time/move-on-after.ts';
export { sleep, sleepForever, sleepUntil } from './time/sleep.ts';
export { timeout, timeoutAt, type TimeoutOptions } from './time/timeout.ts';
