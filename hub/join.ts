import { clusterKind } from "../crds/cluster.ts";
import { joinTokenKind } from "../crds/join-token.ts";
import type { JoinAnswer, JoinRequest } from "../crds/wire/join.ts";
import { contains, formatCidr, parseCidr } from "../mesh/cidr.ts";
import { admitCluster } from "../mesh/ledger.ts";
import { readName } from "../mesh/names.ts";
import type { CIDRPool, ClusterSpec, JoinToken } from "../mesh/resources.ts";
import { readCidr } from "../mesh/typed-cidr.ts";
import type { Clock } from "../platform/clock.ts";
import { accepted, MeshError } from "../platform/errors.ts";
import { isUserKey } from "../platform/identity/nkey.ts";
import { isPublicKey } from "../platform/identity/signature.ts";
import { amendStatus } from "../platform/store/amend.ts";
import type { ResourceStore } from "../platform/store/port.ts";
import type { HubKeys } from "./keys.ts";
import { changeLedger, readLedger } from "./ledger.ts";

export interface JoinParts {
  readonly store: ResourceStore;
  readonly pools: () => readonly CIDRPool[];
  readonly keys: Pick<HubKeys, "issueMember">;
  readonly clock: Clock;
}

/**
 * Redeems a join token. Everything is checked before anything is written; then the token's use is recorded, then the
 * ledger, then the Cluster, so that a join cut short anywhere is completed by the retry of the same keys, with the same
 * result. Joins come one after another (the caller's duty).
 * @throws MeshError with a code and a sentence for the person who ran `trestle join`
 */
export async function redeemToken(parts: JoinParts, tokenID: string, request: JoinRequest): Promise<JoinAnswer> {
  const { store, clock } = parts;
  const token = await store.get(joinTokenKind, tokenID);
  const claim = checkToken(token, tokenID, request, clock.now());
  const present = await store.get(clusterKind, request.cluster);
  const holder = present?.status.identity;
  if (holder !== undefined && holder.userKey !== request.userKey) throw nameTaken(request.cluster);
  const asked = canonical(request, present?.spec);
  const admit = (ledger: Parameters<typeof admitCluster>[0]) => admitCluster(ledger, parts.pools(), asked);
  accepted(admit(await readLedger(store)));

  if (claim.status.usedBy === undefined) {
    const status = { usedBy: request.userKey, usedAt: new Date(clock.now()).toISOString() };
    await store.updateStatus(joinTokenKind, { ...claim, status });
  }
  const { number, podCIDRs, meshPrefixes } = await changeLedger(store, admit);
  if (present === undefined) await createCluster(store, asked);
  const identity = { userKey: request.userKey, signingKey: request.signingKey, tokenID };
  await amendStatus(store, clusterKind, request.cluster, ({ status }) => ({ ...status, identity, number, podCIDRs, meshPrefixes }));
  const userJWT = await parts.keys.issueMember(request.cluster, request.userKey);
  return { cluster: request.cluster, userJWT, number, podCIDRs: [...podCIDRs], meshPrefixes: [...meshPrefixes] };
}

function checkToken(token: JoinToken | undefined, tokenID: string, request: JoinRequest, nowMs: number): JoinToken {
  if (token === undefined) {
    throw refused("token-unknown", `join token "${tokenID}" is not known here: it was revoked, or made by another hub; ask for a new one (trestle token create ${request.cluster})`);
  }
  const { cluster, expiresAt, podCIDRs } = token.spec;
  if (cluster !== request.cluster) {
    throw refused("token-other-name", `this token is for cluster "${cluster}", not for "${request.cluster}"; ask for one with: trestle token create ${request.cluster}`);
  }
  const { usedBy, usedAt } = token.status;
  if (usedBy !== undefined && usedBy !== request.userKey) {
    throw refused("token-used", `this token was used at ${usedAt}; a token joins once, ask for another with: trestle token create ${cluster}`);
  }
  if (usedBy === undefined && Date.parse(expiresAt) <= nowMs) {
    throw refused("token-expired", `this token expired at ${expiresAt}; ask for another with: trestle token create ${cluster}`);
  }
  accepted(readName(request.cluster));
  if (!isUserKey(request.userKey) || !isPublicKey(request.signingKey)) {
    throw refused("bad-key", "the join request carries a malformed public key; use a trestle of the hub's release");
  }
  const beyond = request.podCIDRs.find((typed) => !isAllowed(typed, podCIDRs));
  if (beyond !== undefined) {
    throw refused("cidr-not-allowed", `this token allows the pod CIDRs ${podCIDRs.join(", ")}, not ${beyond}; declare one of them or ask for another token`);
  }
  return token;
}

function isAllowed(typed: string, allowed: readonly string[]): boolean {
  const cidr = accepted(readCidr(typed));
  return allowed.length === 0 || allowed.some((outer) => contains(parseCidr(outer), cidr));
}

/** The request with every range in canonical text; what it leaves open is taken from a Cluster that was applied before the join. */
function canonical(request: JoinRequest, prepared: ClusterSpec | undefined): JoinRequest {
  const each = (typed: readonly string[], known: readonly string[] = []): string[] =>
    typed.length === 0 ? [...known] : typed.map((text) => formatCidr(accepted(readCidr(text))));
  return {
    ...request,
    podCIDRs: each(request.podCIDRs, prepared?.podCIDRs),
    allowedCIDRs: each(request.allowedCIDRs, prepared?.allowedCIDRs),
    localCIDRs: each(request.localCIDRs, prepared?.localCIDRs),
  };
}

async function createCluster(store: ResourceStore, request: JoinRequest): Promise<void> {
  const { cluster: name, labels, podCIDRs, allowedCIDRs, localCIDRs } = request;
  await store.create(clusterKind, { metadata: { name, labels }, spec: { podCIDRs, allowedCIDRs, localCIDRs, paused: false } });
}

function nameTaken(cluster: string): MeshError {
  const message = `a cluster named "${cluster}" has already joined; choose another name, or take the old one out first with: trestle leave (there) or trestle cluster delete ${cluster} (at the hub)`;
  return refused("name-taken", message);
}

function refused(code: string, message: string): MeshError {
  return new MeshError(code, message, { retry: false });
}
