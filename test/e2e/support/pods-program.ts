import { readContextFile } from "../../../cli/context-file.ts";
import { clusterKind } from "../../../crds/cluster.ts";
import { systemClock } from "../../../platform/clock.ts";
import { createLog } from "../../../platform/log.ts";
import { connectNats } from "../../../platform/nats/connection.ts";
import { amendStatus } from "../../../platform/store/amend.ts";
import { openEmbeddedStore } from "../../../platform/store/embedded.ts";

/**
 * A program to run beside a lab's hub: `CONTEXT CLUSTER CIDR…` are a cluster's pod CIDRs from now on, whatever the ledger
 * says. The hub signs it and tells all others.
 */

const [context = "", cluster = "", ...podCIDRs] = process.argv.slice(2);
const { urls, ca, userJWT, userSeed } = readContextFile(context);
const end = new AbortController();
const lifetime = { clock: systemClock, log: createLog({ level: "silent", pretty: false }), signal: end.signal };
const connection = await connectNats({
  servers: urls,
  ca: ca || undefined,
  credentials: { jwt: userJWT, seed: userSeed },
  name: "lie",
  waitOnFirstConnect: false,
  ...lifetime,
});
const store = await openEmbeddedStore({ connection, bucket: "hub", ...lifetime });
await amendStatus(store, clusterKind, cluster, ({ status }) => ({ ...status, podCIDRs }));
end.abort();
await connection.closed();
