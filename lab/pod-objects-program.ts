import { text } from "node:stream/consumers";
import { systemClock } from "../platform/clock.ts";
import { messageOf } from "../platform/errors.ts";
import { createLog } from "../platform/log.ts";
import { connectStore, readStoreAccess } from "../platform/store/access.ts";
import { deletePods, podChange, putPods } from "./pod-objects.ts";

/** The program that plays Kubernetes' part in a lab: on a machine that reaches the cluster's store it writes its pods. */

const end = new AbortController();
const log = createLog({ level: "silent", pretty: false });
try {
  const change = podChange.parse(JSON.parse(await text(process.stdin)));
  const access = await readStoreAccess(change.store);
  const { connection, store } = await connectStore({ access, clock: systemClock, log, signal: end.signal });
  const uids = await putPods(store, change.put);
  await deletePods(store, change.delete, change);
  await connection.close();
  process.stdout.write(JSON.stringify(uids));
} catch (error) {
  process.stderr.write(messageOf(error));
  process.exitCode = 1;
} finally {
  end.abort();
}
