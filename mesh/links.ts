import type { Cluster, ClusterLink, ClusterSelection, TunnelKind } from "./resources.ts";
import type { Refusal } from "./refusal.ts";

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

/** A pair and the one link that rules it. */
export interface LinkedPair extends Pair {
  readonly link: string;
  readonly tunnel: TunnelKind;
  readonly mtu?: number | undefined;
}

/** Why a link is not wholly in force. */
export interface LinkProblems {
  /** Names in it that no cluster has, sorted. */
  readonly unknown: readonly string[];
  /** Its pairs that an older link rules. */
  readonly conflicts: readonly (Pair & { readonly heldBy: string })[];
}

export interface ResolvedLinks {
  /** Sorted by `a`, then `b`. */
  readonly pairs: readonly LinkedPair[];
  /** By name of link; every link has an entry. */
  readonly problems: ReadonlyMap<string, LinkProblems>;
}

/**
 * The unordered pairs a link makes of `clusters`, sorted. `members` is a full mesh, `from` and `to` is every one to
 * every other.
 */
export function pairsOf({ spec }: DraftLink, clusters: readonly LinkableCluster[]): Pair[] {
  if (spec.members !== undefined) {
    // Names come sorted, so half a million pairs need no sorting.
    const members = selected(spec.members, clusters);
    return members.flatMap((a, at) => members.slice(at + 1).map((b) => ({ a, b })));
  }
  const tos = selected(spec.to, clusters);
  const spokes = new Map<string, Pair>();
  for (const from of selected(spec.from, clusters)) {
    for (const pair of tos.filter((to) => to !== from).map((to) => pairFrom(from, to))) {
      spokes.set(keyOf(pair), pair);
    }
  }
  return [...spokes.values()].toSorted(comparePairs);
}

/** Which link rules which pair: of two over one pair the older does (then the first by name). */
export function resolveLinks(links: readonly ClusterLink[], clusters: readonly LinkableCluster[]): ResolvedLinks {
  const ruled = new Map<string, LinkedPair>();
  const problems = new Map<string, LinkProblems>();
  for (const link of links.toSorted(byAge)) {
    const conflicts: (Pair & { readonly heldBy: string })[] = [];
    const { tunnel, mtu } = link.spec;
    for (const pair of pairsOf(link, clusters)) {
      const holder = ruled.get(keyOf(pair));
      if (holder === undefined) {
        ruled.set(keyOf(pair), { ...pair, link: link.metadata.name, tunnel, ...(mtu === undefined ? {} : { mtu }) });
      } else {
        conflicts.push({ ...pair, heldBy: holder.link });
      }
    }
    problems.set(link.metadata.name, { unknown: unknownClusters(link, clusters), conflicts });
  }
  return { pairs: [...ruled.values()].toSorted(comparePairs), problems };
}

/**
 * The pairs of each cluster, for those who ask cluster by cluster: in a large mesh a scan of all pairs for each is
 * slow.
 */
export function pairsByCluster(pairs: readonly LinkedPair[]): ReadonlyMap<string, readonly LinkedPair[]> {
  const of = new Map<string, LinkedPair[]>();
  for (const pair of pairs) {
    for (const name of [pair.a, pair.b]) {
      const known = of.get(name);
      if (known === undefined) {
        of.set(name, [pair]);
      } else {
        known.push(pair);
      }
    }
  }
  return of;
}

/** The names in a link that none of `clusters` has, sorted. */
export function unknownClusters(link: DraftLink, clusters: readonly LinkableCluster[]): string[] {
  const known = new Set(clusters.map((cluster) => cluster.metadata.name));
  return namesIn(link)
    .filter((name) => !known.has(name))
    .toSorted();
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
  const all = [...clusters, ...unknown.map((name) => ({ metadata: { name, labels: {} } }))];
  const wanted = new Set(pairsOf(link, all).map(keyOf));
  for (const other of existing.filter((each) => each.metadata.name !== link.metadata.name)) {
    const clash = pairsOf(other, all).find((pair) => wanted.has(keyOf(pair)));
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

/** Names, sorted. */
function selected(selection: ClusterSelection | undefined, clusters: readonly LinkableCluster[]): string[] {
  if (selection === undefined) {
    return [];
  }
  const names = new Set(selection.names);
  const labels = selection.matchLabels && Object.entries(selection.matchLabels);
  return clusters
    .map((cluster) => cluster.metadata)
    .filter((each) => names.has(each.name) || labels?.every(([key, value]) => each.labels[key] === value))
    .map((each) => each.name)
    .toSorted();
}

function namesIn({ spec }: DraftLink): string[] {
  return [...new Set([spec.members, spec.from, spec.to].flatMap((selection) => selection?.names ?? []))];
}

function byAge(x: ClusterLink, y: ClusterLink): number {
  const age = Date.parse(x.metadata.creationTimestamp) - Date.parse(y.metadata.creationTimestamp);
  return age || compareText(x.metadata.name, y.metadata.name);
}

function pairFrom(one: string, other: string): Pair {
  return one < other ? { a: one, b: other } : { a: other, b: one };
}

/** A space is in no name. */
function keyOf({ a, b }: Pair): string {
  return `${a} ${b}`;
}

function comparePairs(x: Pair, y: Pair): number {
  return compareText(x.a, y.a) || compareText(x.b, y.b);
}

function compareText(x: string, y: string): number {
  return x < y ? -1 : x > y ? 1 : 0;
}
