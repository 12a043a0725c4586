import { clusterLinkKind } from "../crds/cluster-link.ts";
import { surveyPairs } from "../mesh/pair-state.ts";
import type { ClusterLink, ClusterLinkStatus, Condition, PairStatus } from "../mesh/resources.ts";
import { conflictOf, pairsRuledBy } from "../mesh/ties.ts";
import type { ResolvedLinks } from "../mesh/ties.ts";
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
export function linkStatus(link: ClusterLink, facts: LinkFacts): ClusterLinkStatus {
  const { counts, worst } = surveyPairs(directedPairs(link, facts), WORST);
  return { pairs: counts, worst, conditions: [ready(link, facts)] };
}

function* directedPairs({ metadata, spec }: ClusterLink, { resolved, pair }: LinkFacts): Generator<PairStatus> {
  const known = resolved.links.get(metadata.name);
  if (known === undefined) return;
  for (const { a, b } of pairsRuledBy(resolved, known)) {
    yield pair(a, b) ?? unreported(a, b, spec.tunnel, metadata.creationTimestamp);
    yield pair(b, a) ?? unreported(b, a, spec.tunnel, metadata.creationTimestamp);
  }
}

function ready({ metadata, status }: ClusterLink, { resolved, now }: LinkFacts): Condition {
  const condition = { type: "Ready", ...verdict(resolved, metadata.name) } as const;
  const last = status.conditions.find(({ type }) => type === "Ready");
  const unchanged = last !== undefined && last.status === condition.status && last.reason === condition.reason;
  return { ...condition, lastTransitionTime: unchanged ? last.lastTransitionTime : now };
}

function verdict(resolved: ResolvedLinks, name: string): Pick<Condition, "status" | "reason" | "message"> {
  const known = resolved.links.get(name);
  if (known !== undefined && known.unknown.length > 0) {
    const message = `no cluster is named ${known.unknown.map((each) => `"${each}"`).join(", ")}; it is linked as soon as it joins`;
    return { status: "False", reason: "ClusterNotFound", message };
  }
  const conflict = known && conflictOf(resolved, known);
  if (conflict !== undefined) {
    const message = `"${conflict.a}" and "${conflict.b}" are linked by the older "${conflict.link}"; delete one of the two links`;
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
