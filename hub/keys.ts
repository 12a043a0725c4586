import type { NatsConnection } from "@nats-io/nats-core";
import { issueMember } from "../platform/identity/credentials.ts";
import { revokeUser } from "../platform/identity/hub-identity.ts";
import type { HubIdentity, IdentityPlace } from "../platform/identity/hub-identity.ts";
import { openSigner } from "../platform/identity/signature.ts";
import type { Signer } from "../platform/identity/signature.ts";
import { pushAccount } from "../platform/nats/account-push.ts";
import { membersAccount } from "../platform/nats/hub-accounts.ts";

/** The hub's identity while it runs: it changes only by revocations, each saved before it is pushed. */
export class HubKeys {
  readonly signer: Signer;
  #identity: HubIdentity;
  readonly #place: IdentityPlace;
  readonly #system: NatsConnection;

  /** `system` is a connection of the system user: revocations go through it. */
  constructor(identity: HubIdentity, place: IdentityPlace, system: NatsConnection) {
    this.#identity = identity;
    this.#place = place;
    this.#system = system;
    this.signer = openSigner(identity.signingSeed);
  }

  get identity(): HubIdentity {
    return this.#identity;
  }

  issueMember(cluster: string, userKey: string): Promise<string> {
    return issueMember(this.#identity, cluster, userKey);
  }

  /** Voids every credential of this user key; who holds one is cut off. */
  async revoke(userKey: string): Promise<void> {
    this.#identity = revokeUser(this.#identity, userKey);
    await this.#place.save(this.#identity);
    await pushAccount(this.#system, await membersAccount(this.#identity));
  }
}
