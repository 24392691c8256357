import type { RequestBodyOptions } from '../body/request-body.ts';
import type { ClientResponse } from '../response/client-response.ts';

/** A request on its way through middleware: one hop of it. */
export interface OutgoingRequest {
  readonly method: string;
  readonly url: URL;
  /** May be changed: what is in it when `next` is called is sent. */
  readonly headers: Headers;
  /** Whether the body can be sent again: `next` may then be called more than once. */
  readonly replayable: boolean;
}

/**
 * Something between a request and its response: it may change the headers, look at the response, ask
 * again, or throw instead of asking. What it gives is a response that `next` gave.
 *
 * It is called for each hop of a redirect, around the retries, the first of the list outermost. Whoever calls `next`
 * again releases the response that it does not return. It is part of the request, which ends when it has ended: what it
 * waits for has to hear of cancellation, as all waits of corral do.
 */
export type Middleware = (
  request: OutgoingRequest,
  next: (request: OutgoingRequest) => Promise<ClientResponse>,
) => Promise<ClientResponse>;

export type { RequestBodyOptions };
