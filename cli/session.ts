import type { NatsConnection } from "@nats-io/nats-core";
import { MeshError } from "../platform/errors.ts";
import type { Log } from "../platform/log.ts";
import { connectNats } from "../platform/nats/connection.ts";
import type { ResourceStore } from "../platform/store/port.ts";
import { chooseContext } from "./context.ts";
import type { Globals } from "./globals.ts";
import { hubClient } from "./hub-client.ts";
import type { AskHub } from "./hub-client.ts";
import { commandLog } from "./command-log.ts";
import type { Shell } from "./shell.ts";

/** A hub to talk to, for the length of one command. */
export interface HubSession {
  readonly place: "hub";
  readonly ask: AskHub;
  /** Opened when it is first asked for: not every command reads it. */
  store(): Promise<ResourceStore>;
}

/** A cluster's own store to read and write, for the length of one command. */
export interface MemberSession {
  readonly place: "member";
  store(): Promise<ResourceStore>;
}

export type Session = HubSession | MemberSession;

/** What a session is opened with: a log on standard error, and a signal that ends it with the command. */
interface Lifetime {
  readonly log: Log;
  readonly signal: AbortSignal;
  /** Ends what the session opened, after what is under way was sent. */
  readonly end: () => void;
}

/**
 * Runs `act` against the hub of the chosen context, and closes the connection whatever happens.
 * @throws MeshError `hub-only` when `--store` was given, `no-context`, `bad-context`, those of {@link connectNats}
 */
export async function withHub<T>(shell: Shell, globals: Globals, act: (hub: HubSession) => Promise<T>): Promise<T> {
  if (globals.store !== undefined) {
    const message =
      "this command speaks to the hub, and --store names a cluster's own store; leave --store away (in a lab: --lab, not --lab=CLUSTER)";
    throw new MeshError("hub-only", message, { retry: false });
  }
  return forAWhile(shell, globals, async (lifetime) => {
    const connection = await connectHub(shell, globals, lifetime);
    const store = once(async () => {
      const { openEmbeddedStore } = await import("../platform/store/embedded.ts");
      return openEmbeddedStore({ connection, bucket: "hub", clock: shell.clock, ...lifetime });
    });
    return whileOpen(connection, lifetime, () => act({ place: "hub", ask: hubClient(connection), store }));
  });
}

/** Runs `act` against the store that `--store` names, else against the hub. */
export async function withStore<T>(shell: Shell, globals: Globals, act: (session: Session) => Promise<T>): Promise<T> {
  const file = globals.store;
  if (file === undefined) return withHub(shell, globals, act);
  return forAWhile(shell, globals, async (lifetime) => {
    const { connectStore, readStoreAccess } = await import("../platform/store/access.ts");
    const access = await readStoreAccess(file);
    const { connection, store } = await connectStore({ access, clock: shell.clock, ...lifetime });
    return whileOpen(connection, lifetime, () => act({ place: "member", store: () => Promise.resolve(store) }));
  });
}

/** Runs `act` against a cluster's own store, which has to be named. @throws MeshError `no-store` */
export async function withOwnStore<T>(
  shell: Shell,
  globals: Globals,
  act: (store: ResourceStore) => Promise<T>,
): Promise<T> {
  storeFileOf(globals);
  return withStore(shell, globals, async (session) => act(await session.store()));
}

/** The access file of a cluster's own store. @throws MeshError `no-store` when it is not named */
export function storeFileOf({ store }: Pick<Globals, "store">): string {
  if (store !== undefined) return store;
  const message =
    "name this cluster's own store with --store FILE (in a lab: --lab=CLUSTER); `trestle store` writes that file, store.yaml, into its state folder";
  throw new MeshError("no-store", message, { retry: false });
}

async function forAWhile<T>(shell: Shell, { verbose }: Globals, act: (lifetime: Lifetime) => Promise<T>): Promise<T> {
  const end = new AbortController();
  const log = await commandLog(verbose);
  try {
    return await act({ log, signal: AbortSignal.any([shell.signal, end.signal]), end: () => end.abort() });
  } finally {
    end.abort();
  }
}

async function whileOpen<T>(connection: NatsConnection, { end }: Lifetime, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } finally {
    // It closes by its signal: to close it here too would cut off the drain that an interruption has begun.
    end();
    await connection.closed();
  }
}

async function connectHub(shell: Shell, globals: Globals, lifetime: Lifetime): Promise<NatsConnection> {
  const { urls, ca, userJWT, userSeed } = chooseContext(shell, globals.context);
  return connectNats({
    servers: urls,
    ca: ca || undefined,
    credentials: { jwt: userJWT, seed: userSeed },
    name: "trestle",
    waitOnFirstConnect: false,
    clock: shell.clock,
    ...lifetime,
  });
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}
