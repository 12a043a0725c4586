import type { Revision } from "../mesh/resources.ts";
import type { Clock } from "../platform/clock.ts";
import { hasCode } from "../platform/errors.ts";
import type { Log } from "../platform/log.ts";
import type { Publisher } from "../platform/mailbox/publisher.ts";
import { keyedQueue } from "../platform/queue.ts";
import type { KeyedQueue } from "../platform/queue.ts";
import type { ResourceStore } from "../platform/store/port.ts";
import { writeClusterStatus } from "./cluster-status.ts";
import { readLedger } from "./ledger.ts";
import type { HubChange, HubLevel } from "./level.ts";
import { judgeLinks } from "./link-status.ts";
import { countPools } from "./pool-status.ts";
import { publishViews } from "./publish.ts";
import type { ReportBook } from "./reports.ts";

export interface ControllerParts {
  readonly store: ResourceStore;
  readonly level: () => HubLevel;
  readonly publisher: Publisher;
  readonly reports: ReportBook;
  /** The hub's term. */
  readonly epoch: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** Views first: what a person waits for. Statuses follow. */
type Work = "views" | "pools" | "links" | `cluster/${string}`;

/** What a change of the store makes due. */
export function workOf(change: HubChange): readonly Work[] {
  switch (change.kind) {
    case "cluster":
      return ["views", "links", `cluster/${change.name}`];
    case "link":
      return ["views", "links"];
    case "pool":
    case "ledger":
      return ["pools"];
  }
}

/** All that is due from time to time, for silence wakes nobody. */
export function workOfLevel({ clusters }: HubLevel): readonly Work[] {
  return ["views", "links", "pools", ...clusters.map(({ metadata }) => `cluster/${metadata.name}` as const)];
}

/** The hub's controllers: each brings one part of the world in line with the level, whatever woke it. */
export function runControllers(parts: ControllerParts, signal: AbortSignal): KeyedQueue {
  const { store, level, publisher, reports, epoch, clock, log } = parts;
  let desired: ReadonlyMap<string, Revision> = new Map();

  const reconcile = async (key: string): Promise<void> => {
    const nowMs = clock.now();
    if (key === "views") {
      const before = desired;
      desired = await publishViews(publisher, level(), epoch);
      for (const [name, { generation }] of desired) if (before.get(name)?.generation !== generation) queue.add(`cluster/${name}`);
    } else if (key === "pools") {
      await countPools(store, level().pools, await readLedger(store));
    } else if (key === "links") {
      const pair = (from: string, to: string) => reports.pair(from, to, nowMs);
      const { links, resolved } = level();
      await judgeLinks(store, links, { resolved, pair, now: new Date(nowMs).toISOString() });
    } else {
      const name = key.slice("cluster/".length);
      await writeClusterStatus(store, name, { reports, desired: desired.get(name), nowMs }).catch((error: unknown) => {
        if (!hasCode(error, "not-found")) throw error;
      });
    }
  };
  const queue = keyedQueue({ concurrency: 4, backoff: { minMs: 200, maxMs: 30_000 }, clock, log }, reconcile, signal);
  return queue;
}
