import { credentialKind } from "../../crds/credential.ts";
import { membershipKind } from "../../crds/membership.ts";
import { joinAnswer } from "../../crds/wire/join.ts";
import type { JoinAnswer, JoinRequest } from "../../crds/wire/join.ts";
import { SINGLETON_NAME } from "../../mesh/names.ts";
import type { CredentialSpec, Membership, MembershipSpec } from "../../mesh/resources.ts";
import { hasCode, MeshError } from "../../platform/errors.ts";
import type { JoinToken } from "../../platform/identity/join-token.ts";
import { rawSeedOfUser } from "../../platform/identity/nkey.ts";
import { generateSeed, openSigner } from "../../platform/identity/signature.ts";
import { makeUserKey, publicKeyOfUser } from "../../platform/identity/user-key.ts";
import { signText } from "../../platform/mailbox/signed.ts";
import { inboxPrefix, joinSubject } from "../../platform/nats/subjects.ts";
import { amendStatus } from "../../platform/store/amend.ts";
import type { ResourceStore } from "../../platform/store/port.ts";
import { askHub } from "./ask.ts";
import type { ConnectNats } from "./connect.ts";
import { putSpec } from "./put-spec.ts";

/** What whoever joins may ask for beyond what the token says. */
export type JoinWishes = Omit<JoinRequest, "userKey" | "signingKey" | "hubKey">;

/**
 * Joins this cluster to a mesh. Its keys are made here and stored before the hub hears of them, so that a join whose
 * answer was lost is said again with the same keys and gets the same answer.
 * @throws MeshError `already-joined`, `token-refused`, what {@link askHub} throws, or the hub's refusal
 */
export async function joinMesh(
  store: ResourceStore,
  connect: ConnectNats,
  token: JoinToken,
  wishes: JoinWishes,
): Promise<JoinAnswer> {
  const credential = await prepareCredential(store, token);
  const { localCIDRs } = wishes;
  await writeMembership(store, { mesh: token.mesh, cluster: token.cluster, phase: "Joining", localCIDRs });
  const signer = openSigner(credential.signingSeed);
  const keys = { userKey: publicKeyOfUser(credential.userSeed), signingKey: signer.publicKey };
  const request: JoinRequest = { ...wishes, ...keys, hubKey: token.hubKey };
  const text = signText(
    "join-token",
    signText("join", JSON.stringify(request), signer),
    openSigner(rawSeedOfUser(token.userSeed)),
  );
  const nc = await connect({
    servers: token.urls,
    ca: token.ca,
    credentials: { jwt: token.userJWT, seed: token.userSeed },
    inboxPrefix: inboxPrefix("join", token.id),
  }).catch((error: unknown) => {
    throw hasCode(error, "nats-refused") ? tokenRefused(token) : error;
  });
  try {
    const answer = await askHub(nc, { subject: joinSubject(token.id), text, hubKey: token.hubKey, value: joinAnswer });
    const { userJWT, renewJWT, number, podCIDRs, meshPrefixes } = answer;
    await writeCredential(store, { ...credential, userJWT, renewJWT });
    await writeMembership(store, { mesh: token.mesh, cluster: answer.cluster, phase: "Joined", localCIDRs });
    await amendStatus(store, membershipKind, SINGLETON_NAME, ({ status }) => ({
      ...status,
      number,
      podCIDRs,
      meshPrefixes,
    }));
    return answer;
  } finally {
    await nc.close();
  }
}

/** The keys that a first try with this token stored, else new ones, stored. */
async function prepareCredential(store: ResourceStore, token: JoinToken): Promise<CredentialSpec> {
  const membership = await store.get(membershipKind, SINGLETON_NAME);
  const present = await store.get(credentialKind, SINGLETON_NAME);
  const sameToken = present?.spec.tokenID === token.id && present.spec.mesh === token.mesh;
  if (membership?.spec.phase === "Joined" && !sameToken) throw alreadyJoined(membership);
  const { mesh, cluster, urls: natsURLs, ca, hubKey, id: tokenID } = token;
  const pins = { mesh, cluster, natsURLs, ca, hubKey, tokenID };
  const spec = sameToken
    ? { ...present.spec, ...pins }
    : { ...pins, userSeed: makeUserKey().seed, signingSeed: generateSeed() };
  return writeCredential(store, spec);
}

async function writeCredential(store: ResourceStore, spec: CredentialSpec): Promise<CredentialSpec> {
  await putSpec(store, credentialKind, SINGLETON_NAME, () => spec);
  return spec;
}

async function writeMembership(store: ResourceStore, spec: MembershipSpec): Promise<void> {
  // A repeated join of a joined cluster must not take its agents' data path away meanwhile.
  await putSpec(store, membershipKind, SINGLETON_NAME, (present) => (present?.phase === "Joined" ? present : spec));
}

function alreadyJoined({ spec }: Membership): MeshError {
  const message = `this cluster has joined mesh ${spec.mesh} as "${spec.cluster}" already; take it out first with: trestle leave`;
  return new MeshError("already-joined", message, { retry: false });
}

function tokenRefused({ cluster }: JoinToken): MeshError {
  const message = `the hub's NATS refuses this token: it has expired or was revoked; ask for another with: trestle token create ${cluster}`;
  return new MeshError("token-refused", message, { retry: false });
}
