import type { NatsConnection } from "@nats-io/nats-core";
import { randomUUID } from "node:crypto";
import type { Clock } from "../platform/clock.ts";
import { hasCode, MeshError, messageOf } from "../platform/errors.ts";
import { serveHealth } from "../platform/health.ts";
import type { HealthServer } from "../platform/health.ts";
import type { HubIdentity } from "../platform/identity/hub-identity.ts";
import { identityInFolder } from "../platform/identity/identity-place.ts";
import { holdLease } from "../platform/lease.ts";
import type { HeldLease } from "../platform/lease.ts";
import type { Log } from "../platform/log.ts";
import type { StateFolder } from "../platform/state-folder.ts";
import { openEmbeddedStore } from "../platform/store/embedded.ts";
import { createStoreBucket } from "../platform/store/make-bucket.ts";
import { parseListen } from "../platform/store/server-config.ts";
import type { HubAddresses } from "./addresses.ts";
import { connectHub } from "./connect.ts";
import { agreeOnRevocations, HubKeys } from "./keys.ts";
import { lastingTerms } from "./lasting-terms.ts";
import { HubMemory } from "./memory.ts";
import type { HubSettings } from "./settings.ts";
import { runTerm } from "./term.ts";

export interface WorkParts {
  readonly settings: HubSettings;
  readonly folder: StateFolder;
  readonly identity: HubIdentity;
  readonly addresses: HubAddresses;
  readonly clock: Clock;
  readonly log: Log;
}

/** Bucket of the hub's own resources, in the HUB account. */
const BUCKET = "hub";
const LEASE = { name: "hub", holdMs: 15_000, renewMs: 3_000 } as const;
/** What is left for giving up the lease once the work is to end; a NATS that is gone must not keep the process longer. */
const GRACE_MS = 2_000;
const RETRY_MS = 1_000;

/**
 * The hub on a NATS that is there, until `signal` aborts: a standby until it holds the lease, then the active one.
 * @throws MeshError when the hub's memory or the health address can't be used, or a setting is wrong
 */
export async function workAsHub(
  { settings, folder, identity, addresses, clock, log }: WorkParts,
  signal: AbortSignal,
): Promise<void> {
  const memory = await HubMemory.open(folder);
  const connected = new AbortController();
  const end = (): void => void clock.sleep(GRACE_MS, connected.signal).then(() => connected.abort());
  if (signal.aborted) end();
  else signal.addEventListener("abort", end, { once: true });
  const connections: NatsConnection[] = [];
  let active = false;
  let health: HealthServer | undefined;
  let keeping: Promise<void> | undefined;
  try {
    const { healthListen } = settings;
    const isReady = (): boolean => active;
    health =
      healthListen === undefined
        ? undefined
        : await serveHealth({ ...parseListen(healthListen), healthy: () => true, ready: isReady }, connected.signal);
    const dial = { identity, urls: addresses.own, clock, log, signal: connected.signal };
    const nc = await connectHub("hub", dial);
    connections.push(nc);
    const system = await connectHub("system", dial);
    connections.push(system);
    const life = { connection: nc, bucket: BUCKET, clock, log, signal: connected.signal };
    await makeBucket(life, signal);
    const keys = new HubKeys(identity, identityInFolder(folder), system);
    keeping = keepAfterReconnect(life, keys, signal);
    const leases = lastingTerms(await openEmbeddedStore(life), memory);
    const term = {
      nc,
      openStore: (until: AbortSignal) => openEmbeddedStore({ ...life, signal: until }),
      keys,
      memory,
      urls: addresses.advertised,
      meshPools: settings.meshPool,
      clock,
      log,
      onActive: (now: boolean) => (active = now),
    };
    const holder = randomUUID();
    await takeTurns(
      (work) => holdLease({ store: leases, holder, clock, log, ...LEASE }, work, signal),
      (lease) => runTerm(term, lease),
      { clock, log, signal },
    );
  } catch (error) {
    if (!(signal.aborted && hasCode(error, "aborted"))) throw error;
  } finally {
    connected.abort();
    await Promise.all(connections.map((connection) => connection.closed()));
    await Promise.all([keeping, health?.done]);
  }
}

/** One term after another. What time can mend ends the term, not the hub: another hub may be luckier, or this one later. */
async function takeTurns(
  hold: (work: (lease: HeldLease) => Promise<void>) => Promise<void>,
  work: (lease: HeldLease) => Promise<void>,
  { clock, log, signal }: { readonly clock: Clock; readonly log: Log; readonly signal: AbortSignal },
): Promise<void> {
  while (!signal.aborted) {
    try {
      await hold(work);
    } catch (error) {
      if (signal.aborted) return log.debug({ event: "term-cut-short", error }, messageOf(error));
      const passes = error instanceof MeshError && (error.retry || error.code === "superseded");
      if (!passes) throw error;
      log.warn({ event: "term-failed", error }, `this term ended early: ${messageOf(error)}`);
      await clock.sleep(RETRY_MS, signal);
    }
  }
}

type BucketLife = Parameters<typeof createStoreBucket>[0] & { readonly log: Log };

/** Tries until there is the hub's bucket. */
async function makeBucket(life: BucketLife, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      return await createStoreBucket(life);
    } catch (error) {
      if (signal.aborted) return;
      life.log.warn({ event: "bucket-not-made", error }, messageOf(error));
      await life.clock.sleep(RETRY_MS, signal);
    }
  }
}

/**
 * A NATS that was restarted may have lost its disk, or what was revoked since its configuration was written: it gets both
 * again. Settles when the connection is closed.
 */
async function keepAfterReconnect(life: BucketLife, keys: HubKeys, signal: AbortSignal): Promise<void> {
  for await (const { type } of life.connection.status()) {
    if (type !== "reconnect" || signal.aborted) continue;
    await makeBucket(life, signal);
    await agreeOnRevocations(keys, { ...life, signal });
  }
}
