import { setImmediate as turn } from "node:timers/promises";

/** Numbers in [0, 1) that follow from a seed (a linear congruential generator, Numerical Recipes). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Turns of the event loop that one step takes at most: what else is under way overtakes it, or does not. */
const MOST_TURNS = 3;

/**
 * The life of a program that is killed between two awaits: whatever it asks of the world is a step, and after its end it
 * gets no answer any more but errors, so that what is left of it changes nothing.
 */
export class Life {
  readonly #random: () => number;
  readonly #ending = new AbortController();
  readonly #onEnd: () => void;
  #stepsLeft = Infinity;

  /** @param onEnd called in the very moment of its end */
  constructor(random: () => number, onEnd: () => void) {
    this.#random = random;
    this.#onEnd = onEnd;
  }

  get isOver(): boolean {
    return this.signal.aborted;
  }

  /** Aborts at its end. */
  get signal(): AbortSignal {
    return this.#ending.signal;
  }

  /** Kills it after so many more steps. */
  endAfter(steps: number): void {
    this.#stepsLeft = Math.min(this.#stepsLeft, steps);
  }

  end(): void {
    if (this.isOver) return;
    this.#ending.abort();
    this.#onEnd();
  }

  /** Before and after whatever is asked of the world. Throws once its life is over. */
  readonly step = async (): Promise<void> => {
    for (let turns = Math.floor(this.#random() * (MOST_TURNS + 1)); turns > 0; turns -= 1) await turn();
    this.#stepsLeft -= 1;
    if (this.#stepsLeft < 0) this.end();
    if (this.isOver) throw new Error("killed");
  };
}
