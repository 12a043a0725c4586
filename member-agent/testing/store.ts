import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { systemClock } from "../../platform/clock.ts";
import type { LeaseStore } from "../../platform/lease.ts";
import { connectStore, readStoreAccess } from "../../platform/store/access.ts";
import type { ResourceStore } from "../../platform/store/port.ts";
import { serveStore } from "../../platform/store/serve.ts";
import { freePort } from "../../platform/testing/free-port.ts";
import { findTool } from "../../platform/tools.ts";
import { silent } from "./folder.ts";

/** A cluster's own store, as `trestle store` serves it. */
export interface MemberStore {
  readonly store: ResourceStore & LeaseStore;
  /** Its access file, as `--store` takes it. */
  readonly file: string;
  remove(): Promise<void>;
}

/** Starts one on a loopback port. */
export async function startMemberStore(): Promise<MemberStore> {
  const stateFolder = await mkdtemp(path.join(tmpdir(), "trestle-store-"));
  const life = new AbortController();
  const { signal } = life;
  const natsServer = findTool("nats-server", process.env["PATH"] ?? "");
  const listen = `127.0.0.1:${await freePort()}`;
  const ready = Promise.withResolvers<void>();
  const common = { clock: systemClock, log: silent };
  const serving = serveStore({ stateFolder, listen, natsServer, onReady: ready.resolve, ...common }, signal);
  await Promise.race([ready.promise, serving]);
  const file = path.join(stateFolder, "store.yaml");
  const access = await readStoreAccess(file);
  const { connection, store } = await connectStore({ access, signal, ...common });
  return {
    store,
    file,
    remove: async () => {
      await connection.close();
      life.abort();
      await serving;
      await rm(stateFolder, { recursive: true, force: true });
    },
  };
}
