import { byAge } from "./age.ts";
import { byName, joins, namesIn, pairsAmong, sidesOf } from "./links.ts";
import type { LinkableCluster, Pair, Side } from "./links.ts";
import type { ClusterLink, TunnelKind } from "./resources.ts";

/** What a link says of each of its pairs: one object a link, so that its identity stands for it. */
export interface LinkTerms {
  readonly link: string;
  readonly tunnel: TunnelKind;
  readonly mtu?: number | undefined;
}

/**
 * The links that a cluster is in, the oldest first, and where it stands in each. Whether two clusters are linked follows
 * from their ties alone, so nobody keeps the half million pairs of a thousand clusters. Clusters that stand alike share
 * one object.
 */
export type Ties = ReadonlyMap<LinkTerms, Side>;

/** A link among the clusters there are. */
export interface ResolvedLink {
  readonly terms: LinkTerms;
  readonly sides: ReadonlyMap<string, Side>;
  /** Names in it that no cluster has, sorted. */
  readonly unknown: readonly string[];
}

export interface ResolvedLinks {
  /** By name, the oldest first (then the first by name). */
  readonly links: ReadonlyMap<string, ResolvedLink>;
  /** By name of cluster; each has an entry. */
  readonly ties: ReadonlyMap<string, Ties>;
}

/** A pair and the one link that rules it. */
export type RuledPair = Pair & LinkTerms;

/** By which terms two different clusters are linked: of two links over one pair the older rules. */
export function termsBetween(one: Ties, other: Ties): LinkTerms | undefined {
  const [few, many] = one.size <= other.size ? [one, other] : [other, one];
  for (const [terms, side] of few) if (joins(side, many.get(terms))) return terms;
  return undefined;
}

/**
 * Which cluster stands where in which link. `former` changes nothing of that: what says the same as there is the same
 * object, so that whoever compares with then sees at once what changed.
 */
export function resolveLinks(
  links: readonly ClusterLink[],
  clusters: readonly LinkableCluster[],
  former?: ResolvedLinks,
): ResolvedLinks {
  const present = byName(clusters);
  const resolved = new Map<string, ResolvedLink>();
  const ties = new Map([...present.keys()].map((name) => [name, new Map<LinkTerms, Side>()]));
  for (const { metadata, spec } of links.toSorted(byAge)) {
    const { name } = metadata;
    const terms = sameTerms(former?.links.get(name)?.terms, { link: name, tunnel: spec.tunnel, mtu: spec.mtu });
    const sides = sidesOf({ metadata, spec }, present);
    for (const [cluster, side] of sides) ties.get(cluster)?.set(terms, side);
    resolved.set(name, { terms, sides, unknown: namesIn(spec).filter((each) => !present.has(each)) });
  }
  return { links: resolved, ties: shared(ties, former) };
}

/** The pairs that a link rules, sorted. */
export function* pairsRuledBy({ ties }: ResolvedLinks, { terms, sides }: ResolvedLink): Generator<Pair, undefined> {
  for (const pair of pairsAmong(sides))
    if (termsBetween(ties.get(pair.a) ?? NONE, ties.get(pair.b) ?? NONE) === terms) yield pair;
}

/** Every linked pair, sorted. */
export function allPairs(resolved: ResolvedLinks): RuledPair[] {
  const ofEach = [...resolved.links.values()].map((link) =>
    [...pairsRuledBy(resolved, link)].map((pair) => ({ ...pair, ...link.terms })),
  );
  return ofEach.flat().toSorted(comparePairs);
}

/** The first pair that a link asks for and an older one rules. Clusters that stand alike are looked at once. */
export function conflictOf({ ties }: ResolvedLinks, { terms, sides }: ResolvedLink): RuledPair | undefined {
  const alike = Map.groupBy([...sides.keys()].toSorted(), (name) => ties.get(name) ?? NONE);
  const firsts = [...alike.values()].flatMap((names) => names.slice(0, 2));
  const conflicts = [...pairsAmong(new Map(firsts.map((name) => [name, sides.get(name) ?? "both"])))].flatMap(
    (pair) => {
      const ruling = termsBetween(ties.get(pair.a) ?? NONE, ties.get(pair.b) ?? NONE);
      return ruling === undefined || ruling === terms ? [] : [{ ...pair, ...ruling }];
    },
  );
  return conflicts[0];
}

/** Of a cluster that is in no link. */
export const NONE: Ties = new Map();

function sameTerms(former: LinkTerms | undefined, { link, tunnel, mtu }: LinkTerms): LinkTerms {
  if (former?.tunnel === tunnel && former.mtu === mtu) return former;
  return { link, tunnel, ...(mtu === undefined ? {} : { mtu }) };
}

/** One object for all that say the same, that of before where there is one. */
function shared(ties: ReadonlyMap<string, Ties>, former: ResolvedLinks | undefined): ReadonlyMap<string, Ties> {
  const known = new Map([...new Set(former?.ties.values())].map((each) => [keyOf(each), each]));
  return new Map(
    [...ties].map(([cluster, each]) => {
      const key = keyOf(each);
      if (!known.has(key)) known.set(key, each);
      return [cluster, known.get(key) ?? each];
    }),
  );
}

/** A space is in no name. */
function keyOf(ties: Ties): string {
  return [...ties].map(([{ link, tunnel, mtu }, side]) => `${link} ${tunnel} ${mtu} ${side}`).join();
}

function comparePairs(x: Pair, y: Pair): number {
  return compareText(x.a, y.a) || compareText(x.b, y.b);
}

function compareText(x: string, y: string): number {
  return x < y ? -1 : x > y ? 1 : 0;
}
