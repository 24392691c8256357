/** The errors of an exchange, and what they say. */

import {
  BodyLimitError,
  ConnectError,
  HttpTimeoutError,
  PolicyError,
  ProtocolError,
  TruncatedError,
  type HttpError,
  type RequestFacts,
  type RequestPhase,
  type TimeoutKind,
} from '../errors.ts';
import type { Timeouts } from '../timeouts.ts';
import type { WireFailure } from '../wire/transport.ts';

/** What the transport tells, as an error. `received` is how much of the body came. */
export function wireError({ kind, message, cause }: WireFailure, received: number, facts: RequestFacts): HttpError {
  if (kind === 'connect') return new ConnectError(message, facts, cause);
  if (kind === 'policy') return new PolicyError(message, facts, cause);
  if (kind === 'truncated') return new TruncatedError(received, message, facts, cause);
  return new ProtocolError(message, facts, cause);
}

export function timeoutError(
  kind: TimeoutKind,
  timeouts: Timeouts,
  phase: RequestPhase,
  facts: RequestFacts,
): HttpError {
  const ms = kind === 'minSpeed' ? (timeouts.minSpeed?.overMs ?? 0) : timeouts[`${kind}Ms`];
  return new HttpTimeoutError(kind, ms, timeoutMessage(kind, ms, phase), facts);
}

function timeoutMessage(kind: TimeoutKind, ms: number, phase: RequestPhase): string {
  if (kind === 'acquire') return `waited ${ms} ms for its turn`;
  if (kind === 'connect') return `no connection within ${ms} ms (${phase})`;
  if (kind === 'headers') return `no answer within ${ms} ms`;
  if (kind === 'read') return `nothing more of the body came for ${ms} ms`;
  if (kind === 'minSpeed') return `the body came too slowly for ${ms} ms`;
  return `took longer than ${ms} ms (${phase})`;
}

/** Somebody reads, and finds more without an end than he takes. */
export function overLimit(limit: number, facts: RequestFacts): HttpError {
  return new BodyLimitError(limit, `a piece of the body is longer than ${limit} bytes`, facts);
}

/** Somebody wants more than there is. `received` is how much of the body came. */
export function tooShort(wanted: number, there: number, received: number, facts: RequestFacts): HttpError {
  const message = `the body has ended: ${wanted} bytes were wanted, ${there} are left`;
  return new TruncatedError(received, message, facts);
}

/** What who reads on gets when the response was given up. */
export function releasedError(): TypeError {
  const why = 'the response was released, or the scope of its request has ended';
  return new TypeError(`Cannot read the body as ${why}: read it in there, or give the request { scope }`);
}

/** Without the request, which an attempt names itself. */
export function reasonOf({ method, url, message }: HttpError): string {
  return message.slice(`${method} ${url}: `.length);
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
