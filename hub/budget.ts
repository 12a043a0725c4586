import type { Clock } from "../platform/clock.ts";

export interface Rate {
  /** Allowed in the long run. */
  readonly perSecond: number;
  /** Allowed at once, after silence. */
  readonly burst: number;
}

interface Bucket {
  readonly tokens: number;
  readonly atMs: number;
}

/**
 * A token bucket a name: NATS can't bound how often a member speaks, and judging a message costs the hub more than
 * sending it costs a liar. Names are those NATS lets a credential speak under, so there are no more of them than members.
 */
export class Budgets {
  readonly #clock: Clock;
  readonly #rate: Rate;
  readonly #buckets = new Map<string, Bucket>();

  constructor(clock: Clock, rate: Rate) {
    this.#clock = clock;
    this.#rate = rate;
  }

  /** False: `name` has used up what it may, and is not heard now. */
  take(name: string): boolean {
    const { perSecond, burst } = this.#rate;
    const atMs = this.#clock.monotonic();
    const { tokens, atMs: before } = this.#buckets.get(name) ?? { tokens: burst, atMs };
    const present = Math.min(burst, tokens + ((atMs - before) / 1000) * perSecond);
    this.#buckets.set(name, { tokens: present >= 1 ? present - 1 : present, atMs });
    return present >= 1;
  }
}
