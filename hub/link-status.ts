import { setImmediate as letOthersIn } from "node:timers/promises";
import { clusterLinkKind } from "../crds/cluster-link.ts";
import { quoted } from "../mesh/behind-nat.ts";
import { PairSurvey } from "../mesh/pair-state.ts";
import type { ClusterLink, ClusterLinkStatus, Condition, PairStatus } from "../mesh/resources.ts";
import { conflictOf, pairsRuledBy } from "../mesh/ties.ts";
import type { ResolvedLinks } from "../mesh/ties.ts";
import type { ResourceStore } from "../platform/store/port.ts";
import { amendStatusIfThere } from "./amend.ts";

/** No object grows with the number of pairs. */
const WORST = 50;
/** About a millisecond's worth: a thousand clusters have a million directed pairs, and a change of views must not wait for them. */
const PAIRS_AT_ONCE = 2_000;

export interface LinkFacts {
  readonly resolved: ResolvedLinks;
  readonly pair: (from: string, to: string) => PairStatus | undefined;
  /** Names of the clusters that have a gateway behind NAT. */
  readonly behindNAT: ReadonlySet<string>;
  /** RFC 3339. */
  readonly now: string;
}

/** Writes what was observed into each link's status; writing what is there is no write. */
export async function judgeLinks(store: ResourceStore, links: readonly ClusterLink[], facts: LinkFacts): Promise<void> {
  for (const link of links) {
    const survey = await surveyLink(link, facts);
    const { name } = link.metadata;
    await amendStatusIfThere(store, clusterLinkKind, name, (present) => linkStatus(present, survey, facts));
  }
}

/** Both directions of each of the link's pairs. */
export async function surveyLink(link: ClusterLink, facts: LinkFacts): Promise<PairSurvey> {
  const survey = new PairSurvey(WORST);
  let seen = 0;
  for (const pair of directedPairs(link, facts)) {
    survey.add(pair);
    seen += 1;
    if (seen % PAIRS_AT_ONCE === 0) await letOthersIn();
  }
  return survey;
}

/** Pure: the pairs counted, the worst of them, and whether the link is as it was asked. */
export function linkStatus(link: ClusterLink, { counts, worst }: PairSurvey, facts: LinkFacts): ClusterLinkStatus {
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

function ready(link: ClusterLink, facts: LinkFacts): Condition {
  const condition = { type: "Ready", ...verdict(link, facts) } as const;
  const last = link.status.conditions.find(({ type }) => type === "Ready");
  const unchanged = last !== undefined && last.status === condition.status && last.reason === condition.reason;
  return { ...condition, lastTransitionTime: unchanged ? last.lastTransitionTime : facts.now };
}

function verdict(
  { metadata, spec }: ClusterLink,
  { resolved, behindNAT }: LinkFacts,
): Pick<Condition, "status" | "reason" | "message"> {
  const known = resolved.links.get(metadata.name);
  if (known !== undefined && known.unknown.length > 0) {
    const message = `no cluster is named ${quoted(known.unknown)}; it is linked as soon as it joins`;
    return { status: "False", reason: "ClusterNotFound", message };
  }
  const conflict = known && conflictOf(resolved, known);
  if (conflict !== undefined) {
    const message = `"${conflict.a}" and "${conflict.b}" are linked by the older "${conflict.link}"; delete one of the two links`;
    return { status: "False", reason: "Conflict", message };
  }
  const hidden = [...(known?.sides.keys() ?? [])].filter((name) => behindNAT.has(name)).toSorted();
  if (spec.tunnel === "VXLAN" && hidden.length > 0) {
    const message = `VXLAN does not pass NAT, and gateways of ${quoted(hidden)} are behind one; change the link's tunnel to WireGuard`;
    return { status: "False", reason: "VXLANBehindNAT", message };
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
