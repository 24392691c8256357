/** The rate limiter as a sequential program that looks at every millisecond: slow, and easy to believe. */

/** What is done at a time. `pick` chooses a weight, a waiter or a reservation. */
export interface Step {
  readonly afterMs: number;
  readonly what: 'acquire' | 'tryAcquire' | 'reserve' | 'cancel waiter' | 'cancel reservation' | 'update';
  readonly pick: number;
}

export interface Rates {
  readonly limit: number;
  readonly perMs: number;
  /** Undefined for the sliding window. */
  readonly burst: number | undefined;
}

interface Place {
  readonly id: number;
  readonly weight: number;
  readonly at: number | undefined;
}

/** The rate that an `update` with this `pick` sets. */
export function updated(rates: Rates, pick: number): Rates {
  const limit = 1 + (pick % 7);
  const perMs = [100, 250, 1_000][pick % 3] as number;
  return { limit, perMs, burst: rates.burst === undefined ? undefined : 1 + (pick % 5) };
}

export function most({ limit, burst }: Rates): number {
  return burst ?? limit;
}

/** What was taken, under one of the algorithms. */
class Taken {
  /** Sliding window: what was taken and when. */
  history: { at: number; weight: number }[] = [];
  /** GCRA: what is owed at `when`, in permits times perMs: it shrinks by `limit` each millisecond. */
  owed = 0;
  when = 0;
  rates: Rates;
  constructor(rates: Rates) {
    this.rates = rates;
  }

  copy(): Taken {
    const copy = new Taken(this.rates);
    copy.history = [...this.history];
    copy.owed = this.owed;
    copy.when = this.when;
    return copy;
  }

  may(weight: number, at: number): boolean {
    const { limit, perMs, burst } = this.rates;
    if (burst !== undefined) return this.owedAt(at) + weight * perMs <= burst * perMs;
    const inside = this.history.filter((entry) => entry.at > at - perMs);
    return inside.reduce((sum, entry) => sum + entry.weight, weight) <= limit;
  }

  take(weight: number, at: number): void {
    this.history.push({ at, weight });
    const owed = this.owedAt(at);
    // Paid for a millisecond or longer: idle. Paid within the millisecond: only the rounding.
    this.owed = (owed <= -this.rates.limit ? 0 : owed) + weight * this.rates.perMs;
    this.when = at;
  }

  update(rates: Rates, now: number): void {
    this.history = this.history.filter((entry) => entry.at > now - this.rates.perMs);
    const owed = Math.max(0, this.owedAt(now));
    const whole = Math.floor(owed / this.rates.perMs);
    const rest = Math.ceil((owed - whole * this.rates.perMs) / this.rates.limit);
    this.rates = rates;
    this.owed = whole * rates.perMs + rest * rates.limit;
    this.when = now;
  }

  owedAt(at: number): number {
    return this.owed - (at - this.when) * this.rates.limit;
  }
}

/** What each step and each waiter comes to, as lines. */
export function expected(rates: Rates, steps: readonly Step[]): string[] {
  const lines: string[] = [];
  const taken = new Taken(rates);
  let line: Place[] = [];
  let now = 0;
  const serve = (): void => {
    for (let first = line[0]; first; first = line[0]) {
      if (first.at === undefined ? !taken.may(first.weight, now) : first.at > now) return;
      taken.take(first.weight, first.at ?? now);
      if (first.at === undefined) lines.push(`${first.id} granted at ${now}`);
      line.shift();
    }
  };
  const passTo = (until: number): void => {
    for (; now < until; now++) {
      serve();
    }
    serve();
  };
  steps.forEach(({ afterMs, what, pick }, id) => {
    passTo(now + afterMs);
    const weight = 1 + (pick % most(taken.rates));
    if (what === 'acquire') {
      line.push({ id, weight, at: undefined });
      serve();
    } else if (what === 'tryAcquire') {
      const free = line.length === 0 && taken.may(weight, now);
      if (free) taken.take(weight, now);
      lines.push(`${id} tried at ${now}: ${free}`);
    } else if (what === 'reserve') {
      const at = reserve(taken, line, weight, now);
      if (at === now) taken.take(weight, at);
      else line.push({ id, weight, at });
      lines.push(`${id} reserved at ${now}: ${at - now}`);
    } else if (what === 'update') {
      taken.update(updated(taken.rates, pick), now);
      const failed = line.filter((place) => place.at === undefined && place.weight > most(taken.rates));
      line = line.filter((place) => !failed.includes(place));
      for (const place of failed) lines.push(`${place.id} failed at ${now}`);
      serve();
    } else {
      const reservations = what === 'cancel reservation';
      const candidates = line.filter((place) => (place.at !== undefined) === reservations);
      const gone = candidates[pick % candidates.length];
      if (!gone) return;
      line = line.filter((place) => place !== gone);
      lines.push(`${gone.id} cancelled at ${now}`);
      serve();
    }
  });
  while (line.some((place) => place.at === undefined)) passTo(now + 1);
  return lines.sort();
}

/** The first millisecond that is free for it when all in the line have had their turn. */
function reserve(taken: Taken, line: readonly Place[], weight: number, now: number): number {
  const then = taken.copy();
  let at = now;
  const pass = (place: { weight: number; at: number | undefined }): void => {
    if (place.at !== undefined) at = place.at;
    else while (!then.may(place.weight, at)) at++;
    then.take(place.weight, at);
  };
  line.forEach(pass);
  pass({ weight, at: undefined });
  return at;
}
