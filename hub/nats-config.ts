import { openHubIdentity } from "../platform/identity/hub-identity.ts";
import { identityInFolder } from "../platform/identity/identity-place.ts";
import { createLog } from "../platform/log.ts";
import { accountJWTs } from "../platform/nats/hub-accounts.ts";
import { renderAccountsConfig } from "../platform/nats/hub-config.ts";
import { openStateFolder } from "../platform/state-folder.ts";
import { writeServerCertificate } from "./own-nats.ts";

export interface NatsConfigRequest {
  /** The hub's state folder. */
  readonly state: string;
  /** Names and addresses by which the NATS server is dialled; empty: its certificate is left as it is. */
  readonly hosts: readonly string[];
  /** Folder of the NATS server's own machine. */
  readonly accountsFolder: string;
  /** Wall clock. */
  readonly now: number;
}

const BESIDE = `# Beside this the server needs listen, jetstream { sync_interval: always } and tls { handshake_first: true } with a
# certificate of the hub's CA: server.pem and server.key, which this command wrote into the hub's state folder if it was
# told --host.
`;

/**
 * The operator and accounts that make a foreign NATS server this hub's, and the certificate it shows. The hub must not be
 * running: the folder is its own.
 */
export async function printAccountsConfig({ state, hosts, accountsFolder, now }: NatsConfigRequest): Promise<string> {
  const folder = await openStateFolder(state, createLog({ level: "warn", pretty: true }));
  try {
    const identity = await openHubIdentity(identityInFolder(folder), hosts, now);
    if (hosts.length > 0) await writeServerCertificate(folder, identity);
    return BESIDE + renderAccountsConfig(await accountJWTs(identity), accountsFolder);
  } finally {
    await folder.unlock();
  }
}
