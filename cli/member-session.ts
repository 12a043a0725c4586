import type { ConnectNats } from "../member-agent/member/connect.ts";
import { connectNats } from "../platform/nats/connection.ts";
import { connectStore, readStoreAccess } from "../platform/store/access.ts";
import type { ResourceStore } from "../platform/store/port.ts";
import { commandLog } from "./command-log.ts";
import type { Globals } from "./globals.ts";
import { storeFileOf } from "./session.ts";
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
  const file = storeFileOf(globals);
  const { clock } = shell;
  const log = await commandLog(globals.verbose);
  const end = new AbortController();
  const signal = AbortSignal.any([shell.signal, end.signal]);
  const { connection, store } = await connectStore({
    access: await readStoreAccess(file),
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
