import { hubCredential, issueMember } from "../platform/identity/credentials.ts";
import { revokeUser } from "../platform/identity/hub-identity.ts";
import type { HubIdentity, IdentityPlace } from "../platform/identity/hub-identity.ts";
import { openSigner } from "../platform/identity/signature.ts";
import type { Signer } from "../platform/identity/signature.ts";
import { membersAccount } from "../platform/nats/hub-accounts.ts";
import type { AccountJWT } from "../platform/nats/hub-accounts.ts";

/** The hub's identity while it runs: it changes only by revocations, each saved before it is pushed. */
export class HubKeys {
  readonly signer: Signer;
  #identity: HubIdentity;
  readonly #place: IdentityPlace;
  readonly #push: (account: AccountJWT) => Promise<void>;

  constructor(identity: HubIdentity, place: IdentityPlace, push: (account: AccountJWT) => Promise<void>) {
    this.#identity = identity;
    this.#place = place;
    this.#push = push;
    this.signer = openSigner(identity.signingSeed);
  }

  get identity(): HubIdentity {
    return this.#identity;
  }

  issueMember(cluster: string, userKey: string): Promise<string> {
    return issueMember(this.#identity, cluster, userKey);
  }

  /** A credential for the administrator's context. */
  adminCredential(): ReturnType<typeof hubCredential> {
    return hubCredential(this.#identity, "admin");
  }

  /** Voids every credential of this user key; who holds one is cut off. */
  async revoke(userKey: string): Promise<void> {
    this.#identity = revokeUser(this.#identity, userKey);
    await this.#place.save(this.#identity);
    await this.#push(await membersAccount(this.#identity));
  }
}
