import { clusterLinkKind } from "../crds/cluster-link.ts";
import { compareByBadness, countPairs } from "../mesh/pair-state.ts";
import type { LinkProblems, ResolvedLinks } from "../mesh/links.ts";
import type { ClusterLink, ClusterLinkStatus, Condition, PairStatus } from "../mesh/resources.ts";
import type { ResourceStore } from "../platform/store/port.ts";
import { amendStatusIfThere } from "./amend.ts";

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
  for (const { metadata } of links) {
    await amendStatusIfThere(store, clusterLinkKind, metadata.name, (link) => linkStatus(link, facts));
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
  return {
    pairs: countPairs(directed),
    worst: directed
      .filter(({ state }) => state !== "Up")
      .toSorted(compareByBadness)
      .slice(0, WORST),
    conditions: [ready(resolved.problems.get(link.metadata.name), link.status.conditions, now)],
  };
}

function ready(problems: LinkProblems | undefined, before: readonly Condition[], now: string): Condition {
  const condition = { type: "Ready", ...verdict(problems) } as const;
  const last = before.find(({ type }) => type === "Ready");
  const unchanged = last !== undefined && last.status === condition.status && last.reason === condition.reason;
  return { ...condition, lastTransitionTime: unchanged ? last.lastTransitionTime : now };
}

function verdict(problems: LinkProblems | undefined): Pick<Condition, "status" | "reason" | "message"> {
  const [unknown] = problems?.unknown ?? [];
  if (unknown !== undefined) {
    const message = `no cluster is named ${problems?.unknown.map((name) => `"${name}"`).join(", ")}; it is linked as soon as it joins`;
    return { status: "False", reason: "ClusterNotFound", message };
  }
  const [conflict] = problems?.conflicts ?? [];
  if (conflict !== undefined) {
    const message = `"${conflict.a}" and "${conflict.b}" are linked by the older "${conflict.heldBy}"; delete one of the two links`;
    return { status: "False", reason: "Conflict", message };
  }
  return { status: "True", reason: "Resolved", message: "every cluster it names has joined" };
}

/** A pair that no gateway has spoken of yet. */
export function unreported(from: string, to: string, tunnel: PairStatus["tunnel"], since: string): PairStatus {
  return {
    from,
    to,
    tunnel,
    state: "Pending",
    reason: "NotReported",
    message: `no gateway of "${from}" has reported on "${to}" yet`,
    since,
  };
}
