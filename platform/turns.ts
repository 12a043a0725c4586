/** Lets those who share a key act one after the other, in the order in which they came; others don't wait for them. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Resolves or rejects as `act` does. */
  async take<T>(key: string, act: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key);
    const turn = before === undefined ? act() : before.then(act, act);
    this.#last.set(key, turn);
    try {
      return await turn;
    } finally {
      if (this.#last.get(key) === turn) this.#last.delete(key);
    }
  }
}

/** Lets at most `most` act at a time; the others wait, the first to come first. */
export function atMost(most: number): <T>(act: () => Promise<T>) => Promise<T> {
  let acting = 0;
  const waiting: (() => void)[] = [];
  return async (act) => {
    if (acting < most) acting += 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await act();
    } finally {
      const next = waiting.shift();
      if (next === undefined) acting -= 1;
      else next();
    }
  };
}
