import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { clusterLinkKind } from "../../crds/cluster-link.ts";
import { hubContext } from "../../crds/wire/context.ts";
import { systemClock } from "../../platform/clock.ts";
import { createLog } from "../../platform/log.ts";
import { connectNats } from "../../platform/nats/connection.ts";
import { openEmbeddedStore } from "../../platform/store/embedded.ts";
import { seedMesh, SIMULATED } from "./seed-mesh.ts";

/**
 * Lets simulated clusters join the mesh of a hub that only its own network reaches, and links one real cluster with all of
 * them: `node seed-program.ts CONTEXT-FILE COUNT CLUSTER`.
 */
const [file = "", count = "", cluster = ""] = process.argv.slice(2);
const context = hubContext.parse(parse(readFileSync(file, "utf8")));
const life = new AbortController();
const log = createLog({ level: "silent", pretty: false });
const connection = await connectNats({
  servers: context.urls,
  ca: context.ca,
  credentials: { jwt: context.userJWT, seed: context.userSeed },
  name: "bench",
  waitOnFirstConnect: false,
  clock: systemClock,
  log,
  signal: life.signal,
});
const store = await openEmbeddedStore({ connection, bucket: "hub", clock: systemClock, log, signal: life.signal });
await seedMesh(store, Number(count));
await store.create(clusterLinkKind, {
  metadata: { name: "simulated" },
  spec: { from: { names: [cluster] }, to: { matchLabels: SIMULATED }, tunnel: "WireGuard" },
});
life.abort();
await connection.closed();
