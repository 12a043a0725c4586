import type { Refusal } from "./refusal.ts";
import type { Cluster, ClusterLink, ClusterSelection } from "./resources.ts";

/** What of a Cluster decides which links it has. */
export type LinkableCluster = { readonly metadata: Pick<Cluster["metadata"], "name" | "labels"> };
/** A ClusterLink that may not be stored yet. */
export type DraftLink = {
  readonly metadata: Pick<ClusterLink["metadata"], "name">;
  readonly spec: ClusterLink["spec"];
};

/** Two clusters, names in order. */
export interface Pair {
  readonly a: string;
  readonly b: string;
}

/** Where in a link a cluster stands: in a full mesh, or on one side or both of a hub-and-spoke. */
export type Side = "members" | "from" | "to" | "both";

/** True when a link makes a pair of two clusters that stand there. */
export function joins(one: Side | undefined, other: Side | undefined): boolean {
  if (one === undefined || other === undefined) return false;
  return one !== other || one === "members" || one === "both";
}

/** Where each cluster of a link stands. `members` is a full mesh, `from` and `to` is every one to every other. */
export function sidesOf(
  { spec }: DraftLink,
  clusters: ReadonlyMap<string, LinkableCluster>,
): ReadonlyMap<string, Side> {
  const sides = new Map<string, Side>();
  if (spec.members !== undefined) {
    for (const name of selected(spec.members, clusters)) sides.set(name, "members");
    return sides;
  }
  for (const name of selected(spec.from, clusters)) sides.set(name, "from");
  for (const name of selected(spec.to, clusters)) sides.set(name, sides.has(name) ? "both" : "to");
  return sides;
}

/** The unordered pairs a link makes of `clusters`, sorted. */
export function pairsOf(link: DraftLink, clusters: readonly LinkableCluster[]): Pair[] {
  return [...pairsAmong(sidesOf(link, byName(clusters)))];
}

/** The names in a link that none of `clusters` has, sorted. */
export function unknownClusters({ spec }: DraftLink, clusters: readonly LinkableCluster[]): string[] {
  const known = byName(clusters);
  return namesIn(spec).filter((name) => !known.has(name));
}

/** The names that a link names, sorted. */
export function namesIn(spec: ClusterLink["spec"]): string[] {
  return [...new Set([spec.members, spec.from, spec.to].flatMap((selection) => selection?.names ?? []))].toSorted();
}

/**
 * Why `link` may not come beside `existing` (`link-conflict`): another link has one of its pairs already. Named clusters
 * count before they have joined, for the conflict would only show later. An older state of the same link is no obstacle.
 */
export function linkConflict(
  link: DraftLink,
  existing: readonly DraftLink[],
  clusters: readonly LinkableCluster[],
): Refusal | undefined {
  const unknown = unknownClusters(link, clusters);
  const all = byName([...clusters, ...unknown.map((name) => ({ metadata: { name, labels: {} } }))]);
  const wanted = sidesOf(link, all);
  for (const other of existing.filter((each) => each.metadata.name !== link.metadata.name)) {
    const clash = pairsAmong(sidesOf(other, all)).find(({ a, b }) => joins(wanted.get(a), wanted.get(b)));
    if (clash !== undefined) {
      const { name } = other.metadata;
      return {
        code: "link-conflict",
        message: `link "${link.metadata.name}" would link "${clash.a}" and "${clash.b}", which link "${name}" does already; change or delete "${name}" first`,
      };
    }
  }
  return undefined;
}

/** One after another, sorted: of a thousand clusters there are half a million, and few want them all at once. */
export function* pairsAmong(sides: ReadonlyMap<string, Side>): Generator<Pair, undefined> {
  const names = [...sides.keys()].toSorted();
  for (const [at, a] of names.entries()) {
    const side = sides.get(a);
    for (let other = at + 1; other < names.length; other += 1) {
      const b = names[other];
      if (b !== undefined && joins(side, sides.get(b))) yield { a, b };
    }
  }
}

export function byName(clusters: readonly LinkableCluster[]): ReadonlyMap<string, LinkableCluster> {
  return new Map(clusters.map((cluster) => [cluster.metadata.name, cluster]));
}

function selected(
  selection: ClusterSelection | undefined,
  clusters: ReadonlyMap<string, LinkableCluster>,
): ReadonlySet<string> {
  const names = new Set(selection?.names?.filter((name) => clusters.has(name)));
  if (selection?.matchLabels === undefined) return names;
  const labels = Object.entries(selection.matchLabels);
  for (const [name, { metadata }] of clusters)
    if (labels.every(([key, value]) => metadata.labels[key] === value)) names.add(name);
  return names;
}
