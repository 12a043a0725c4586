import type { StatusAnswer } from "../crds/wire/hub-api.ts";
import type { Cluster } from "../mesh/resources.ts";
import { allPairs } from "../mesh/ties.ts";
import type { ResolvedLinks } from "../mesh/ties.ts";
import { unreported } from "./link-status.ts";
import type { ReportBook } from "./reports.ts";

export interface StatusFacts {
  readonly clusters: readonly Cluster[];
  readonly resolved: ResolvedLinks;
  readonly reports: ReportBook;
  /** Since when this hub is the active one, RFC 3339. */
  readonly activeSince: string;
  /** Wall clock. */
  readonly nowMs: number;
}

/** What the members said last, of every cluster and both directions of every pair. */
export function statusOf({ clusters, resolved, reports, activeSince, nowMs }: StatusFacts): StatusAnswer {
  return {
    hub: { connected: true, since: activeSince },
    clusters: clusters.map(({ metadata: { name }, status }) => {
      const seen = reports.lastSeenMs(name);
      return {
        name,
        number: status.number,
        podCIDRs: [...status.podCIDRs],
        desired: status.revision.desired,
        applied: reports.applied(name, nowMs) ?? status.revision.applied,
        lastSeen: seen === undefined ? status.lastSeen : new Date(seen).toISOString(),
      };
    }),
    pairs: allPairs(resolved).flatMap(({ a, b, tunnel }) =>
      (
        [
          [a, b],
          [b, a],
        ] as const
      ).map(([from, to]) => reports.pair(from, to, nowMs) ?? unreported(from, to, tunnel, activeSince)),
    ),
  };
}
