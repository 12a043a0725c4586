import type { NatsConnection } from "@nats-io/nats-core";
import type { Clock } from "../platform/clock.ts";
import { hubCredential } from "../platform/identity/credentials.ts";
import type { HubIdentity } from "../platform/identity/hub-identity.ts";
import type { Log } from "../platform/log.ts";
import { connectNats } from "../platform/nats/connection.ts";

export interface HubDial {
  readonly identity: HubIdentity;
  readonly urls: readonly string[];
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** The hub's own connection as one of its users; waits until there is a server. */
export async function connectHub(
  user: "hub" | "system",
  { identity, urls: servers, clock, log, signal }: HubDial,
): Promise<NatsConnection> {
  const credentials = await hubCredential(identity, user);
  const tls = { ca: identity.ca.certPEM };
  return connectNats({
    servers,
    ...tls,
    credentials,
    name: `trestle-${user}`,
    waitOnFirstConnect: true,
    clock,
    log,
    signal,
  });
}
