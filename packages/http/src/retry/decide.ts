import type { TimeoutKind } from '../errors.ts';
import { shown } from '../internal/checks.ts';
import type { WireFailure } from '../wire/transport.ts';
import type { RetryTokens } from './retry-budget.ts';
import type { RetryPolicy, RetryResponse } from './retry-policy.ts';

/**
 * How far an attempt had come:
 *
 *     unsent   not a byte has gone               again, always
 *     sent     no byte of a response has come    again, if the method is idempotent or it has an Idempotency-Key
 *     head     there is a response               again, if its status says so; if it broke off, as with `sent`
 *              (an informational one is one)
 *     body     some of the body was read         never: only saveTo() can go on where it stopped
 */
export type RetryStage = 'unsent' | 'sent' | 'head' | 'body';

/** What is known of an attempt that has failed, or has a response that may be asked for again. */
export interface RetryFacts {
  /** In capitals. */
  readonly method: string;
  /** Which attempt it was; 1 is the first. Those that `reconnect` sent anew do not count. */
  readonly attempt: number;
  readonly stage: RetryStage;
  /** Whether its body, if any, can be sent again. */
  readonly replayable: boolean;
  /** Whether it has a header `Idempotency-Key`. */
  readonly idempotencyKey: boolean;
  /** Whether its connection had served before. */
  readonly reused: boolean;
  /** Whether it was sent anew before for that. */
  readonly reconnected: boolean;
  /** What failed: as the transport says it, or which time was up. Undefined when there is a response. */
  readonly failure: WireFailure | { readonly kind: 'timeout'; readonly timeout: TimeoutKind } | undefined;
  readonly response: RetryResponse | undefined;
  /** What `Retry-After` asks for. */
  readonly retryAfterMs: number | undefined;
  /** For `retryIf`: what the request would fail with. Undefined when there is a response. */
  readonly error: unknown;
}

/** Why a request is not sent again. */
export type RetryRefusal =
  | 'failure' // nothing that another attempt would mend
  | 'status' // none of the statuses that are asked for again
  | 'body' // some of the response's body was read
  | 'one-shot' // its own body cannot be sent twice
  | 'not-idempotent' // the server may have acted upon it
  | 'attempts' // it was sent as often as it may
  | 'retry-after' // the server asks for a longer wait than is allowed
  | 'budget' // the session has made as many retries as it may
  | 'refused'; // retryIf said so

/** What is to be done: `closeHostMs` closes the gate of the host for everybody, whether it is retried or not. */
export type RetryDecision =
  | { readonly retry: false; readonly reason: RetryRefusal; readonly closeHostMs: number | undefined }
  | {
      readonly retry: true;
      readonly delayMs: number;
      /** It is sent anew by `reconnect`: this is not counted as an attempt. */
      readonly free: boolean;
      readonly closeHostMs: number | undefined;
    };

/** Statuses that say that the server has not acted: any method may be sent again. */
const NOT_ACTED_UPON = [408, 425, 429];
/** Statuses whose Retry-After is about all requests. */
const OVERLOADED = [429, 503];

/**
 * Decides whether a request is sent again. Takes a retry out of the budget if so, and nothing else changes.
 *
 * What `retryIf` throws is thrown.
 */
export function decide(policy: RetryPolicy, facts: RetryFacts, budget: RetryTokens): RetryDecision {
  if (mayReconnect(policy, facts)) return { retry: true, delayMs: 0, free: true, closeHostMs: undefined };
  const { retryAfterMs = 0 } = facts;
  const tooLong = retryAfterMs > policy.maxRetryAfterMs;
  // Who never retries has said that no answer is waited for.
  const waits = policy.attempts > 1 && retryAfterMs > 0 && !tooLong;
  const closes = waits && OVERLOADED.includes(facts.response?.status ?? 0);
  const closeHostMs = closes ? retryAfterMs : undefined;
  const refused = (reason: RetryRefusal): RetryDecision => ({ retry: false, reason, closeHostMs });

  const reason = refusal(policy, facts);
  if (reason) return refused(reason);
  if (facts.attempt >= policy.attempts) return refused('attempts');
  if (tooLong) return refused('retry-after');
  if (policy.budget !== Infinity && !budget.withdraw()) return refused('budget');
  return { retry: true, delayMs: retryAfterMs || backoff(policy, facts.attempt), free: false, closeHostMs };
}

function mayReconnect(policy: RetryPolicy, facts: RetryFacts): boolean {
  return (
    policy.reconnect &&
    facts.reused &&
    !facts.reconnected &&
    facts.replayable &&
    facts.failure?.kind === 'closed' &&
    (facts.stage === 'unsent' || (facts.stage === 'sent' && isSafe(policy, facts)))
  );
}

function refusal(policy: RetryPolicy, facts: RetryFacts): RetryRefusal | undefined {
  const always = alwaysRefusal(facts);
  if (always || !policy.retryIf) return always ?? tableRefusal(policy, facts);
  const { method, attempt, error, response } = facts;
  const wanted = policy.retryIf(Object.freeze({ method, attempt, error, response }));
  if (wanted === undefined) return tableRefusal(policy, facts);
  // A promise is no answer: taken as one it would retry everything.
  if (typeof wanted === 'boolean') return wanted ? undefined : 'refused';
  throw new TypeError(`Cannot retry as retryIf gives true, false or undefined: current value is ${shown(wanted)}`);
}

/** What no `retryIf` can overrule. */
function alwaysRefusal({ failure, response, stage, replayable }: RetryFacts): RetryRefusal | undefined {
  if (stage === 'body') return 'body';
  // It was refused right here: the session is closed, or its queue is full.
  if (!failure && !response) return 'failure';
  if (failure?.kind === 'upload' || failure?.kind === 'policy' || failure?.kind === 'unsupported') return 'failure';
  // Waiting once more for the same turn, or beyond the time for all of it.
  if (failure?.kind === 'timeout' && (failure.timeout === 'total' || failure.timeout === 'acquire')) return 'failure';
  return replayable ? undefined : 'one-shot';
}

function tableRefusal(policy: RetryPolicy, facts: RetryFacts): RetryRefusal | undefined {
  const always = alwaysRefusal(facts);
  if (always) return always;
  const { failure, response, stage } = facts;
  if (response) {
    if (!policy.statuses.includes(response.status)) return 'status';
    return NOT_ACTED_UPON.includes(response.status) || isSafe(policy, facts) ? undefined : 'not-idempotent';
  }
  if (failure?.kind === 'protocol' || (failure?.kind === 'connect' && isPermanent(failure.cause))) return 'failure';
  return stage === 'unsent' || isSafe(policy, facts) ? undefined : 'not-idempotent';
}

function isSafe(policy: RetryPolicy, { method, idempotencyKey }: RetryFacts): boolean {
  return idempotencyKey || policy.methods.includes(method);
}

/** A name that does not exist, or a certificate that is wrong: the same again a second later. */
function isPermanent(cause: unknown): boolean {
  const code = (cause as { code?: unknown } | null | undefined)?.code;
  return (
    typeof code === 'string' &&
    /^(ENOTFOUND|ERR_INVALID_URL|ERR_TLS_CERT|CERT_|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO_(GET|VERIFY)|HOSTNAME_MISMATCH)/.test(
      code,
    )
  );
}

function backoff({ baseMs, capMs, jitter, random }: RetryPolicy, attempt: number): number {
  // Nothing times Infinity would be NaN.
  const ms = baseMs === 0 ? 0 : Math.min(baseMs * 2 ** (attempt - 1), capMs);
  if (jitter === 'none') return ms;
  return Math.round(jitter === 'full' ? random() * ms : ms / 2 + (random() * ms) / 2);
}
