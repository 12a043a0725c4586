import type { NatsConnection } from "@nats-io/nats-core";
import type { Clock } from "../platform/clock.ts";
import { hasCode, MeshError } from "../platform/errors.ts";
import type { HeldLease } from "../platform/lease.ts";
import type { Log } from "../platform/log.ts";
import { openGate } from "../platform/mailbox/gate.ts";
import { Publisher } from "../platform/mailbox/publisher.ts";
import { ReportDesk } from "../platform/mailbox/reports.ts";
import { ViewBucket } from "../platform/mailbox/view-bucket.ts";
import type { KeyedQueue } from "../platform/queue.ts";
import type { ResourceStore } from "../platform/store/port.ts";
import { serveHubAPI } from "./api.ts";
import { hubCallsOf } from "./calls.ts";
import { collectReports } from "./collect.ts";
import { runControllers, workOf, workOfLevel } from "./controllers.ts";
import { serveDoors } from "./doors.ts";
import { fenced } from "./fence.ts";
import { prepareFirstStart } from "./first-start.ts";
import { agreeOnRevocations } from "./keys.ts";
import type { HubKeys } from "./keys.ts";
import { HubLedger } from "./ledger.ts";
import { watchHub } from "./level.ts";
import { removeMember } from "./members.ts";
import type { HubMemory } from "./memory.ts";
import { ReportBook } from "./reports.ts";

export interface TermParts {
  readonly nc: NatsConnection;
  /** The store for as long as `signal` says: then its calls end, whatever they wait for. */
  readonly openStore: (signal: AbortSignal) => Promise<ResourceStore>;
  readonly keys: HubKeys;
  readonly memory: HubMemory;
  /** Addresses that members dial, for join tokens. */
  readonly urls: readonly string[];
  readonly meshPools: readonly string[];
  readonly clock: Clock;
  readonly log: Log;
  /** Told when all is served, and when it no longer is. */
  readonly onActive: (active: boolean) => void;
}

const RESYNC_MS = 10_000;

/**
 * What the one active hub does from taking the lease until it loses it: join, compile, publish, collect, answer. When it
 * settles, nothing of it runs any more.
 * @throws MeshError `superseded` when a later hub has written the mailboxes, or what the store threw at the start
 */
export async function runTerm(parts: TermParts, lease: HeldLease): Promise<void> {
  const failed = new AbortController();
  const running: Promise<unknown>[] = [];
  try {
    await beginTerm(parts, lease, AbortSignal.any([lease.signal, failed.signal]), running);
    parts.onActive(true);
    parts.log.info({ event: "hub-active", epoch: lease.term }, `this hub is the active one, epoch ${lease.term}`);
    await Promise.all(running);
  } finally {
    parts.onActive(false);
    failed.abort();
    await Promise.allSettled(running);
  }
}

/** Starts everything, and puts what runs into `running` as soon as it does, so that a start cut short can be undone. */
async function beginTerm(
  parts: TermParts,
  { term: epoch, isHeld }: HeldLease,
  signal: AbortSignal,
  running: Promise<unknown>[],
): Promise<void> {
  const { nc, keys, memory, clock, log } = parts;
  const store = fenced(await parts.openStore(signal), isHeld);
  await prepareFirstStart(store, memory, parts.meshPools);
  const ledger = new HubLedger(store, memory);
  await ledger.read().catch((error: unknown) => {
    if (!hasCode(error, "hub-amnesia")) throw error;
    log.error({ event: error.code }, error.message);
  });
  await agreeOnRevocations(keys, { clock, log, signal });

  const wake: { queue?: KeyedQueue } = {};
  const watch = watchHub(store, (change) => addAll(wake.queue, workOf(change)), signal);
  running.push(watch.done);
  await watch.synced;
  const { level } = watch;

  const reports = new ReportBook();
  const bucket = await ViewBucket.open(nc, { clock, signal });
  const hub = keys.signer;
  const { mesh } = keys.identity;
  const publisher = await Publisher.open({
    bucket,
    mesh,
    hub,
    onLost: () => wake.queue?.add("views"),
    clock,
    log,
    signal,
  });
  running.push(publisher.done);
  await standAbove(publisher, epoch, memory);

  const desk = new ReportDesk({
    mesh,
    hub,
    floor: clock.now(),
    signingKeyOf: (member) =>
      level().clusters.find(({ metadata }) => metadata.name === member)?.status.identity?.signingKey,
  });
  const forget = async (member: string): Promise<void> => {
    reports.forget(member);
    desk.forget(member);
    await publisher.forget(member);
  };
  const oneAtATime = openGate(1);
  const members = { store, ledger, keys, forget, oneAtATime, clock, log };
  const remove = (cluster: string): Promise<void> => removeMember(members, cluster);
  const queue = runControllers({ ...members, level, publisher, reports, epoch, isHeld, remove }, signal);
  wake.queue = queue;
  addAll(queue, workOfLevel(level()));
  const onReport = (member: string): void => addAll(queue, [`cluster/${member}`, "links"]);
  const activeSince = new Date(clock.now()).toISOString();
  const calls = hubCallsOf({ ...members, urls: parts.urls, level, reports, activeSince });
  running.push(
    queue.done,
    collectReports({ nc, desk, reports, onReport, clock, log }, signal),
    serveDoors({ ...members, nc }, signal),
    serveHubAPI(nc, calls, log, signal),
    resync(clock, () => addAll(queue, workOfLevel(level())), signal),
  );
  // Who hears that this hub is active may ask it at once.
  await nc.flush();
}

/** Members believe no head older than what they have: where a later hub wrote, this one begins anew, above it. */
async function standAbove(publisher: Publisher, epoch: number, memory: HubMemory): Promise<void> {
  const highest = Math.max(0, ...[...publisher.heads().values()].map((head) => head?.epoch ?? 0));
  if (highest <= epoch) return;
  await memory.raiseTerm(highest);
  throw new MeshError(
    "superseded",
    `the mailboxes are of epoch ${highest}, above this hub's ${epoch}: it takes a higher one`,
    { retry: true },
  );
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
