import type { NatsConnection } from "@nats-io/nats-core";
import type { CredentialSpec } from "../../mesh/resources.ts";
import type { NatsConnectOptions } from "../../platform/nats/connection.ts";
import { inboxPrefix } from "../../platform/nats/subjects.ts";
import { MeshError } from "../../platform/errors.ts";

/** Connects to the hub's NATS; name, log, clock, patience and end are the composition root's to say. */
export type ConnectNats = (
  options: Pick<NatsConnectOptions, "servers" | "ca" | "credentials" | "inboxPrefix">,
) => Promise<NatsConnection>;

/** Connects as the member that a credential speaks for. @throws MeshError `not-joined` */
export function connectAsMember(connect: ConnectNats, credential: CredentialSpec): Promise<NatsConnection> {
  const { natsURLs: servers, ca, userJWT: jwt, userSeed: seed, cluster } = credential;
  if (jwt === undefined)
    throw new MeshError("not-joined", "the join was begun and never answered; run trestle join again", {
      retry: false,
    });
  return connect({ servers, ca, credentials: { jwt, seed }, inboxPrefix: inboxPrefix("member", cluster) });
}
