/** A gate that is slow and obviously right: arrays, and every condition looked at anew. */

import assert from 'node:assert/strict';
import { Gate, GateFullError, type GateOptions } from '../../src/gate.ts';
import type { GatePlace, GateWaiter } from '../../src/gate-host.ts';
import type { Rate } from '../../src/internal/rate-meter.ts';
import { ManualTime } from '../manual-time.ts';

export type Step =
  | { readonly do: 'enter'; readonly host: string; readonly front: boolean; readonly brief: boolean }
  | { readonly do: 'leave' | 'withdraw'; readonly which: number }
  | { readonly do: 'close'; readonly host: string; readonly ms: number }
  | { readonly do: 'open'; readonly host: string }
  | { readonly do: 'limit'; readonly host: string; readonly limit: number | undefined }
  | { readonly do: 'advance'; readonly ms: number };

class Request implements GateWaiter {
  place: GatePlace | undefined = undefined;
  readonly host: string;
  /** Leaves as soon as it is in. */
  readonly brief: boolean;
  readonly #model: GateModel;

  constructor(model: GateModel, host: string, brief: boolean) {
    this.#model = model;
    this.host = host;
    this.brief = brief;
  }

  admitted(): void {
    this.#model.admitted(this);
  }
}

/** Tokens by the book: each has a time on a schedule, and may be early by the burst. */
class Tokens {
  readonly #every: number;
  readonly #burst: number;
  #next = -Infinity;

  constructor({ limit, perMs, burst = 1 }: Rate) {
    this.#every = perMs / limit;
    this.#burst = burst;
  }

  has(now: number): boolean {
    return now >= this.#next - (this.#burst - 1) * this.#every;
  }

  take(now: number): void {
    assert.ok(this.has(now), 'a token was taken that was not there');
    this.#next = Math.max(this.#next, now) + this.#every;
  }
}

class Host {
  line: Request[] = [];
  inFlight = 0;
  limit: number | undefined;
  closedUntil = -Infinity;
  tokens: Tokens | undefined;
  /** Whom it has seen go before it since it could go itself. */
  passedBy = new Set<string>();
}

export class GateModel {
  readonly time = new ManualTime();
  readonly gate: Gate;
  readonly #options: GateOptions;
  readonly #hosts = new Map<string, Host>();
  readonly #tokens: Tokens | undefined;
  #in: Request[] = [];

  constructor(options: GateOptions) {
    this.#options = options;
    this.gate = new Gate(options, this.time);
    this.#tokens = options.rate?.total && new Tokens(options.rate.total);
  }

  step(step: Step): void {
    switch (step.do) {
      case 'enter':
        this.#enter(new Request(this, step.host, step.brief), step.front);
        break;
      case 'leave':
        if (this.#in.length > 0) this.#leave(this.#in[step.which % this.#in.length] as Request);
        break;
      case 'withdraw':
        if (this.#waiting.length > 0) this.#withdraw(this.#waiting[step.which % this.#waiting.length] as Request);
        break;
      case 'close': {
        const host = this.#host(step.host);
        host.closedUntil = Math.max(host.closedUntil, this.time.now() + step.ms);
        this.gate.closeHost(step.host, step.ms);
        break;
      }
      case 'open':
        this.#host(step.host).closedUntil = -Infinity;
        this.gate.openHost(step.host);
        break;
      case 'limit':
        this.#host(step.host).limit = step.limit;
        this.gate.setHostLimit(step.host, step.limit);
        break;
      case 'advance':
        this.time.advance(step.ms);
        break;
    }
    this.#check();
  }

  /** All go: nothing may be left. */
  end(): void {
    for (const name of this.#hosts.keys()) {
      this.step({ do: 'open', host: name });
      this.step({ do: 'limit', host: name, limit: undefined });
    }
    while (this.#waiting.length > 0) this.step({ do: 'withdraw', which: 0 });
    while (this.#in.length > 0) this.step({ do: 'leave', which: 0 });
    assert.equal(this.time.armed, 0, 'a timer is left');
    this.time.advance(100_000);
    assert.deepEqual(this.gate.snapshot(), { inFlight: 0, waiting: 0, hosts: [] });
  }

  /** The gate has let somebody in who waited. */
  admitted(request: Request): void {
    const host = this.#host(request.host);
    assert.equal(host.line[0], request, 'not the first of its host');
    assert.ok(this.#couldGo(host), 'let in against a limit');
    for (const [name, other] of this.#hosts) {
      if (name === request.host || !this.#couldGo(other)) continue;
      assert.ok(!other.passedBy.has(request.host), `${request.host} went twice before ${name}`);
      other.passedBy.add(request.host);
    }
    host.line.shift();
    this.#goIn(request);
    if (request.brief) this.#leave(request);
  }

  get #waiting(): Request[] {
    return [...this.#hosts.values()].flatMap((host) => host.line);
  }

  #enter(request: Request, front: boolean): void {
    const host = this.#host(request.host);
    const could = this.#couldGo(host, 1);
    const others = [...this.#hosts.values()].some((other) => other.line.length > 0 && this.#couldGo(other));
    const full = this.#waiting.length >= this.#options.queue && !front;
    // It waits in the model before it does in the gate.
    const waits = host.line.length > 0 || !could || others;
    if (waits && full) {
      assert.throws(() => this.gate.enter(request.host, request, { front }), GateFullError);
      return;
    }
    const entered = this.gate.enter(request.host, request, { front });
    assert.equal(entered, !waits, 'in at once, or not');
    if (entered) this.#goIn(request);
    else if (front) host.line.unshift(request);
    else host.line.push(request);
  }

  #goIn(request: Request): void {
    const now = this.time.now();
    const host = this.#host(request.host);
    host.tokens?.take(now);
    this.#tokens?.take(now);
    host.inFlight++;
    host.passedBy.clear();
    this.#in.push(request);
  }

  #leave(request: Request): void {
    this.#in = this.#in.filter((other) => other !== request);
    this.#host(request.host).inFlight--;
    this.gate.leave(request.host);
  }

  #withdraw(request: Request): void {
    const host = this.#host(request.host);
    host.line = host.line.filter((other) => other !== request);
    assert.equal(this.gate.withdraw(request), true);
    assert.equal(this.gate.withdraw(request), false);
  }

  #host(name: string): Host {
    let host = this.#hosts.get(name);
    if (!host) {
      host = new Host();
      host.tokens = this.#options.rate?.perHost && new Tokens(this.#options.rate.perHost);
      this.#hosts.set(name, host);
    }
    return host;
  }

  #couldGo(host: Host, more = 0): boolean {
    const now = this.time.now();
    return (
      host.line.length + more > 0 &&
      this.#in.length < this.#options.total &&
      host.inFlight < (host.limit ?? this.#options.perHost) &&
      host.closedUntil <= now &&
      (host.tokens?.has(now) ?? true) &&
      (this.#tokens?.has(now) ?? true)
    );
  }

  #check(): void {
    for (const [name, host] of this.#hosts) {
      assert.ok(!this.#couldGo(host), `${name} waits, and could go`);
      const now = this.time.now();
      const blocked =
        host.line.length === 0 ||
        host.inFlight >= (host.limit ?? this.#options.perHost) ||
        host.closedUntil > now ||
        host.tokens?.has(now) === false;
      if (blocked) host.passedBy.clear();
    }
    assert.equal(this.gate.inFlight, this.#in.length);
    assert.equal(this.gate.waiting, this.#waiting.length);
    for (const { host: name, inFlight, waiting } of this.gate.snapshot().hosts) {
      const host = this.#host(name);
      assert.deepEqual([inFlight, waiting], [host.inFlight, host.line.length], name);
    }
  }
}
