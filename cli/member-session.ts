import type { ConnectNats } from "../member-agent/member/connect.ts";
import { MeshError } from "../platform/errors.ts";
import { connectNats } from "../platform/nats/connection.ts";
import { connectStore, readStoreAccess } from "../platform/store/access.ts";
import type { ResourceStore } from "../platform/store/port.ts";
import { commandLog } from "./command-log.ts";
import type { Globals } from "./globals.ts";
import type { Shell } from "./shell.ts";

/** A cluster's own store, and the way from there to its hub, for the length of one command. */
export interface JoiningSession {
  readonly store: ResourceStore;
  readonly connect: ConnectNats;
}

/** Runs `act` against the store that `--store` names, and closes every connection whatever happens. @throws MeshError `no-store` */
export async function withMember<T>(
  shell: Shell,
  globals: Globals,
  act: (session: JoiningSession) => Promise<T>,
): Promise<T> {
  if (globals.store === undefined) {
    const message =
      "name this cluster's own store with --store FILE; `trestle store` writes that file, store.yaml, into its state folder";
    throw new MeshError("no-store", message, { retry: false });
  }
  const { clock } = shell;
  const log = await commandLog(globals.verbose);
  const end = new AbortController();
  const signal = AbortSignal.any([shell.signal, end.signal]);
  const { connection, store } = await connectStore({
    access: await readStoreAccess(globals.store),
    clock,
    log,
    signal,
  });
  try {
    return await act({
      store,
      connect: (to) => connectNats({ ...to, name: "trestle", waitOnFirstConnect: false, clock, log, signal }),
    });
  } finally {
    await connection.close();
    end.abort();
  }
}
