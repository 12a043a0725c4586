import type { NatsConnection } from "@nats-io/nats-core";
import type { Clock } from "../platform/clock.ts";
import type { HeldLease } from "../platform/lease.ts";
import type { Log } from "../platform/log.ts";
import { Publisher } from "../platform/mailbox/publisher.ts";
import { ReportDesk } from "../platform/mailbox/reports.ts";
import { ViewBucket } from "../platform/mailbox/view-bucket.ts";
import type { KeyedQueue } from "../platform/queue.ts";
import type { ResourceStore } from "../platform/store/port.ts";
import { serveHubAPI } from "./api.ts";
import { collectReports } from "./collect.ts";
import { runControllers, workOf, workOfLevel } from "./controllers.ts";
import { serveDoors } from "./doors.ts";
import { prepareFirstStart } from "./first-start.ts";
import type { HubKeys } from "./keys.ts";
import { readLedger } from "./ledger.ts";
import { watchHub } from "./level.ts";
import { checkRemoval, releaseMember } from "./members.ts";
import { ReportBook } from "./reports.ts";
import { statusOf } from "./status.ts";
import { createToken, revokeToken } from "./tokens.ts";
import { traceBetween } from "./trace.ts";

export interface TermParts {
  readonly nc: NatsConnection;
  readonly store: ResourceStore;
  readonly keys: HubKeys;
  /** Addresses that members dial, for join tokens. */
  readonly urls: readonly string[];
  readonly meshPools: readonly string[];
  readonly clock: Clock;
  readonly log: Log;
  /** Told when all is served, and when it no longer is. */
  readonly onActive: (active: boolean) => void;
}

const RESYNC_MS = 10_000;

/** What the one active hub does from taking the lease until it loses it: join, compile, publish, collect, answer. */
export async function runTerm(parts: TermParts, { signal, term: epoch }: HeldLease): Promise<void> {
  const { nc, store, keys, clock, log, onActive } = parts;
  await prepareFirstStart(store, parts.meshPools);
  const wake: { queue?: KeyedQueue } = {};
  const watch = watchHub(store, (change) => addAll(wake.queue, workOf(change)), signal);
  await watch.synced;
  const { level } = watch;

  const reports = new ReportBook();
  const bucket = await ViewBucket.open(nc, { clock, signal });
  const hub = keys.signer;
  const { mesh } = keys.identity;
  const publisher = await Publisher.open({ bucket, mesh, hub, onLost: () => wake.queue?.add("views"), clock, log, signal });
  const queue = runControllers({ store, level, publisher, reports, epoch, clock, log }, signal);
  wake.queue = queue;
  addAll(queue, workOfLevel(level()));

  const desk = new ReportDesk({
    mesh,
    hub,
    floor: clock.now(),
    signingKeyOf: (member) => level().clusters.find(({ metadata }) => metadata.name === member)?.status.identity?.signingKey,
  });
  const forget = async (member: string): Promise<void> => {
    reports.forget(member);
    desk.forget(member);
    await publisher.forget(member);
  };
  const tokenParts = { store, keys, urls: parts.urls, clock };
  const activeSince = new Date(clock.now()).toISOString();
  const onReport = (member: string): void => addAll(queue, [`cluster/${member}`, "links"]);
  const serving = [
    collectReports({ nc, desk, reports, onReport, clock, log }, signal),
    serveDoors({ nc, store, keys, pools: () => level().pools, forget, clock, log }, signal),
    serveHubAPI(
      nc,
      {
        createToken: (request) => createToken(tokenParts, request),
        revokeToken: async ({ name }) => {
          await revokeToken(tokenParts, name);
          return {};
        },
        deleteCluster: async ({ cluster, force }) => {
          checkRemoval(level(), cluster, force);
          const userKey = await releaseMember({ store, forget }, cluster);
          if (userKey !== undefined) await keys.revoke(userKey);
          return {};
        },
        status: async () => statusOf({ ...level(), reports, activeSince, nowMs: clock.now() }),
        trace: async (request) => traceBetween(request, { level: level(), ledger: await readLedger(store), reports, nowMs: clock.now() }),
      },
      log,
      signal,
    ),
    resync(clock, () => addAll(queue, workOfLevel(level())), signal),
  ];
  onActive(true);
  log.info({ event: "hub-active", epoch }, `this hub is the active one, epoch ${epoch}`);
  try {
    await Promise.all([...serving, queue.done, publisher.done, watch.done]);
  } finally {
    onActive(false);
  }
}

function addAll(queue: KeyedQueue | undefined, keys: readonly string[]): void {
  for (const key of keys) queue?.add(key);
}

async function resync(clock: Clock, wake: () => void, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await clock.sleep(RESYNC_MS, signal);
    wake();
  }
}
