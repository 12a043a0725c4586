/** Lets at most `width` works run at once; the rest wait their turn, in order. */
export function openGate(width: number): <T>(work: () => Promise<T>) => Promise<T> {
  let waiting: (() => void)[] = [];
  // Taking the first of a long array off it moves all the others: those who went in stay in it until it is done with.
  let entered = 0;
  let running = 0;
  const letNextIn = (): void => {
    const next = waiting[entered];
    if (next === undefined) {
      waiting = [];
      entered = 0;
      running -= 1;
    } else {
      entered += 1;
      next();
    }
  };
  return async (work) => {
    if (running >= width) await new Promise<void>((enter) => waiting.push(enter));
    else running += 1;
    try {
      return await work();
    } finally {
      letNextIn();
    }
  };
}
