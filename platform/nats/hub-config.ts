import type { AccountJWTs } from "./hub-accounts.ts";

/** Where a hub's own NATS server listens and keeps its files; all paths absolute. */
export interface HubServerOptions {
  readonly name: string;
  /** `host:port`; an IPv6 host in brackets. */
  readonly listen: string;
  readonly certFile: string;
  readonly keyFile: string;
  readonly jetStreamFolder: string;
  readonly accountsFolder: string;
}

/** Bytes of the largest message: a report of 1,000 pairs or 16 peer records is far below. */
const MAX_PAYLOAD = 1024 * 1024;

/**
 * The configuration file of a hub's own nats-server (2.12 or later). The TLS handshake comes before any word of NATS.
 *
 * `sync_interval: always`: a write is on disk before it is answered. NATS' default of two minutes would let a power cut
 * take back prefixes that members were given, and the ledger would give them out twice. It costs 1.4 s for 1,000 pages
 * instead of 0.1 s, and 0.6 ms instead of 0.2 ms for one write (measured, ext4, two busy cores); so the mailboxes, which
 * the hub makes anew from the ledger, opt out by their stream (mailbox/view-bucket.ts) and cost 0.1 s as before.
 */
export function renderHubConfig(accounts: AccountJWTs, options: HubServerOptions): string {
  return `server_name: ${quote(options.name)}
listen: ${quote(options.listen)}
max_payload: ${MAX_PAYLOAD}
ping_interval: "20s"
ping_max: 2
write_deadline: "5s"
tls {
  cert_file: ${quote(options.certFile)}
  key_file: ${quote(options.keyFile)}
  handshake_first: true
  timeout: 5
}
jetstream {
  store_dir: ${quote(options.jetStreamFolder)}
  sync_interval: always
}
${renderAccountsConfig(accounts, options.accountsFolder)}`;
}

/**
 * The part that makes a NATS server the hub's: its operator, its accounts and where the server keeps them. For a server
 * of one's own this goes beside listen, tls and jetstream, whose `sync_interval` has to be `always` too.
 */
export function renderAccountsConfig({ operator, system, hub, members }: AccountJWTs, accountsFolder: string): string {
  return `operator: ${quote(operator)}
system_account: ${system.publicKey}
resolver {
  type: full
  dir: ${quote(accountsFolder)}
  allow_delete: false
  interval: "2m"
  limit: 1000
}
resolver_preload {
${[system, hub, members].map(({ publicKey, jwt }) => `  ${publicKey}: ${quote(jwt)}`).join("\n")}
}
`;
}

/** In nats-server's configuration a quoted string is written like JSON's. */
function quote(text: string): string {
  return JSON.stringify(text);
}
