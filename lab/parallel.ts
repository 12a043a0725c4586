/**
 * Runs all at once and waits for all to end; the first failure stops the others by their signal and is thrown.
 */
export async function inParallel(
  signal: AbortSignal,
  tasks: readonly ((signal: AbortSignal) => Promise<void>)[],
): Promise<void> {
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  const failures: unknown[] = [];
  await Promise.all(
    tasks.map(async (task) => {
      try {
        await task(either);
      } catch (error) {
        failures.push(error);
        failed.abort();
      }
    }),
  );
  if (failures.length > 0) throw failures[0];
}

/**
 * Does something with each of `items`, at most `most` at a time; a failure stops none of the others.
 * @returns what came of each, in their order
 */
export async function eachSettled<T, R>(
  items: readonly T[],
  most: number,
  action: (item: T) => Promise<R>,
): Promise<PromiseSettledResult<R>[]> {
  const results: PromiseSettledResult<R>[] = [];
  // One iterator for all lanes: each takes the next item when it is done with one.
  const left = items.entries();
  const lane = async (): Promise<void> => {
    for (const [at, item] of left) [results[at]] = await Promise.allSettled([action(item)]);
  };
  await Promise.all(Array.from({ length: Math.min(most, items.length) }, lane));
  return results;
}
