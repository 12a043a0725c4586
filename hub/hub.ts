import { randomUUID } from "node:crypto";
import { stringify } from "yaml";
import type { HubContext } from "../crds/wire/context.ts";
import type { Clock } from "../platform/clock.ts";
import { serveHealth } from "../platform/health.ts";
import { hubCredential } from "../platform/identity/credentials.ts";
import { openHubIdentity } from "../platform/identity/hub-identity.ts";
import type { HubIdentity } from "../platform/identity/hub-identity.ts";
import { identityInFolder } from "../platform/identity/identity-place.ts";
import { holdLease } from "../platform/lease.ts";
import type { Log } from "../platform/log.ts";
import { openStateFolder } from "../platform/state-folder.ts";
import type { StateFolder } from "../platform/state-folder.ts";
import { openEmbeddedStore } from "../platform/store/embedded.ts";
import { createStoreBucket } from "../platform/store/make-bucket.ts";
import { parseListen } from "../platform/store/server-config.ts";
import { hubAddresses } from "./addresses.ts";
import type { HubAddresses } from "./addresses.ts";
import { connectHub } from "./connect.ts";
import { HubKeys } from "./keys.ts";
import { runOwnNats } from "./own-nats.ts";
import type { HubSettings } from "./settings.ts";
import { runTerm } from "./term.ts";

export interface HubParts {
  readonly settings: HubSettings;
  /** The machine's own addresses, loopback left out. */
  readonly machine: readonly string[];
  /** Path of nats-server; asked for only where the hub runs its own. */
  readonly natsServer: () => string;
  readonly clock: Clock;
  readonly log: Log;
}

/** Bucket of the hub's own resources, in the HUB account. */
const BUCKET = "hub";
const LEASE = { name: "hub", holdMs: 15_000, renewMs: 3_000 } as const;

/**
 * The hub process, until `signal` aborts: its NATS server (unless it was given one), its store, and while it holds the
 * lease everything in term.ts.
 * @throws MeshError when the state folder, the identity or an address can't be used
 */
export async function runHub(parts: HubParts, signal: AbortSignal): Promise<void> {
  const { settings, clock, log } = parts;
  const addresses = hubAddresses(settings, parts.machine);
  const folder = await openStateFolder(settings.state, log);
  try {
    const identity = await openHubIdentity(identityInFolder(folder), addresses.certified, clock.now());
    const context = await adminContext(identity, addresses);
    await folder.writeText("context.yaml", stringify(context, { lineWidth: 0 }));
    const failed = new AbortController();
    const until = AbortSignal.any([signal, failed.signal]);
    const running = [workAsHub({ parts, folder, identity, addresses }, until)];
    if (settings.nats.length === 0) {
      running.push(runOwnNats({ folder, identity, listen: settings.listen, binary: parts.natsServer(), clock, log }, until));
    }
    // Neither is worth anything alone: one that fails takes the other with it.
    await Promise.all(running).finally(() => {
      failed.abort();
      return Promise.allSettled(running);
    });
  } finally {
    await folder.unlock();
  }
}

interface Work {
  readonly parts: HubParts;
  readonly folder: StateFolder;
  readonly identity: HubIdentity;
  readonly addresses: HubAddresses;
}

async function workAsHub({ parts, folder, identity, addresses }: Work, signal: AbortSignal): Promise<void> {
  const { settings, clock, log } = parts;
  const dial = { identity, urls: addresses.own, clock, log, signal };
  const nc = await connectHub("hub", dial);
  const system = await connectHub("system", dial);
  const life = { connection: nc, bucket: BUCKET, clock, signal };
  await createStoreBucket(life);
  const store = await openEmbeddedStore({ ...life, log });
  const keys = new HubKeys(identity, identityInFolder(folder), system);
  let active = false;
  const health = settings.healthListen && serveHealth({ ...parseListen(settings.healthListen), healthy: () => true, ready: () => active }, signal);
  await holdLease(
    { store, holder: randomUUID(), clock, log, ...LEASE },
    (lease) =>
      runTerm({ nc, store, keys, urls: addresses.advertised, meshPools: settings.meshPool, clock, log, onActive: (now) => (active = now) }, lease),
    signal,
  );
  if (health) await (await health).done;
}

/** What an administrator's commands need; it is a secret. */
async function adminContext(identity: HubIdentity, { advertised }: HubAddresses): Promise<HubContext> {
  const { jwt: userJWT, seed: userSeed } = await hubCredential(identity, "admin");
  return { name: `mesh-${identity.mesh}`, mesh: identity.mesh, urls: [...advertised], ca: identity.ca.certPEM, userJWT, userSeed };
}
