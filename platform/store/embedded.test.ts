import { systemClock } from "../clock.ts";
import { createLog } from "../log.ts";
import { connectNats } from "../nats/connection.ts";
import { startTestNats } from "../testing/nats.ts";
import { openBucket } from "./bucket.ts";
import { describeResourceStore } from "./conformance.ts";
import { openEmbeddedStore } from "./embedded.ts";
import { createStoreBucket } from "./make-bucket.ts";

const log = createLog({ level: "silent", pretty: false });
const clock = systemClock;
const bucket = "test";

describeResourceStore("the embedded store", async () => {
  const nats = await startTestNats();
  const controller = new AbortController();
  const { signal } = controller;
  const connect = () =>
    connectNats({ servers: [nats.url], name: "test", waitOnFirstConnect: false, clock, log, signal });
  const connection = await connect();
  await createStoreBucket({ connection, bucket, clock, signal });
  return {
    store: await openEmbeddedStore({ connection, bucket, clock, log, signal }),
    openAnother: async () => openEmbeddedStore({ connection: await connect(), bucket, clock, log, signal }),
    restart: async (how) => {
      await nats.stop("SIGKILL");
      if (how === "wiped") await nats.wipe();
      await nats.start();
      await createStoreBucket({ connection: await connect(), bucket, clock, signal });
    },
    corrupt: async (name) => {
      const raw = await openBucket(connection, bucket, clock, signal);
      await raw.put(`widgets.${name}`, '{"kind":"Widget"', 0);
    },
    close: async () => {
      controller.abort();
      await connection.closed();
      await nats.remove();
    },
  };
});
