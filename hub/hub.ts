import { stringify } from "yaml";
import type { HubContext } from "../crds/wire/context.ts";
import type { Clock } from "../platform/clock.ts";
import { hubCredential } from "../platform/identity/credentials.ts";
import { openHubIdentity } from "../platform/identity/hub-identity.ts";
import type { HubIdentity } from "../platform/identity/hub-identity.ts";
import { identityInFolder } from "../platform/identity/identity-place.ts";
import type { Log } from "../platform/log.ts";
import { openStateFolder } from "../platform/state-folder.ts";
import { hubAddresses } from "./addresses.ts";
import type { HubAddresses } from "./addresses.ts";
import { runOwnNats } from "./own-nats.ts";
import type { HubSettings } from "./settings.ts";
import { workAsHub } from "./work.ts";

export interface HubParts {
  readonly settings: HubSettings;
  /** The machine's own addresses, loopback left out. */
  readonly machine: readonly string[];
  /** Path of nats-server; asked for only where the hub runs its own. */
  readonly natsServer: () => string;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * The hub process, until `signal` aborts: its NATS server (unless it was given one), its store, and while it holds the
 * lease everything in term.ts. When it settles, nothing of it runs any more.
 * @throws MeshError when the state folder, the identity or an address can't be used
 */
export async function runHub(parts: HubParts, signal: AbortSignal): Promise<void> {
  const { settings, clock, log } = parts;
  const addresses = hubAddresses(settings, parts.machine);
  const folder = await openStateFolder(settings.state, log);
  try {
    const identity = await openHubIdentity(identityInFolder(folder), addresses.certified, clock.now());
    await folder.writeText("context.yaml", stringify(await adminContext(identity, addresses), { lineWidth: 0 }));
    const failed = new AbortController();
    const until = AbortSignal.any([signal, failed.signal]);
    // The server outlives the work: a lease is given up through it.
    const worked = new AbortController();
    const ready = Promise.withResolvers<void>();
    until.addEventListener("abort", () => ready.resolve(), { once: true });
    const running: Promise<void>[] = [];
    if (settings.nats.length > 0) ready.resolve();
    else {
      const server = { folder, identity, listen: settings.listen, binary: parts.natsServer(), clock, log };
      running.push(runOwnNats({ ...server, onReady: ready.resolve }, worked.signal));
    }
    const work = async (): Promise<void> => {
      await ready.promise;
      if (!until.aborted) await workAsHub({ ...parts, folder, identity, addresses }, until);
    };
    running.push(work().finally(() => worked.abort()));
    // Neither is worth anything alone: one that fails takes the other with it.
    try {
      await Promise.all(running);
    } finally {
      failed.abort();
      await Promise.allSettled(running);
    }
  } finally {
    await folder.unlock();
  }
}

/** What an administrator's commands need; it is a secret. */
async function adminContext(identity: HubIdentity, { advertised }: HubAddresses): Promise<HubContext> {
  const { jwt: userJWT, seed: userSeed } = await hubCredential(identity, "admin");
  return {
    name: `mesh-${identity.mesh}`,
    mesh: identity.mesh,
    urls: [...advertised],
    ca: identity.ca.certPEM,
    userJWT,
    userSeed,
  };
}
