import type { NatsConnection } from "@nats-io/nats-core";
import { readFile } from "node:fs/promises";
import { parse, stringify } from "yaml";
import { z } from "zod";
import type { Clock } from "../clock.ts";
import { MeshError, messageOf } from "../errors.ts";
import type { LeaseStore } from "../lease.ts";
import type { Log } from "../log.ts";
import { connectNats } from "../nats/connection.ts";
import { openEmbeddedStore } from "./embedded.ts";
import type { ResourceStore } from "./port.ts";

/** How agents reach a cluster's own store: `trestle store` writes it, as YAML, to `store.yaml` in its state folder (0600). */
const storeAccess = z.object({
  /** `tls://host:port` */
  url: z.string().min(1),
  /** PEM of the store's CA. */
  ca: z.string().min(1),
  /** A secret: who has it may read and write everything. */
  token: z.string().min(1),
});
export type StoreAccess = z.infer<typeof storeAccess>;

/** The one bucket of a cluster's own store. */
export const STORE_BUCKET = "store";

/** As `store.yaml` holds it. */
export function storeAccessText(access: StoreAccess): string {
  return stringify(access);
}

/**
 * Reads an access file.
 * @throws MeshError `bad-store-access` that names the file
 */
export async function readStoreAccess(file: string): Promise<StoreAccess> {
  try {
    return storeAccess.parse(parse(await readFile(file, "utf8")));
  } catch (error) {
    const message = `${file} is no access file of a store (${messageOf(error)}); "trestle store" writes one, store.yaml, into its state folder`;
    throw new MeshError("bad-store-access", message, { retry: true, cause: error });
  }
}

export interface ConnectStoreOptions {
  readonly access: StoreAccess;
  /** Shown in the server's monitoring. */
  readonly name?: string;
  /** True for daemons, see `connectNats`; false unless told. */
  readonly waitOnFirstConnect?: boolean;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** Connects to a cluster's own store. @throws MeshError those of `connectNats` */
export async function connectStore(
  options: ConnectStoreOptions,
): Promise<{ readonly connection: NatsConnection; readonly store: ResourceStore & LeaseStore }> {
  const { access, name = "trestle", waitOnFirstConnect = false, clock, log, signal } = options;
  const { url, ca, token } = access;
  const server = { servers: [url], ca, credentials: { token } };
  const connection = await connectNats({ ...server, name, waitOnFirstConnect, clock, log, signal });
  const store = await openEmbeddedStore({ connection, bucket: STORE_BUCKET, clock, log, signal });
  return { connection, store };
}
