import type { NatsConnection } from "@nats-io/nats-core";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Writable } from "node:stream";
import { parse } from "yaml";
import { hubClient } from "../../cli/hub-client.ts";
import type { AskHub } from "../../cli/hub-client.ts";
import { cidrPoolKind } from "../../crds/cidr-pool.ts";
import { hubKinds } from "../../crds/kinds.ts";
import { ledgerKind } from "../../crds/ledger.ts";
import { hubContext } from "../../crds/wire/context.ts";
import { runHub } from "../../hub/hub.ts";
import { hubSettings } from "../../hub/settings.ts";
import { SINGLETON_NAME } from "../../mesh/names.ts";
import type { LedgerSpec } from "../../mesh/resources.ts";
import { systemClock } from "../../platform/clock.ts";
import { hubIdentity } from "../../platform/identity/hub-identity.ts";
import type { HubIdentity } from "../../platform/identity/hub-identity.ts";
import { decodeJoinToken } from "../../platform/identity/join-token.ts";
import type { JoinToken } from "../../platform/identity/join-token.ts";
import { createLog } from "../../platform/log.ts";
import { connectNats } from "../../platform/nats/connection.ts";
import { openEmbeddedStore } from "../../platform/store/embedded.ts";
import type { ResourceStore, StoredObject } from "../../platform/store/port.ts";
import { eventually } from "../../platform/testing/eventually.ts";
import { freePort } from "../../platform/testing/free-port.ts";
import { findTool } from "../../platform/tools.ts";

/** A line of the hub's log. */
export type LogLine = { readonly level: string; readonly event: string; readonly msg: string } & Readonly<
  Record<string, unknown>
>;

/** The real hub on its own nats-server, on loopback, with its state in a folder of its own. */
export interface TestHub {
  readonly state: string;
  /** `tls://127.0.0.1:port`, which it keeps over restarts. */
  readonly url: string;
  /** As an administrator. */
  readonly connection: NatsConnection;
  readonly store: ResourceStore;
  readonly ask: AskHub;
  /** What it logged since the test hub was made. */
  readonly log: readonly LogLine[];
  /** Makes a token, and reads it as `trestle join` does. */
  token(
    cluster: string,
    wishes?: { readonly podCIDRs?: readonly string[]; readonly ttlSeconds?: number },
  ): Promise<JoinToken>;
  pool(name: string, cidr: string, clusterPrefixLength: number): Promise<void>;
  ledger(): Promise<LedgerSpec | undefined>;
  /** All its secrets. */
  identity(): Promise<HubIdentity>;
  /** Every object in its store, to compare before and after. */
  everything(): Promise<unknown>;
  start(): Promise<void>;
  /** As SIGTERM does; resolves when nothing of it runs any more. */
  stop(): Promise<void>;
  /** Ends its nats-server by SIGKILL, as a crash does; the hub starts another. `meanwhile` runs while there is none. */
  killNats(meanwhile?: () => Promise<void>): Promise<void>;
  /** Its nats-server's process; undefined when there is none. */
  natsPID(): Promise<number | undefined>;
  /** Stops it and removes its folder. */
  remove(): Promise<void>;
}

const READY_LIMIT_MS = 120_000;

/** Starts one; `more` are settings of `trestle hub`, e.g. `{ nats: [url] }`. */
export async function startTestHub(more: Readonly<Record<string, unknown>> = {}): Promise<TestHub> {
  const folder = await mkdtemp(path.join(tmpdir(), "trestle-real-hub-"));
  const state = path.join(folder, "state");
  const listen = `127.0.0.1:${await freePort()}`;
  const settings = hubSettings.parse({ state, listen, ...more });
  const lines: LogLine[] = [];
  const waiting = new Set<() => void>();
  const stream = new Writable({
    write: (chunk: Buffer, _, done) => {
      lines.push(JSON.parse(chunk.toString()) as LogLine);
      for (const look of waiting) look();
      done();
    },
  });
  const log = createLog({ level: "debug", pretty: false, stream });
  let running: { readonly end: AbortController; readonly done: Promise<void> } | undefined;

  const logged = (event: string, since: number, failed: Promise<void>): Promise<void> =>
    new Promise((resolve, reject) => {
      const limit = setTimeout(
        () => reject(new Error(`no "${event}" within ${READY_LIMIT_MS} ms: ${JSON.stringify(lines.slice(since))}`)),
        READY_LIMIT_MS,
      );
      const look = (): void => {
        if (!lines.slice(since).some((line) => line.event === event)) return;
        waiting.delete(look);
        clearTimeout(limit);
        resolve();
      };
      failed.catch((error: unknown) => {
        clearTimeout(limit);
        reject(error instanceof Error ? error : new Error(String(error)));
      });
      waiting.add(look);
      look();
    });

  const start = async (): Promise<void> => {
    const end = new AbortController();
    const since = lines.length;
    const natsServer = (): string => findTool("nats-server", process.env["PATH"] ?? "");
    const done = runHub({ settings, machine: [], natsServer, clock: systemClock, log }, end.signal);
    running = { end, done };
    await logged("hub-active", since, done);
  };
  const stop = async (): Promise<void> => {
    const present = running;
    running = undefined;
    present?.end.abort();
    await present?.done;
  };
  const natsPID = async (): Promise<number | undefined> => {
    for (const pid of await readdir("/proc")) {
      const words = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
      if (words.includes(path.join(state, "nats.conf"))) return Number(pid);
    }
    return undefined;
  };
  await start();

  const context = hubContext.parse(parse(await readFile(path.join(state, "context.yaml"), "utf8")));
  const life = new AbortController();
  const quiet = createLog({ level: "silent", pretty: false });
  const connection = await connectNats({
    servers: context.urls,
    ca: context.ca,
    credentials: { jwt: context.userJWT, seed: context.userSeed },
    name: "test",
    waitOnFirstConnect: true,
    clock: systemClock,
    log: quiet,
    signal: life.signal,
  });
  const store = await openEmbeddedStore({
    connection,
    bucket: "hub",
    clock: systemClock,
    log: quiet,
    signal: life.signal,
  });
  const ask = hubClient(connection);

  return {
    state,
    url: `tls://${listen}`,
    connection,
    store,
    ask,
    log: lines,
    token: async (cluster, { podCIDRs = [], ttlSeconds = 3_600 } = {}) =>
      decodeJoinToken((await ask("createToken", { cluster, podCIDRs: [...podCIDRs], ttlSeconds })).token),
    pool: async (name, cidr, clusterPrefixLength) => {
      await store.create(cidrPoolKind, { metadata: { name }, spec: { cidr, clusterPrefixLength, purpose: "Pods" } });
    },
    ledger: async () => (await store.get(ledgerKind, SINGLETON_NAME))?.spec,
    identity: async () => hubIdentity.parse(JSON.parse(await readFile(path.join(state, "identity.json"), "utf8"))),
    everything: () => Promise.all(hubKinds.map((kind) => store.list<StoredObject>(kind))),
    start: async () => {
      await start();
      // What is asked while the connection is being made anew is lost.
      await eventually(() => Promise.race([connection.flush().then(() => true, String), delay(500, "not connected")]));
    },
    stop,
    natsPID,
    killNats: async (meanwhile = async () => undefined) => {
      const pid = await natsPID();
      if (pid === undefined) throw new Error("no nats-server runs");
      process.kill(pid, "SIGKILL");
      await meanwhile();
    },
    remove: async () => {
      life.abort();
      await connection.closed();
      await stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
