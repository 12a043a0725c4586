import { MeshError } from "../platform/errors.ts";
import { hostPort, isWildcard, parseListen } from "../platform/store/server-config.ts";
import type { HubSettings } from "./settings.ts";

/** Who dials which address of the hub's NATS. */
export interface HubAddresses {
  /** What the hub itself dials. */
  readonly own: readonly string[];
  /** What members and administrators dial; in join tokens and in the context. */
  readonly advertised: readonly string[];
  /** Names and addresses the server certificate is for. */
  readonly certified: readonly string[];
}

/**
 * Works out the addresses. Without --advertise these are those of --nats, else of --listen; a wildcard stands for every
 * address of the machine.
 * @param machine the machine's own addresses, loopback left out
 * @throws MeshError `bad-listen`
 */
export function hubAddresses({ listen, advertise, nats }: HubSettings, machine: readonly string[]): HubAddresses {
  const { host, port } = parseListen(listen);
  const hosts = isWildcard(host) ? machine : [host];
  const url = (name: string): string => `tls://${hostPort({ host: name, port })}`;
  const own = nats.length > 0 ? nats : [url(isWildcard(host) ? "127.0.0.1" : host)];
  const advertised = advertise.length > 0 ? advertise : nats.length > 0 ? nats : hosts.map(url);
  if (advertised.length === 0) {
    throw new MeshError(
      "bad-listen",
      "this machine has no address that members could dial; name one with --advertise tls://HOST:PORT",
      { retry: false },
    );
  }
  const certified = [...own, ...advertised].map((text) => new URL(text).hostname.replace(/^\[|\]$/g, ""));
  return { own, advertised, certified: [...new Set(certified)] };
}
