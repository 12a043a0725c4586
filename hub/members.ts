import { clusterKind } from "../crds/cluster.ts";
import { releaseCluster } from "../mesh/ledger.ts";
import { NONE, termsBetween } from "../mesh/ties.ts";
import { MeshError } from "../platform/errors.ts";
import { retryOnConflict } from "../platform/store/amend.ts";
import type { ResourceStore } from "../platform/store/port.ts";
import type { HubKeys } from "./keys.ts";
import type { HubLedger } from "./ledger.ts";
import type { HubLevel } from "./level.ts";

export interface MemberParts {
  readonly store: ResourceStore;
  readonly ledger: HubLedger;
  readonly keys: Pick<HubKeys, "revoke">;
  /** Takes the member's mailbox, reports and counters away. */
  readonly forget: (member: string) => Promise<void>;
}

/** Keeps a Cluster that is to go until its prefixes are free and its credential is void: whoever dies meanwhile, it is finished. */
export const LEDGER_FINALIZER = "trestle.dev/ledger";

/**
 * Takes a cluster out of the mesh: first its Cluster is marked, by which its peers hear of it and its words count no
 * more, then its rows of the ledger go, by which its prefixes are free again. {@link finishRemoval} does the rest. Cut
 * short, it can be said again.
 * @throws MeshError `hub-amnesia`
 */
export async function beginRemoval({ store, ledger, forget }: MemberParts, name: string): Promise<void> {
  const cluster = await store.get(clusterKind, name);
  if (cluster !== undefined && cluster.metadata.deletionTimestamp === undefined) await store.delete(clusterKind, name);
  await ledger.change((present) => ({ value: { ledger: releaseCluster(present, name) } }));
  await forget(name);
}

/** Voids the credential, which has to hear the answer before that if it asked itself, and lets the Cluster go. */
export async function finishRemoval(
  { store, keys }: MemberParts,
  name: string,
  userKey: string | undefined,
): Promise<void> {
  if (userKey !== undefined) await keys.revoke(userKey);
  await retryOnConflict(async () => {
    const cluster = await store.get(clusterKind, name);
    if (cluster?.metadata.deletionTimestamp === undefined) return;
    const finalizers = cluster.metadata.finalizers.filter((each) => each !== LEDGER_FINALIZER);
    await store.update(clusterKind, { ...cluster, metadata: { ...cluster.metadata, finalizers } });
  });
}

/** Both, for whoever needs no answer in between. */
export async function removeMember(parts: MemberParts, name: string): Promise<void> {
  const userKey = (await parts.store.get(clusterKind, name))?.status.identity?.userKey;
  await beginRemoval(parts, name);
  await finishRemoval(parts, name, userKey);
}

/** Says no while the cluster is unknown, or linked and the caller did not insist. @throws MeshError `not-found`, `in-use` */
export function checkRemoval({ clusters, leaving, resolved }: HubLevel, name: string, force: boolean): void {
  if (![...clusters, ...leaving].some((cluster) => cluster.metadata.name === name)) {
    const known = clusters.map((cluster) => cluster.metadata.name).join(", ") || "none";
    throw new MeshError("not-found", `there is no cluster "${name}"; joined are: ${known}`, { retry: false });
  }
  const own = resolved.ties.get(name) ?? NONE;
  const others = [...resolved.ties].filter(([other]) => other !== name);
  const links = new Set(others.flatMap(([, ties]) => termsBetween(own, ties)?.link ?? []));
  if (links.size > 0 && !force) {
    const message = `cluster "${name}" is linked by ${[...links].join(", ")}; delete these links first, or insist with --force`;
    throw new MeshError("in-use", message, { retry: false });
  }
}
