/** What has been missing since when (milliseconds, monotonic), as one observer saw it. */
export interface Absences {
  readonly since: ReadonlyMap<string, number>;
  /** When it last looked; undefined: never. */
  readonly seenAt: number | undefined;
}

export const NO_ABSENCES: Absences = { since: new Map(), seenAt: undefined };

/** What is missing that long is gone: an agent that lives registers its node again within 10 s. */
export const GONE_AFTER_MS = 60_000;
/** Who did not look for that long can't say that something was missing all the time. */
const LOOKS_EVERY_MS = 30_000;

/** Pure: takes in what is missing at `now`. What was back in between is missing anew. */
export function noteAbsences(before: Absences, missing: Iterable<string>, now: number): Absences {
  const isBlind = before.seenAt === undefined || now - before.seenAt > LOOKS_EVERY_MS;
  const since = [...missing].map((key) => [key, isBlind ? now : (before.since.get(key) ?? now)] as const);
  return { since: new Map(since), seenAt: now };
}

/** What has been missing for long enough. */
export function goneAt({ since }: Absences, now: number): ReadonlySet<string> {
  return new Set([...since].flatMap(([key, from]) => (now - from >= GONE_AFTER_MS ? [key] : [])));
}
