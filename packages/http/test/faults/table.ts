import { bodies } from './bodies.ts';
import type { Fault } from './fault.ts';
import { timing } from './timing.ts';

/** All faults by name. */
export const faults = { ...timing, ...bodies };

export type FaultName = keyof typeof faults;
export type FaultParams<N extends FaultName> = (typeof faults)[N] extends Fault<infer P> ? P : never;
