import { clusterLinkKind } from "../crds/cluster-link.ts";
import { compareByBadness, countPairs } from "../mesh/pair-state.ts";
import type { LinkProblem, ResolvedLinks } from "../mesh/links.ts";
import type { ClusterLink, ClusterLinkStatus, Condition, PairStatus } from "../mesh/resources.ts";
import type { ResourceStore } from "../platform/store/port.ts";

/** No object grows with the number of pairs. */
const WORST = 50;

export interface LinkFacts {
  readonly resolved: ResolvedLinks;
  readonly pair: (from: string, to: string) => PairStatus | undefined;
  /** RFC 3339. */
  readonly now: string;
}

/** Writes what was observed into each link's status; writing what is there is no write. */
export async function judgeLinks(store: ResourceStore, links: readonly ClusterLink[], facts: LinkFacts): Promise<void> {
  for (const link of links) {
    await store.updateStatus(clusterLinkKind, { ...link, status: linkStatus(link, facts) });
  }
}

/** Pure: both directions of each of the link's pairs counted, the worst of them, and whether the link is as it was asked. */
export function linkStatus(link: ClusterLink, { resolved, pair, now }: LinkFacts): ClusterLinkStatus {
  const directed = resolved.pairs
    .filter(({ link: name }) => name === link.metadata.name)
    .flatMap(({ a, b, tunnel }) => [
      pair(a, b) ?? unreported(a, b, tunnel, link.metadata.creationTimestamp),
      pair(b, a) ?? unreported(b, a, tunnel, link.metadata.creationTimestamp),
    ]);
  const problems = resolved.problems.filter(({ link: name }) => name === link.metadata.name);
  return {
    pairs: countPairs(directed),
    worst: directed.filter(({ state }) => state !== "Up").toSorted(compareByBadness).slice(0, WORST),
    conditions: [ready(problems, link.status.conditions, now)],
  };
}

function ready(problems: readonly LinkProblem[], before: readonly Condition[], now: string): Condition {
  const [first] = problems;
  const condition = {
    type: "Ready",
    status: first === undefined ? "True" : "False",
    reason: first?.reason ?? "Resolved",
    message: problems.map(({ message }) => message).join("; "),
  } as const;
  const last = before.find(({ type }) => type === "Ready");
  const unchanged = last !== undefined && last.status === condition.status && last.reason === condition.reason;
  return { ...condition, lastTransitionTime: unchanged ? last.lastTransitionTime : now };
}

/** A pair that no gateway has spoken of yet. */
export function unreported(from: string, to: string, tunnel: PairStatus["tunnel"], since: string): PairStatus {
  return { from, to, tunnel, state: "Pending", reason: "NotReported", message: `no gateway of "${from}" has reported on "${to}" yet`, since };
}
