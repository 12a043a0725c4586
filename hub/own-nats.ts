import path from "node:path";
import type { Clock } from "../platform/clock.ts";
import type { HubIdentity } from "../platform/identity/hub-identity.ts";
import type { Log } from "../platform/log.ts";
import { accountJWTs } from "../platform/nats/hub-accounts.ts";
import { renderHubConfig } from "../platform/nats/hub-config.ts";
import { superviseNatsServer } from "../platform/nats/supervise.ts";
import type { StateFolder } from "../platform/state-folder.ts";

export interface OwnNatsParts {
  readonly folder: StateFolder;
  readonly identity: HubIdentity;
  /** `host:port` */
  readonly listen: string;
  /** Path of nats-server. */
  readonly binary: string;
  /** Called when the server takes connections, again after each restart. */
  readonly onReady: () => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** Puts the certificate that the hub's NATS server shows, and its key, into the state folder. */
export async function writeServerCertificate(
  folder: StateFolder,
  { server }: HubIdentity,
): Promise<{ readonly certFile: string; readonly keyFile: string }> {
  const [cert, key] = ["server.pem", "server.key"] as const;
  await folder.writeText(cert, server.certPEM);
  await folder.writeText(key, server.keyPEM);
  return { certFile: path.join(folder.path, cert), keyFile: path.join(folder.path, key) };
}

/** Runs the hub's own nats-server on its state folder until `signal` aborts; one that dies is started again. */
export async function runOwnNats(
  { folder, identity, listen, binary, onReady, clock, log }: OwnNatsParts,
  signal: AbortSignal,
): Promise<void> {
  const at = (name: string): string => path.join(folder.path, name);
  const options = {
    name: `trestle-hub-${identity.mesh}`,
    listen,
    ...(await writeServerCertificate(folder, identity)),
    jetStreamFolder: at("jetstream"),
    accountsFolder: at("accounts"),
  };
  await folder.writeText("nats.conf", renderHubConfig(await accountJWTs(identity), options));
  await superviseNatsServer(
    { binary, configFile: at("nats.conf"), clock, log, onReady: async () => onReady() },
    signal,
  );
}
