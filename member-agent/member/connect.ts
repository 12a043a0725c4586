import type { NatsConnection } from "@nats-io/nats-core";
import type { CredentialSpec } from "../../mesh/resources.ts";
import type { NatsConnectOptions } from "../../platform/nats/connection.ts";
import { inboxPrefix } from "../../platform/nats/subjects.ts";
import { MeshError } from "../../platform/errors.ts";

/** Whom to dial, as whom, and for how long. */
export interface HubDial extends Pick<NatsConnectOptions, "servers" | "ca" | "credentials" | "inboxPrefix"> {
  /** Ends the dialling, and the connection, before the process ends: a hub that is gone may be dialled for ever. */
  readonly until?: AbortSignal | undefined;
}

/** Connects to the hub's NATS; name, log, clock and patience are the composition root's to say. */
export type ConnectNats = (dial: HubDial) => Promise<NatsConnection>;

/** Connects as the member that a credential speaks for. @throws MeshError `not-joined` */
export function connectAsMember(
  connect: ConnectNats,
  credential: CredentialSpec,
  until?: AbortSignal,
): Promise<NatsConnection> {
  const { natsURLs: servers, ca, userJWT: jwt, userSeed: seed, cluster } = credential;
  if (jwt === undefined)
    throw new MeshError("not-joined", "the join was begun and never answered; run trestle join again", {
      retry: false,
    });
  return connect({ servers, ca, credentials: { jwt, seed }, inboxPrefix: inboxPrefix("member", cluster), until });
}
