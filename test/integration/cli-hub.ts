import type { NatsConnection } from "@nats-io/nats-core";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { stringify } from "yaml";
import { trestle } from "../../cli/testing/captured-shell.ts";
import type { CaptureOptions, Captured } from "../../cli/testing/captured-shell.ts";
import { cidrPoolKind } from "../../crds/cidr-pool.ts";
import { clusterLinkKind } from "../../crds/cluster-link.ts";
import { clusterKind } from "../../crds/cluster.ts";
import { joinTokenKind } from "../../crds/join-token.ts";
import { ledgerKind } from "../../crds/ledger.ts";
import type { HubContext } from "../../crds/wire/context.ts";
import { systemClock } from "../../platform/clock.ts";
import { hubCredential } from "../../platform/identity/credentials.ts";
import { createLog } from "../../platform/log.ts";
import { openEmbeddedStore } from "../../platform/store/embedded.ts";
import { createStoreBucket } from "../../platform/store/make-bucket.ts";
import type { ResourceStore, StoredObject } from "../../platform/store/port.ts";
import { startTestHub } from "../../platform/testing/test-hub.ts";

/** A hub as the command line meets it: its nats-server and its store, whose admission judges. No hub process runs. */
export interface CliHub {
  readonly store: ResourceStore;
  readonly context: HubContext;
  /** Holds `context.yaml`; the home of who types the commands. */
  readonly folder: string;
  /** As the hub itself, to answer what a command asks. */
  readonly connection: NatsConnection;
  /** Types `trestle …`; words are separated by one space. */
  type(line: string, options?: CaptureOptions): Promise<Captured>;
  /** All there is, to compare before and after. */
  everything(): Promise<unknown>;
  /** Clusters as if they had joined, each labelled `tier=<its name>`. */
  joined(...names: readonly string[]): Promise<void>;
  clear(): Promise<void>;
  remove(): Promise<void>;
}

const KINDS = [cidrPoolKind, clusterKind, clusterLinkKind, joinTokenKind, ledgerKind];

export async function startCliHub(): Promise<CliHub> {
  const hub = await startTestHub();
  const life = new AbortController();
  const log = createLog({ level: "silent", pretty: false });
  const connection = await hub.connectAs("hub");
  const bucket = { connection, bucket: "hub", clock: systemClock, log, signal: life.signal };
  await createStoreBucket(bucket);
  const store = await openEmbeddedStore(bucket);
  const folder = await mkdtemp(path.join(tmpdir(), "trestle-cli-"));
  const { jwt, seed } = await hubCredential(hub.identity, "admin");
  if (typeof jwt !== "string") throw new Error("the admin's JWT is made once");
  const context = {
    name: "test",
    mesh: "test",
    urls: [hub.url],
    ca: hub.identity.ca.certPEM,
    userJWT: jwt,
    userSeed: seed,
  };
  const file = path.join(folder, "context.yaml");
  await writeFile(file, stringify(context));

  return {
    store,
    context,
    folder,
    connection,
    type: (line, options) => trestle(line.split(" "), { env: { HOME: folder, TRESTLE_CONTEXT: file }, ...options }),
    everything: () => Promise.all(KINDS.map((kind) => store.list<StoredObject>(kind))),
    joined: async (...names) => {
      const spec = { podCIDRs: [], allowedCIDRs: [], localCIDRs: [], paused: false };
      for (const name of names) await store.create(clusterKind, { metadata: { name, labels: { tier: name } }, spec });
    },
    clear: async () => {
      for (const kind of KINDS) {
        for (const { metadata } of await store.list<StoredObject>(kind))
          await store.delete<StoredObject>(kind, metadata.name);
      }
    },
    remove: async () => {
      life.abort();
      await hub.remove();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
