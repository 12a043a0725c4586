import { clustersBehindNAT } from "../mesh/behind-nat.ts";
import type { Revision } from "../mesh/resources.ts";
import type { Clock } from "../platform/clock.ts";
import type { Log } from "../platform/log.ts";
import type { Publisher } from "../platform/mailbox/publisher.ts";
import { keyedQueue } from "../platform/queue.ts";
import type { KeyedQueue } from "../platform/queue.ts";
import type { ResourceStore } from "../platform/store/port.ts";
import { writeClusterStatus } from "./cluster-status.ts";
import type { HubLedger } from "./ledger.ts";
import type { HubChange, HubLevel } from "./level.ts";
import { judgeLinks } from "./link-status.ts";
import { countPools } from "./pool-status.ts";
import { viewPublishing } from "./publish.ts";
import { enterRanges } from "./ranges.ts";
import type { ReportBook } from "./reports.ts";

export interface ControllerParts {
  readonly store: ResourceStore;
  readonly ledger: HubLedger;
  readonly level: () => HubLevel;
  readonly publisher: Publisher;
  readonly reports: ReportBook;
  /** The hub's term. */
  readonly epoch: number;
  /** True while no other hub can be active. */
  readonly isHeld: () => boolean;
  /** Lets one at a time come in or go out. */
  readonly oneAtATime: <T>(work: () => Promise<T>) => Promise<T>;
  /** Finishes what was begun: a cluster that is marked as going is taken out. */
  readonly remove: (cluster: string) => Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
}

/** Views first: what a person waits for. Statuses follow. */
type Work = "views" | "pools" | "links" | "ranges" | "removals" | `cluster/${string}`;

const CLUSTER = "cluster/";

/** A removal younger than this is somebody's who is at it, and who has an answer to send before the credential is void. */
const REMOVAL_LEFT_MS = 10_000;

/**
 * Each report may change a link's status, and a thousand members send hundreds a second: looking at a million pairs is
 * followed by this many times as long a rest.
 */
const RESTS = 9;

/** What a change of the store makes due. */
export function workOf(change: HubChange): readonly Work[] {
  switch (change.kind) {
    case "cluster":
      return ["views", "ranges", "links", `cluster/${change.name}`];
    case "link":
      return ["views", "links"];
    case "pool":
      return ["pools"];
    case "ledger":
      return ["views", "ranges", "pools"];
  }
}

/** All that is due from time to time, for silence wakes nobody. */
export function workOfLevel({ clusters }: HubLevel): readonly Work[] {
  return [
    "views",
    "ranges",
    "removals",
    "links",
    "pools",
    ...clusters.map(({ metadata }) => `cluster/${metadata.name}` as const),
  ];
}

/** The hub's controllers: each brings one part of the world in line with the level, whatever woke it. */
export function runControllers(parts: ControllerParts, signal: AbortSignal): KeyedQueue {
  const { store, ledger, level, publisher, reports, epoch, isHeld, oneAtATime, remove, clock, log } = parts;
  const publishViews = viewPublishing(publisher, epoch);
  let desired: ReadonlyMap<string, Revision> = new Map();
  let judgeAt = 0;

  const works: Record<Exclude<Work, `cluster/${string}`>, () => Promise<void>> = {
    views: async () => {
      const before = desired;
      desired = await publishViews(level());
      for (const [name, { generation }] of desired)
        if (before.get(name)?.generation !== generation) statuses.add(`${CLUSTER}${name}`);
    },
    ranges: () => oneAtATime(() => enterRanges({ store, ledger, clock }, level())),
    removals: async () => {
      const left = level().leaving.filter(
        ({ metadata }) => clock.now() - Date.parse(metadata.deletionTimestamp ?? "") > REMOVAL_LEFT_MS,
      );
      for (const { metadata } of left) await oneAtATime(() => remove(metadata.name));
    },
    pools: () => countPools(store, level().pools, level().ledger),
    links: async () => {
      await clock.sleep(Math.max(0, judgeAt - clock.monotonic()), signal);
      const begun = clock.monotonic();
      const nowMs = clock.now();
      const pair = (from: string, to: string) => reports.pair(from, to, nowMs);
      const { links, clusters, resolved } = level();
      const behindNAT = clustersBehindNAT(clusters);
      await judgeLinks(store, links, { resolved, pair, behindNAT, now: new Date(nowMs).toISOString() });
      const ended = clock.monotonic();
      judgeAt = ended + RESTS * (ended - begun);
    },
  };
  // A hub that was paused does not do what it was about to.
  const whileHeld = (work: (key: string) => Promise<void>) => async (key: string) => (isHeld() ? work(key) : undefined);
  const writeStatus = (key: string): Promise<void> => {
    const name = key.slice(CLUSTER.length);
    const { clusters } = level();
    return writeClusterStatus(store, name, { reports, desired: desired.get(name), clusters, nowMs: clock.now() });
  };
  const options = { concurrency: 5, backoff: { minMs: 200, maxMs: 30_000 }, clock, log };
  const queue = keyedQueue(
    options,
    whileHeld((key) => works[key as keyof typeof works]()),
    signal,
  );
  // One change of a full mesh makes every cluster's status due, and the next change must not wait for all of them.
  const statuses = keyedQueue(options, whileHeld(writeStatus), signal);
  return {
    add: (key) => (key.startsWith(CLUSTER) ? statuses : queue).add(key),
    done: Promise.all([queue.done, statuses.done]).then(() => undefined),
  };
}
