import { joinTokenKind } from "../crds/join-token.ts";
import { clusterKind } from "../crds/cluster.ts";
import type { CreateTokenAnswer, CreateTokenRequest } from "../crds/wire/hub-api.ts";
import { formatCidr } from "../mesh/cidr.ts";
import { readName } from "../mesh/names.ts";
import { readCidr } from "../mesh/typed-cidr.ts";
import { randomBytes } from "node:crypto";
import type { Clock } from "../platform/clock.ts";
import { accepted, MeshError } from "../platform/errors.ts";
import { issueJoin } from "../platform/identity/credentials.ts";
import { encodeJoinToken } from "../platform/identity/join-token.ts";
import { makeUserKey } from "../platform/identity/user-key.ts";
import type { ResourceStore } from "../platform/store/port.ts";
import type { HubKeys } from "./keys.ts";
import type { HubLedger } from "./ledger.ts";

export interface TokenParts {
  readonly store: ResourceStore;
  readonly ledger: HubLedger;
  readonly keys: HubKeys;
  /** Addresses that members dial, `tls://host:port`. */
  readonly urls: readonly string[];
  readonly clock: Clock;
}

/** A year: what nobody has used by then is forgotten, and should not open the mesh. */
const LONGEST_LIFE_S = 365 * 86_400;

/**
 * Makes a single-use join token. Its secret is in the answer and nowhere else.
 * @throws MeshError `bad-name`, `bad-cidr`, `bad-ttl`, `name-taken`, `hub-amnesia`
 */
export async function createToken(
  { store, ledger, keys, urls, clock }: TokenParts,
  request: CreateTokenRequest,
): Promise<CreateTokenAnswer> {
  await ledger.read();
  if (request.ttlSeconds > LONGEST_LIFE_S) throw tooLong(request.ttlSeconds);
  const cluster = accepted(readName(request.cluster));
  const podCIDRs = request.podCIDRs.map((typed) => formatCidr(accepted(readCidr(typed))));
  const present = await store.get(clusterKind, cluster);
  if (present?.status.identity !== undefined && present.metadata.deletionTimestamp === undefined) {
    throw new MeshError(
      "name-taken",
      `a cluster named "${cluster}" has already joined; choose another name, or take it out first with: trestle cluster delete ${cluster}`,
      { retry: false },
    );
  }
  const name = `${cluster.slice(0, 50)}-${randomBytes(4).toString("hex")}`;
  const expiresAtMs = clock.now() + request.ttlSeconds * 1000;
  const expiresAt = new Date(expiresAtMs).toISOString();
  const user = makeUserKey();
  await store.create(joinTokenKind, {
    metadata: { name },
    spec: { cluster, podCIDRs, expiresAt, publicKey: user.publicKey },
  });
  const { identity } = keys;
  const token = encodeJoinToken({
    mesh: identity.mesh,
    id: name,
    cluster,
    urls: [...urls],
    ca: identity.ca.certPEM,
    hubKey: keys.signer.publicKey,
    userJWT: await issueJoin(identity, name, user.publicKey, expiresAtMs),
    userSeed: user.seed,
  });
  return { name, token, expiresAt };
}

/** Makes a token worthless, used or not; the member that it made stays. @throws MeshError `not-found` */
export async function revokeToken({ store, keys }: TokenParts, name: string): Promise<void> {
  const token = await store.get(joinTokenKind, name);
  if (token === undefined)
    throw new MeshError("not-found", `there is no join token "${name}"; see: trestle token list`, { retry: false });
  await store.delete(joinTokenKind, name);
  await keys.revoke(token.spec.publicKey);
}

function tooLong(ttlSeconds: number): MeshError {
  const message = `a join token lives a year at most (${LONGEST_LIFE_S} s), not ${ttlSeconds} s`;
  return new MeshError("bad-ttl", message, { retry: false });
}
