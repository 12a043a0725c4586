import type { HubTimes, Resync } from "./hub.ts";
import { median, percentile, rounded } from "./stats.ts";

export interface ChangeFigures {
  readonly title: string;
  readonly seenBy: number;
  readonly kilobytes: number;
  readonly p50: number;
  readonly p99: number;
  readonly plainP50: number;
  readonly plainP99: number;
  readonly hubMs: number;
  readonly natsMs: number;
  readonly rounds: HubTimes["changes"][number]["rounds"];
}

/** What the rounds come to. Milliseconds, but for the resyncs: seconds. */
export interface HubFigures {
  readonly members: number;
  readonly changes: readonly ChangeFigures[];
  readonly first: ResyncFigures;
  /** The slowest of them. */
  readonly again: ResyncFigures;
  readonly resyncs: readonly Resync[];
}

export interface ResyncFigures {
  readonly active: number | undefined;
  readonly last: number;
  readonly hub: number;
  readonly nats: number;
}

export function hubFigures({ members, changes, first, again }: HubTimes): HubFigures {
  const slowest = again.reduce((worst, one) => (one.lastMs > worst.lastMs ? one : worst), again[0] ?? first);
  return {
    members,
    changes: changes.map(({ title, seenBy, sent, rounds }) => {
      const own = rounds.map(({ changeMs }) => changeMs);
      const plain = rounds.map(({ plainMs }) => plainMs);
      return {
        title,
        seenBy,
        kilobytes: rounded((sent.pageBytes + sent.headBytes) / 1_000, 1),
        p50: rounded(percentile(own, 50), 1),
        p99: rounded(percentile(own, 99), 1),
        plainP50: rounded(percentile(plain, 50), 1),
        plainP99: rounded(percentile(plain, 99), 1),
        hubMs: rounded(median(rounds.map(({ hubMs }) => hubMs)), 0),
        natsMs: rounded(median(rounds.map(({ natsMs }) => natsMs)), 0),
        rounds,
      };
    }),
    first: inSeconds(first),
    again: inSeconds(slowest),
    resyncs: [first, ...again],
  };
}

function inSeconds({ activeMs, lastMs, hubMs, natsMs }: Resync): ResyncFigures {
  const seconds = (ms: number): number => rounded(ms / 1_000, 2);
  return {
    active: activeMs === undefined ? undefined : seconds(activeMs),
    last: seconds(lastMs),
    hub: seconds(hubMs),
    nats: seconds(natsMs),
  };
}
