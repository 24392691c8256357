import { hash } from 'node:crypto';

/**
 * A map from texts to numbers that keeps a hash of 52 bits for each text instead of the text: 16 bytes an entry, and about
 * twice that with the free places. Among a million texts two share a hash with a chance of 1 in 10,000: whoever cannot
 * live with that looks at what the number leads to, and asks for the next one.
 */
export class HashIndex {
  /** Of a slot: its hash (never 0), then its number. */
  #slots = new Float64Array(2 * 1024);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The number of the first entry with the hash of `text` that `accept` takes. */
  get(text: string, accept?: (value: number) => boolean): number | undefined {
    const at = this.#find(hashOf(text), accept);
    return this.#slots[at] === 0 ? undefined : this.#slots[at + 1];
  }

  /** Replaces the entry that `accept` takes, or adds one. */
  set(text: string, value: number, accept?: (value: number) => boolean): void {
    if (2 * (this.#size + 1) > this.#slots.length / 2) this.#grow();
    const key = hashOf(text);
    const at = this.#find(key, accept);
    if (this.#slots[at] === 0) this.#size++;
    this.#slots[at] = key;
    this.#slots[at + 1] = value;
  }

  /** The slot that is accepted, else the first free one: where the text belongs. */
  #find(key: number, accept?: (value: number) => boolean): number {
    const slots = this.#slots;
    const places = slots.length / 2;
    for (let place = key % places; ; place = (place + 1) % places) {
      const at = 2 * place;
      if (slots[at] === 0) return at;
      if (slots[at] === key && (accept === undefined || accept(slots[at + 1] ?? 0))) return at;
    }
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Float64Array(2 * old.length);
    for (let at = 0; at < old.length; at += 2) {
      if (old[at] === 0) continue;
      const free = this.#find(old[at] ?? 0, () => false);
      this.#slots[free] = old[at] ?? 0;
      this.#slots[free + 1] = old[at + 1] ?? 0;
    }
  }
}

let lastText = '';
let lastHash = hashAnew(lastText);

/** 52 bits, never 0. */
function hashOf(text: string): number {
  // Whoever looks for a text and finds nothing adds it next.
  if (text !== lastText) {
    lastHash = hashAnew(text);
    lastText = text;
  }
  return lastHash;
}

function hashAnew(text: string): number {
  return Number.parseInt(hash('sha1', text, 'hex').slice(0, 13), 16) || 1;
}
