import type { NatsConnection } from "@nats-io/nats-core";
import { isDeepStrictEqual } from "node:util";
import type { Clock } from "../platform/clock.ts";
import { messageOf } from "../platform/errors.ts";
import { issueMember, issueRenew } from "../platform/identity/credentials.ts";
import { revokeUser } from "../platform/identity/hub-identity.ts";
import type { HubIdentity, IdentityPlace } from "../platform/identity/hub-identity.ts";
import { openSigner } from "../platform/identity/signature.ts";
import type { Signer } from "../platform/identity/signature.ts";
import type { Log } from "../platform/log.ts";
import { openGate } from "../platform/mailbox/gate.ts";
import { pushAccount } from "../platform/nats/account-push.ts";
import { membersAccount } from "../platform/nats/hub-accounts.ts";
import { mergeRevocations, readRevocations } from "./revocations.ts";

/** The hub's identity while it runs: it changes only by revocations, one after another, each saved before it is pushed. */
export class HubKeys {
  readonly signer: Signer;
  readonly #inTurn = openGate(1);
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

  issueRenew(cluster: string, userKey: string): Promise<string> {
    return issueRenew(this.#identity, cluster, userKey);
  }

  /** Voids every credential of this user key; who holds one is cut off. @throws MeshError `account-push-failed` (retry) */
  revoke(userKey: string): Promise<void> {
    return this.#inTurn(async () => {
      await this.#keep(revokeUser(this.#identity, userKey));
      await pushAccount(this.#system, await membersAccount(this.#identity));
    });
  }

  /**
   * Makes this process and the server hold the same revoked: the hub process that was active before may have revoked what
   * this one never heard of, and a push without it would undo it.
   * @throws MeshError `account-unknown`, `account-push-failed` (retry)
   */
  agree(): Promise<void> {
    return this.#inTurn(async () => {
      const account = await membersAccount(this.#identity);
      const theirs = await readRevocations(this.#system, account.publicKey);
      const revocations = mergeRevocations(this.#identity.revocations, theirs);
      if (!isDeepStrictEqual(revocations, this.#identity.revocations))
        await this.#keep({ ...this.#identity, revocations });
      if (!isDeepStrictEqual(revocations, theirs))
        await pushAccount(this.#system, await membersAccount(this.#identity));
    });
  }

  async #keep(identity: HubIdentity): Promise<void> {
    await this.#place.save(identity);
    this.#identity = identity;
  }
}

const AGREE_TRIES = 3;
const AGREE_PAUSE_MS = 1_000;

/** As {@link HubKeys.agree}, a few times, for the server may just have been started. What fails is logged; the next term tries again. */
export async function agreeOnRevocations(
  keys: Pick<HubKeys, "agree">,
  { clock, log, signal }: { readonly clock: Clock; readonly log: Log; readonly signal: AbortSignal },
): Promise<void> {
  for (let tries = AGREE_TRIES; !signal.aborted; tries -= 1) {
    try {
      return await keys.agree();
    } catch (error) {
      if (tries === 1) {
        log.error(
          { event: "revocations-unknown", error },
          `a credential that was revoked may be accepted: ${messageOf(error)}`,
        );
        return;
      }
      await clock.sleep(AGREE_PAUSE_MS, signal);
    }
  }
}
