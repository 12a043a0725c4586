import { clusterKind } from "../crds/cluster.ts";
import { releaseCluster } from "../mesh/ledger.ts";
import { MeshError } from "../platform/errors.ts";
import type { ResourceStore } from "../platform/store/port.ts";
import { changeLedger } from "./ledger.ts";
import type { HubLevel } from "./level.ts";

export interface MemberParts {
  readonly store: ResourceStore;
  /** Takes the member's mailbox, reports and counters away. */
  readonly forget: (member: string) => Promise<void>;
}

/**
 * Takes a cluster out of the mesh: first its Cluster, by which its peers hear of it and its words count no more, then its
 * rows of the ledger, by which its prefixes are free again. Cut short, it can be said again.
 * @returns the user key whose credential is to be revoked now
 */
export async function releaseMember({ store, forget }: MemberParts, name: string): Promise<string | undefined> {
  const cluster = await store.get(clusterKind, name);
  if (cluster !== undefined) await store.delete(clusterKind, name);
  await changeLedger(store, (ledger) => ({ value: { ledger: releaseCluster(ledger, name) } }));
  await forget(name);
  return cluster?.status.identity?.userKey;
}

/** Says no while the cluster is unknown, or linked and the caller did not insist. @throws MeshError `not-found`, `in-use` */
export function checkRemoval({ clusters, resolved }: HubLevel, name: string, force: boolean): void {
  if (!clusters.some((cluster) => cluster.metadata.name === name)) {
    const known = clusters.map((cluster) => cluster.metadata.name).join(", ") || "none";
    throw new MeshError("not-found", `there is no cluster "${name}"; joined are: ${known}`, { retry: false });
  }
  const links = new Set(resolved.pairs.filter(({ a, b }) => a === name || b === name).map(({ link }) => link));
  if (links.size > 0 && !force) {
    const message = `cluster "${name}" is linked by ${[...links].join(", ")}; delete these links first, or insist with --force`;
    throw new MeshError("in-use", message, { retry: false });
  }
}
