import path from "node:path";
import type { Clock } from "../clock.ts";
import { MeshError } from "../errors.ts";
import type { Log } from "../log.ts";
import { connectNats } from "../nats/connection.ts";
import type { NatsServer } from "../nats/server.ts";
import { superviseNatsServer } from "../nats/supervise.ts";
import { openStateFolder } from "../state-folder.ts";
import { STORE_BUCKET, storeAccessText } from "./access.ts";
import type { StoreAccess } from "./access.ts";
import { createStoreBucket } from "./make-bucket.ts";
import { CERTIFICATE_FILE, currentSecrets, KEY_FILE, renewCertificate } from "./secrets.ts";
import { hostPort, isWildcard, parseListen, storeServerConfig } from "./server-config.ts";

export interface ServeStoreOptions {
  readonly stateFolder: string;
  /** HOST:PORT */
  readonly listen: string;
  /** Names and addresses by which agents reach it, the best first; the listening one unless told. */
  readonly advertise?: readonly string[];
  /** Path of nats-server. */
  readonly natsServer: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Called when the store can be used, again after each restart of its server. */
  readonly onReady?: () => void;
}

/** Name of the access file in the state folder. */
const ACCESS = "store.yaml";
const CONFIG = "nats.conf";

/**
 * Serves a cluster's own store until `signal` aborts: nats-server on the state folder, and an access file for agents.
 * What was stored, the CA and the token outlive a restart.
 * @throws MeshError `bad-listen`, `state-locked`, `state-corrupt`, `nats-server-exited`
 */
export async function serveStore(options: ServeStoreOptions, signal: AbortSignal): Promise<void> {
  const { clock, log } = options;
  const listen = parseListen(options.listen);
  const advertised = options.advertise?.length ? options.advertise : [listen.host];
  const [first = listen.host] = advertised;
  if (isWildcard(first)) {
    const message = `${options.listen} is every address of this machine; tell with --advertise by which one agents reach it`;
    throw new MeshError("bad-listen", message, { retry: false });
  }
  const hosts = [...new Set([...advertised, ...(isWildcard(listen.host) ? ["127.0.0.1"] : [listen.host])])];
  const state = await openStateFolder(options.stateFolder, log);
  try {
    const { token, ca } = await currentSecrets(state, hosts, clock.now());
    const file = (name: string): string => path.join(state.path, name);
    const storeFolder = file("jetstream");
    const config = { listen, storeFolder, token, certFile: file(CERTIFICATE_FILE), keyFile: file(KEY_FILE) };
    await state.writeText(CONFIG, storeServerConfig(config));

    const access: StoreAccess = { url: `tls://${hostPort({ ...listen, host: first })}`, ca: ca.certPEM, token };
    const own = {
      ...access,
      url: `tls://${hostPort({ ...listen, host: isWildcard(listen.host) ? "127.0.0.1" : listen.host })}`,
    };
    let running: NatsServer | undefined;
    const onReady = async (server: NatsServer): Promise<void> => {
      running = server;
      await makeBucket(own, options, signal);
      await state.writeText(ACCESS, storeAccessText(access));
      log.info({ event: "store-ready", url: access.url, access: file(ACCESS) }, `the store is at ${access.url}`);
      options.onReady?.();
    };
    const ended = new AbortController();
    const renewing = renewCertificate(
      { state, hosts, clock, log, reload: () => running?.reload() },
      AbortSignal.any([signal, ended.signal]),
    );
    try {
      await superviseNatsServer({ binary: options.natsServer, configFile: file(CONFIG), onReady, clock, log }, signal);
    } finally {
      ended.abort();
      await renewing;
    }
  } finally {
    await state.unlock();
  }
}

async function makeBucket(
  { url, ca, token }: StoreAccess,
  { clock, log }: ServeStoreOptions,
  signal: AbortSignal,
): Promise<void> {
  const server = { servers: [url], ca, credentials: { token } };
  const connection = await connectNats({
    ...server,
    name: "trestle-store",
    waitOnFirstConnect: false,
    clock,
    log,
    signal,
  });
  try {
    await createStoreBucket({ connection, bucket: STORE_BUCKET, clock, signal });
  } finally {
    await connection.close();
  }
}
