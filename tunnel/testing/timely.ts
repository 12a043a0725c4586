/**
 * A property's run that is left out once the time is over: a slow machine tries fewer cases, and cuts none off half way.
 * @param limitMs from now on
 */
export function timely<T extends readonly unknown[]>(
  limitMs: number,
  run: (...args: T) => Promise<void>,
): (...args: T) => Promise<void> {
  const end = performance.now() + limitMs;
  return async (...args) => {
    if (performance.now() < end) await run(...args);
  };
}
