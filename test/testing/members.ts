import type { NatsConnection } from "@nats-io/nats-core";
import { connect } from "@nats-io/transport-node";
import { memberKinds } from "../../crds/kinds.ts";
import type { JoinAnswer } from "../../crds/wire/join.ts";
import { joinMesh } from "../../member-agent/member/join.ts";
import type { JoinWishes } from "../../member-agent/member/join.ts";
import type { ConnectNats } from "../../member-agent/member/connect.ts";
import { leaveMesh } from "../../member-agent/member/leave.ts";
import { systemClock } from "../../platform/clock.ts";
import type { JoinToken } from "../../platform/identity/join-token.ts";
import { createLog } from "../../platform/log.ts";
import { connectNats } from "../../platform/nats/connection.ts";
import { openEmbeddedStore } from "../../platform/store/embedded.ts";
import { createStoreBucket } from "../../platform/store/make-bucket.ts";
import type { ResourceStore, StoredObject } from "../../platform/store/port.ts";
import { startTestNats } from "../../platform/testing/nats.ts";

/** A cluster about to join, with a store of its own. */
export interface TestMember {
  readonly store: ResourceStore;
  join(token: JoinToken, wishes?: Partial<JoinWishes>): Promise<JoinAnswer>;
  leave(): Promise<string>;
  everything(): Promise<readonly (readonly StoredObject[])[]>;
}

/** Stores of members, in one real nats-server: each its bucket. */
export interface TestMembers {
  /** How members dial a hub. */
  readonly connect: ConnectNats;
  make(): Promise<TestMember>;
  remove(): Promise<void>;
}

/** What `trestle join` asks for when nothing is typed behind the token. */
export const NO_WISHES: Omit<JoinWishes, "cluster"> = {
  podCIDRs: [],
  families: [4],
  allowedCIDRs: [],
  localCIDRs: [],
  labels: {},
};

export async function startTestMembers(): Promise<TestMembers> {
  const nats = await startTestNats();
  const life = new AbortController();
  const log = createLog({ level: "silent", pretty: false });
  const connection: NatsConnection = await connect({ servers: nats.url });
  const dial: ConnectNats = (options) =>
    connectNats({
      ...options,
      name: "member",
      waitOnFirstConnect: false,
      clock: systemClock,
      log,
      signal: life.signal,
    });
  let made = 0;

  return {
    connect: dial,
    make: async () => {
      made += 1;
      const bucket = { connection, bucket: `member-${made}`, clock: systemClock, log, signal: life.signal };
      await createStoreBucket(bucket);
      const store = await openEmbeddedStore(bucket);
      const parts = { store, connect: dial, clock: systemClock, onWaiting: () => undefined };
      return {
        store,
        join: (token, wishes) => joinMesh(store, dial, token, { ...NO_WISHES, cluster: token.cluster, ...wishes }),
        leave: () => leaveMesh(parts, { withoutHub: false, limitMs: 1_000 }, life.signal),
        everything: () => Promise.all(memberKinds.map((kind) => store.list<StoredObject>(kind))),
      };
    },
    remove: async () => {
      life.abort();
      await connection.close();
      await nats.remove();
    },
  };
}
