/** What all requests of a session share. */

import { sleep, withScope, type Scope } from 'corral';
import type { Gate } from '../gate.ts';
import { Roster } from '../internal/roster.ts';
import type { Decoding } from '../platform/platform.ts';
import type { Exchange } from '../request/exchange.ts';
import type { HeaderList } from '../request/header-list.ts';
import type { RetryTokens } from '../retry/retry-budget.ts';
import { DeadlineEntry, type DeadlineWheel } from '../deadlines.ts';
import type { Tracer } from '../trace.ts';
import type { Transport } from '../wire/transport.ts';
import type { ResolvedOptions } from './options.ts';

/** What a core is made of. */
export type CoreParts = Pick<
  SessionCore,
  'name' | 'gate' | 'wheel' | 'transport' | 'decoding' | 'options' | 'headers' | 'tracer' | 'budget' | 'proxyFor'
>;

export class SessionCore {
  readonly name: string;
  readonly gate: Gate;
  readonly transport: Transport;
  readonly decoding: Decoding | undefined;
  readonly options: ResolvedOptions;
  readonly headers: HeaderList;
  readonly tracer: Tracer;
  readonly budget: RetryTokens;
  readonly wheel: DeadlineWheel;
  readonly proxyFor: (url: URL) => URL | undefined;
  /** Tries under way, those included that wait for their turn. */
  readonly exchanges = new Roster<Exchange>();
  /** Waits between tries. */
  readonly #pauses = new Set<Scope>();
  /** Requests whose response has not come, between two hops as well. */
  performing = 0;
  /** It takes no requests any more. */
  closing = false;
  /** Nothing new is sent any more, but what belongs to requests under way. */
  closed = false;
  /** Nothing at all. */
  destroyed = false;
  #idle: (() => void) | undefined = undefined;

  constructor(parts: CoreParts) {
    this.name = parts.name;
    this.gate = parts.gate;
    this.wheel = parts.wheel;
    this.transport = parts.transport;
    this.decoding = parts.decoding;
    this.options = parts.options;
    this.headers = parts.headers;
    this.tracer = parts.tracer;
    this.budget = parts.budget;
    this.proxyFor = parts.proxyFor;
  }

  /** Settles when nothing is under way any more, or the time is up. */
  async untilIdle(ms: number): Promise<void> {
    let patience: Patience | undefined;
    await new Promise<void>((resolve) => {
      this.#idle = resolve;
      patience = new Patience(resolve);
      this.wheel.set(patience, ms);
      this.checkIdle();
    });
    if (patience) this.wheel.clear(patience);
  }

  /** Waits between two tries. The end of the session ends it as well: the next try then fails for that. */
  async pause(ms: number, scope: Scope): Promise<void> {
    if (this.closed) return;
    const wait = async (own: Scope): Promise<void> => {
      this.#pauses.add(own);
      try {
        await sleep(ms, { scope: own });
      } finally {
        this.#pauses.delete(own);
      }
    };
    try {
      await withScope(wait, { scope });
    } catch (error) {
      if (!this.closed || scope.reason) throw error;
    }
  }

  /** How many responses of a host are held with nobody reading them. */
  unreadOf(host: string): number {
    return this.exchanges.all().filter((exchange) => exchange.hop.host === host && exchange.unread).length;
  }

  /** Refuses requests from now on, and tries that would follow. */
  shut(): void {
    this.closing = true;
    this.closed = true;
    for (const pause of this.#pauses) pause.cancel('the session was closed');
  }

  checkIdle(): void {
    if (this.exchanges.size === 0 && this.performing === 0) this.#idle?.();
  }
}

class Patience extends DeadlineEntry {
  readonly #over: () => void;
  constructor(over: () => void) {
    super();
    this.#over = over;
  }

  override expired(): void {
    this.#over();
  }
}
