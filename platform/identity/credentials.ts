import { encodeUser } from "@nats-io/jwt";
import type { HubIdentity } from "./hub-identity.ts";
import { checkName } from "./member-name.ts";
import { openNkey } from "./nkey.ts";

const DAY_MS = 86_400_000;
const MEMBER_LIFE_MS = 365 * DAY_MS;

/** What a NATS client shows: a user JWT and the seed of its key. */
export interface UserCredential {
  readonly jwt: string;
  readonly seed: string;
}

/**
 * A member's credential, for a year: `userKey` is the public key (U…) it made for itself.
 * @throws MeshError `bad-name`
 */
export async function issueMember(
  identity: HubIdentity,
  name: string,
  userKey: string,
  now = Date.now(),
): Promise<string> {
  checkName(name, "member");
  return issueScoped(identity, "member", name, userKey, now + MEMBER_LIFE_MS);
}

/**
 * A credential that can do nothing but ask for a member's credential; it has no end, so that a member that slept for years
 * comes back by the proof of its key. Revocation ends it.
 * @throws MeshError `bad-name`
 */
export async function issueRenew(identity: HubIdentity, name: string, userKey: string): Promise<string> {
  checkName(name, "member");
  return issueScoped(identity, "renew", name, userKey, undefined);
}

/**
 * A credential that can do nothing but redeem the join token `tokenID`, until `expiresAt` (milliseconds since 1970).
 * @throws MeshError `bad-name`
 */
export async function issueJoin(
  identity: HubIdentity,
  tokenID: string,
  userKey: string,
  expiresAt: number,
): Promise<string> {
  checkName(tokenID, "join token");
  return issueScoped(identity, "join", tokenID, userKey, expiresAt);
}

/** A credential of the hub itself: `hub` and `admin` may do anything in the HUB account, `system` in the system account. */
export async function hubCredential(
  identity: HubIdentity,
  user: keyof HubIdentity["userSeeds"],
): Promise<UserCredential> {
  const account = openNkey(user === "system" ? identity.systemAccountSeed : identity.hubAccountSeed);
  const seed = identity.userSeeds[user];
  return { jwt: await encodeUser(user, openNkey(seed).getPublicKey(), account), seed };
}

async function issueScoped(
  identity: HubIdentity,
  role: keyof HubIdentity["roleSeeds"],
  name: string,
  userKey: string,
  expiresAt: number | undefined,
): Promise<string> {
  const account = openNkey(identity.membersAccountSeed).getPublicKey();
  const life = expiresAt === undefined ? {} : { exp: Math.floor(expiresAt / 1000) };
  return encodeUser(
    name,
    userKey,
    account,
    {},
    { scopedUser: true, signer: openNkey(identity.roleSeeds[role]), ...life },
  );
}
