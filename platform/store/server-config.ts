import { isIP } from "node:net";
import { MeshError } from "../errors.ts";

/** Where a server listens; IPv6 without brackets. */
export interface Listen {
  readonly host: string;
  readonly port: number;
}

/**
 * `10.0.0.1:4222`, `store.example:4222`, `[fd00::1]:4222`.
 * @throws MeshError `bad-listen`
 */
export function parseListen(text: string): Listen {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain ?? "";
  const port = Number(digits);
  if (host === "" || (bracketed !== undefined && isIP(bracketed) !== 6) || port < 1 || port > 65_535) {
    throw new MeshError("bad-listen", `"${text}" is not HOST:PORT; write 10.0.0.1:4222 or [fd00::1]:4222`, {
      retry: false,
    });
  }
  return { host, port };
}

/** Back to `host:port`, with brackets where they are needed. */
export function hostPort({ host, port }: Listen): string {
  return isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`;
}

/** True of an address that means all of them, and so can't be dialled from elsewhere. */
export function isWildcard(host: string): boolean {
  return host === "0.0.0.0" || /^[0:]+$/.test(host);
}

export interface StoreServerConfig {
  readonly listen: Listen;
  /** Folder of JetStream's files. */
  readonly storeFolder: string;
  readonly token: string;
  readonly certFile: string;
  readonly keyFile: string;
}

/** The configuration of a store's nats-server. A write is on disk before it is answered: what it decided must outlive a power cut. */
export function storeServerConfig({ listen, storeFolder, token, certFile, keyFile }: StoreServerConfig): string {
  const quoted = (text: string): string => JSON.stringify(text);
  return [
    `listen: ${quoted(hostPort(listen))}`,
    `jetstream { store_dir: ${quoted(storeFolder)}, sync_interval: always }`,
    `authorization { token: ${quoted(token)}, timeout: 5 }`,
    `tls { cert_file: ${quoted(certFile)}, key_file: ${quoted(keyFile)}, handshake_first: true, timeout: 5 }`,
    "max_payload: 8MB",
    "",
  ].join("\n");
}
