import { randomBytes } from "node:crypto";
import { createAccount, createOperator, createUser } from "@nats-io/nkeys";
import type { KeyPair } from "@nats-io/nkeys";
import { z } from "zod";
import { MeshError } from "../errors.ts";
import { makeCertificateAuthority } from "./certificates.ts";
import { serverCertificate, upToDate } from "./server-certificate.ts";
import { generateSeed } from "./signature.ts";

const certifiedKey = z.object({ certPEM: z.string(), keyPEM: z.string() });
const seed = z.string().regex(/^S[OAU][A-Z2-7]{56}$/);

/**
 * Everything a hub is, made once: who has it is the hub. Plain data; credentials and account JWTs are made of it when they
 * are needed. Seeds are NATS seeds (nkeys) but for `signingSeed`, which is raw (see signature.ts).
 */
export const hubIdentity = z.object({
  version: z.literal(1),
  /** Random name of the mesh, in every signed message: words for one mesh mean nothing in another. */
  mesh: z.string(),
  operatorSeed: seed,
  systemAccountSeed: seed,
  hubAccountSeed: seed,
  membersAccountSeed: seed,
  /** Scoped signing keys of the MEMBERS account, one a role: a credential can do what its role's template says. */
  roleSeeds: z.object({ member: seed, join: seed, renew: seed }),
  /** The hub's own user and the admin's, in the HUB account; and one in the system account that pushes account JWTs. */
  userSeeds: z.object({ hub: seed, admin: seed, system: seed }),
  /** Signs what the hub says; its public key is pinned by every member. */
  signingSeed: z.string(),
  ca: certifiedKey,
  server: certifiedKey.extend({ hosts: z.array(z.string()) }),
  /** User public key (U…) to seconds since 1970: credentials of that key issued until then are void. */
  revocations: z.record(z.string(), z.int()),
});
export type HubIdentity = z.infer<typeof hubIdentity>;

/** Where an identity is kept: a file of the state folder, or a Secret. */
export interface IdentityPlace {
  /** Undefined when nothing was ever saved. */
  load(): Promise<unknown>;
  save(identity: HubIdentity): Promise<void>;
}

/**
 * The identity that is kept in `place`; made and saved the first time. The server certificate is made anew, and saved,
 * when it does not cover `hosts` or has less than 30 days to live.
 * @throws MeshError `bad-identity`: what is kept can't be read; it is never replaced, for every member pins it
 */
export async function openHubIdentity(
  place: IdentityPlace,
  hosts: readonly string[],
  now = Date.now(),
): Promise<HubIdentity> {
  const kept = await place.load();
  const identity = kept === undefined ? await makeHubIdentity(hosts, now) : readIdentity(kept);
  const current = upToDate(identity.server, hosts, now)
    ? identity
    : { ...identity, server: await serverCertificate(identity.ca, hosts, now) };
  if (kept === undefined || current !== identity) await place.save(current);
  return current;
}

/** A new hub. */
export async function makeHubIdentity(hosts: readonly string[], now = Date.now()): Promise<HubIdentity> {
  const mesh = randomBytes(12).toString("hex");
  const ca = await makeCertificateAuthority(`trestle ${mesh}`, now);
  return {
    version: 1,
    mesh,
    operatorSeed: seedOf(createOperator()),
    systemAccountSeed: seedOf(createAccount()),
    hubAccountSeed: seedOf(createAccount()),
    membersAccountSeed: seedOf(createAccount()),
    roleSeeds: { member: seedOf(createAccount()), join: seedOf(createAccount()), renew: seedOf(createAccount()) },
    userSeeds: { hub: seedOf(createUser()), admin: seedOf(createUser()), system: seedOf(createUser()) },
    signingSeed: generateSeed(),
    ca,
    server: await serverCertificate(ca, hosts, now),
    revocations: {},
  };
}

/** The identity with every credential of `userKey` void that was issued until now; push the MEMBERS account to make it so. */
export function revokeUser(identity: HubIdentity, userKey: string, now = Date.now()): HubIdentity {
  return { ...identity, revocations: { ...identity.revocations, [userKey]: Math.floor(now / 1000) } };
}

function readIdentity(kept: unknown): HubIdentity {
  const parsed = hubIdentity.safeParse(kept);
  if (parsed.success) return parsed.data;
  const message = `the hub's identity can't be read; restore it from a backup, for every member pins it:\n${z.prettifyError(parsed.error)}`;
  throw new MeshError("bad-identity", message, { retry: false });
}

function seedOf(pair: KeyPair): string {
  return new TextDecoder().decode(pair.getSeed());
}
