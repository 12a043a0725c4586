import { connect } from "@nats-io/transport-node";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { cidrPoolKind } from "../../crds/cidr-pool.ts";
import { prepareFirstStart } from "../../hub/first-start.ts";
import type { JoinParts } from "../../hub/join.ts";
import { HubLedger } from "../../hub/ledger.ts";
import { HubMemory } from "../../hub/memory.ts";
import { systemClock } from "../../platform/clock.ts";
import { issueMember, issueRenew } from "../../platform/identity/credentials.ts";
import { makeHubIdentity } from "../../platform/identity/hub-identity.ts";
import type { HubIdentity } from "../../platform/identity/hub-identity.ts";
import { openSigner } from "../../platform/identity/signature.ts";
import { createLog } from "../../platform/log.ts";
import { openStateFolder } from "../../platform/state-folder.ts";
import type { StateFolder } from "../../platform/state-folder.ts";
import { openEmbeddedStore } from "../../platform/store/embedded.ts";
import { createStoreBucket } from "../../platform/store/make-bucket.ts";
import type { ResourceStore } from "../../platform/store/port.ts";
import { startTestNats } from "../../platform/testing/nats.ts";

/** What the parts of a hub work on, without its process: a store in a bucket of its own, and a state folder. */
export interface HubGround {
  readonly store: ResourceStore;
  readonly folder: StateFolder;
  readonly memory: HubMemory;
  /** Parts of a join; `on` is the store to do it on. */
  joinParts(on?: ResourceStore): JoinParts;
}

/** Grounds in one real nats-server. */
export interface HubGrounds {
  readonly identity: HubIdentity;
  /** With its ledger, its Mesh pools and a pool `pods` of 10.64.0.0/12. */
  make(): Promise<HubGround>;
  remove(): Promise<void>;
}

export async function startHubGrounds(): Promise<HubGrounds> {
  const nats = await startTestNats();
  const folder = await mkdtemp(path.join(tmpdir(), "trestle-ground-"));
  const connection = await connect({ servers: nats.url });
  const identity = await makeHubIdentity(["127.0.0.1"]);
  const log = createLog({ level: "silent", pretty: false });
  const life = new AbortController();
  const folders: StateFolder[] = [];
  return {
    identity,
    make: async () => {
      const number = folders.length;
      const bucket = { connection, bucket: `hub-${number}`, clock: systemClock, log, signal: life.signal };
      await createStoreBucket(bucket);
      const store = await openEmbeddedStore(bucket);
      const state = await openStateFolder(path.join(folder, String(number)), log);
      folders.push(state);
      const memory = await HubMemory.open(state);
      await prepareFirstStart(store, memory, ["100.64.0.0/10"]);
      await store.create(cidrPoolKind, {
        metadata: { name: "pods" },
        spec: { cidr: "10.64.0.0/12", clusterPrefixLength: 16, purpose: "Pods" },
      });
      return {
        store,
        folder: state,
        memory,
        joinParts: (on = store) => ({
          store: on,
          ledger: new HubLedger(on, memory),
          keys: {
            signer: openSigner(identity.signingSeed),
            issueMember: (cluster, userKey) => issueMember(identity, cluster, userKey),
            issueRenew: (cluster, userKey) => issueRenew(identity, cluster, userKey),
          },
          clock: systemClock,
        }),
      };
    },
    remove: async () => {
      life.abort();
      await connection.close();
      await nats.remove();
      for (const each of folders) await each.unlock();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
