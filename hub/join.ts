import { cidrPoolKind } from "../crds/cidr-pool.ts";
import { clusterKind } from "../crds/cluster.ts";
import { joinTokenKind } from "../crds/join-token.ts";
import type { JoinAnswer, JoinRequest } from "../crds/wire/join.ts";
import { contains, formatCidr, parseCidr } from "../mesh/cidr.ts";
import { admitCluster } from "../mesh/ledger.ts";
import { readName } from "../mesh/names.ts";
import type { Cluster, ClusterSpec, JoinToken, LedgerSpec } from "../mesh/resources.ts";
import { readCidr } from "../mesh/typed-cidr.ts";
import type { Clock } from "../platform/clock.ts";
import { accepted, MeshError } from "../platform/errors.ts";
import { isUserKey } from "../platform/identity/nkey.ts";
import { isPublicKey } from "../platform/identity/signature.ts";
import { amendStatus, retryOnConflict } from "../platform/store/amend.ts";
import type { ResourceStore } from "../platform/store/port.ts";
import type { HubKeys } from "./keys.ts";
import type { HubLedger } from "./ledger.ts";
import { LEDGER_FINALIZER } from "./members.ts";

export interface JoinParts {
  readonly store: ResourceStore;
  readonly ledger: HubLedger;
  readonly keys: Pick<HubKeys, "issueMember" | "issueRenew" | "signer">;
  readonly clock: Clock;
}

/**
 * Redeems a join token. Everything is checked before anything is written; then the token's use is recorded, then the
 * ledger, then the Cluster, so that a join cut short anywhere is completed by the retry of the same keys, with the same
 * result. Joins come one after another (the caller's duty).
 * @throws MeshError with a code and a sentence for the person who ran `trestle join`
 */
export async function redeemToken(parts: JoinParts, tokenID: string, request: JoinRequest): Promise<JoinAnswer> {
  const { store, ledger, keys, clock } = parts;
  const token = await store.get(joinTokenKind, tokenID);
  const claim = checkToken(token, tokenID, request, clock.now());
  if (request.hubKey !== undefined && request.hubKey !== keys.signer.publicKey) throw wrongHubKey();
  const present = await store.get(clusterKind, request.cluster);
  checkName(present, request);
  const asked = askedOf(request, present);
  checkDeclared(asked.podCIDRs, [...claim.spec.podCIDRs, ...(present?.spec.podCIDRs ?? [])]);
  const pools = (await store.list(cidrPoolKind)).filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const admit = (spec: LedgerSpec) => admitCluster(spec, pools, asked);
  accepted(admit(await ledger.read()));

  if (claim.status.usedBy === undefined) {
    const status = { usedBy: request.userKey, usedAt: new Date(clock.now()).toISOString() };
    await store.updateStatus(joinTokenKind, { ...claim, status });
  }
  const { number, podCIDRs, meshPrefixes } = await ledger.change(admit);
  await writeCluster(store, asked);
  const identity = { userKey: request.userKey, signingKey: request.signingKey, tokenID };
  await amendStatus(store, clusterKind, request.cluster, ({ status }) => ({
    ...status,
    identity,
    number,
    podCIDRs,
    meshPrefixes,
  }));
  const userJWT = await keys.issueMember(request.cluster, request.userKey);
  const renewJWT = await keys.issueRenew(request.cluster, request.userKey);
  return {
    cluster: request.cluster,
    userJWT,
    renewJWT,
    number,
    podCIDRs: [...podCIDRs],
    meshPrefixes: [...meshPrefixes],
  };
}

function checkToken(token: JoinToken | undefined, tokenID: string, request: JoinRequest, nowMs: number): JoinToken {
  if (token === undefined) {
    throw refused(
      "token-unknown",
      `join token "${tokenID}" is not known here: it was revoked, or made by another hub; ask for a new one (trestle token create ${request.cluster})`,
    );
  }
  const { cluster, expiresAt } = token.spec;
  if (cluster !== request.cluster) {
    throw refused(
      "token-other-name",
      `this token is for cluster "${cluster}", not for "${request.cluster}"; ask for one with: trestle token create ${request.cluster}`,
    );
  }
  const { usedBy, usedAt } = token.status;
  if (usedBy !== undefined && usedBy !== request.userKey) {
    throw refused(
      "token-used",
      `this token was used at ${usedAt}; a token joins once, ask for another with: trestle token create ${cluster}`,
    );
  }
  if (usedBy === undefined && Date.parse(expiresAt) <= nowMs) {
    throw refused(
      "token-expired",
      `this token expired at ${expiresAt}; ask for another with: trestle token create ${cluster}`,
    );
  }
  accepted(readName(request.cluster));
  if (!isUserKey(request.userKey) || !isPublicKey(request.signingKey)) {
    throw refused("bad-key", "the join request carries a malformed public key; use a trestle of the hub's release");
  }
  return token;
}

function checkName(present: Cluster | undefined, { cluster, userKey }: JoinRequest): void {
  if (present?.metadata.deletionTimestamp !== undefined) {
    const message = `the cluster named "${cluster}" is just being taken out of the mesh; try again in a moment`;
    throw new MeshError("name-taken", message, { retry: true });
  }
  const holder = present?.status.identity;
  if (holder === undefined || holder.userKey === userKey) return;
  throw refused(
    "name-taken",
    `a cluster named "${cluster}" has already joined; choose another name, or take the old one out first with: trestle leave (there) or trestle cluster delete ${cluster} (at the hub)`,
  );
}

/** What a cluster declares has to be allowed by its token, or by its Cluster where an administrator wrote one before. */
function checkDeclared(declared: readonly string[], allowed: readonly string[]): void {
  const beyond = declared.find((text) => !allowed.some((outer) => contains(parseCidr(outer), parseCidr(text))));
  if (beyond === undefined) return;
  const message =
    allowed.length === 0
      ? `this token allows no pod CIDRs of the cluster's own, so ${beyond} can't be had; leave it out and the hub assigns, or ask for a token made with --pod-cidr ${beyond}`
      : `this token allows the pod CIDRs ${allowed.join(", ")}, not ${beyond}; declare one of them or ask for another token`;
  throw refused("cidr-not-allowed", message);
}

/**
 * The request with every range in canonical text. What it leaves open is taken from a Cluster that was applied before
 * the join; a cluster that has joined keeps what it has, whatever a repeated join says.
 */
function askedOf(request: JoinRequest, present: Cluster | undefined): JoinRequest {
  const joined = present?.status.identity !== undefined;
  const each = (range: "podCIDRs" | "allowedCIDRs" | "localCIDRs"): string[] => {
    const typed = request[range].map((text) => formatCidr(accepted(readCidr(text))));
    return joined || typed.length === 0 ? [...(present?.spec[range] ?? [])] : typed;
  };
  return { ...request, podCIDRs: each("podCIDRs"), allowedCIDRs: each("allowedCIDRs"), localCIDRs: each("localCIDRs") };
}

/** The Cluster as it was asked for; labels and pause of one that is there stay. */
async function writeCluster(
  store: ResourceStore,
  { cluster: name, labels, podCIDRs, allowedCIDRs, localCIDRs }: JoinRequest,
): Promise<void> {
  const spec = { podCIDRs, allowedCIDRs, localCIDRs } satisfies Partial<ClusterSpec>;
  await retryOnConflict(async () => {
    const present = await store.get(clusterKind, name);
    if (present === undefined) {
      await store.create(clusterKind, {
        metadata: { name, labels, finalizers: [LEDGER_FINALIZER] },
        spec: { ...spec, paused: false },
      });
      return;
    }
    const finalizers = [...new Set([...present.metadata.finalizers, LEDGER_FINALIZER])];
    await store.update(clusterKind, {
      ...present,
      metadata: { ...present.metadata, finalizers },
      spec: { ...present.spec, ...spec },
    });
  });
}

function wrongHubKey(): MeshError {
  return refused(
    "wrong-hub-key",
    "the token names another hub key than this hub's: it was made by another hub, or altered; ask for another token",
  );
}

function refused(code: string, message: string): MeshError {
  return new MeshError(code, message, { retry: false });
}
