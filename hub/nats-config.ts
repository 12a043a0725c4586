import { openHubIdentity } from "../platform/identity/hub-identity.ts";
import { identityInFolder } from "../platform/identity/identity-place.ts";
import { createLog } from "../platform/log.ts";
import { accountJWTs } from "../platform/nats/hub-accounts.ts";
import { renderAccountsConfig } from "../platform/nats/hub-config.ts";
import { openStateFolder } from "../platform/state-folder.ts";

export interface NatsConfigRequest {
  /** The hub's state folder. */
  readonly state: string;
  /** Folder of the NATS server's own machine. */
  readonly accountsFolder: string;
  /** Wall clock. */
  readonly now: number;
}

/** The operator and accounts that make a foreign NATS server this hub's. The hub must not be running: the folder is its own. */
export async function printAccountsConfig({ state, accountsFolder, now }: NatsConfigRequest): Promise<string> {
  const folder = await openStateFolder(state, createLog({ level: "warn", pretty: true }));
  try {
    const identity = await openHubIdentity(identityInFolder(folder), [], now);
    return renderAccountsConfig(await accountJWTs(identity), accountsFolder);
  } finally {
    await folder.unlock();
  }
}
