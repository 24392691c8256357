import { AsyncLocalStorage } from 'node:async_hooks';

/**
 * Calls a function outside of every request. What lives longer than the request that needed it first (a socket, a look-up,
 * a timer of a connection) is made in here, so that it does not keep the async context of that request.
 */
export const outside: <R, Arguments extends unknown[]>(action: (...values: Arguments) => R, ...values: Arguments) => R =
  AsyncLocalStorage.snapshot();
