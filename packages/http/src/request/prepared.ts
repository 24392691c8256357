/** A request that was checked, as its handle needs it. */

import type { Scope } from 'corral';
import { redactUrl } from '../headers/redact.ts';
import type { ClientResponse } from '../response/client-response.ts';
import type { SaveResult, SaveToOptions } from '../save/contract.ts';
import type { SessionCore } from '../session/core.ts';
import type { RequestOptions } from '../session/options.ts';
import { forDownload, type Timeouts } from '../timeouts.ts';
import { Journey } from './journey.ts';
import { Performance } from './perform.ts';
import type { Plan } from './plan.ts';
import type { RequestWork } from './request-handle.ts';
import { save } from './save-sender.ts';

export class Prepared implements RequestWork {
  readonly name: string;
  readonly scope: Scope | undefined;
  readonly signal: AbortSignal | undefined;
  readonly #core: SessionCore;
  readonly #plan: Plan;
  readonly #timeouts: Timeouts;
  readonly #given: RequestOptions['timeout'];

  constructor(core: SessionCore, plan: Plan, timeouts: Timeouts, options: Partial<RequestOptions>) {
    this.name = `${plan.method} ${plan.url.host}${plan.url.pathname}`;
    this.scope = options.scope;
    this.signal = options.signal;
    this.#core = core;
    this.#plan = plan;
    this.#timeouts = timeouts;
    this.#given = options.timeout;
  }

  perform(scope: Scope): Promise<ClientResponse> {
    return new Performance(this.#core, this.#plan, this.#journey(this.#timeouts), scope).perform();
  }

  ended(): void {
    const { body } = this.#plan;
    if (body?.replayable === false) void body.discard();
  }

  saveTo(scope: Scope, path: string | URL, options: SaveToOptions | undefined): Promise<SaveResult> {
    const timeouts = forDownload(this.#timeouts, this.#given, this.#core.options.timeout);
    return save(this.#core, this.#plan, () => this.#journey(timeouts), scope, path, options);
  }

  #journey(timeouts: Timeouts): Journey {
    const { tracer } = this.#core;
    const { method, url } = this.#plan;
    const trace = tracer.active ? tracer.start(method, redactUrl(url)) : undefined;
    return new Journey(method, url, timeouts, trace);
  }
}
