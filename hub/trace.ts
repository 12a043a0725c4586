import type { TraceAnswer, TraceRequest } from "../crds/wire/hub-api.ts";
import { parseAddress } from "../mesh/cidr.ts";
import { ownerOf } from "../mesh/ledger.ts";
import { NONE, termsBetween } from "../mesh/ties.ts";
import { trace } from "../mesh/trace.ts";
import type { TraceEnd } from "../mesh/trace.ts";
import type { HubLevel } from "./level.ts";
import type { ReportBook } from "./reports.ts";

/** What the hub knows when it is asked for a trace. */
export interface TraceKnowledge {
  readonly level: HubLevel;
  readonly reports: ReportBook;
  /** Wall clock. */
  readonly nowMs: number;
}

/** Follows a packet between two ends, each a pod's address or a cluster's name. */
export function traceBetween({ from, to }: TraceRequest, { level, reports, nowMs }: TraceKnowledge): TraceAnswer {
  const clusters = new Map(level.clusters.map((cluster) => [cluster.metadata.name, cluster]));
  const end = (asked: string): TraceEnd => {
    if (clusters.has(asked)) return { asked, cluster: asked };
    const row = isAddress(asked) ? ownerOf(level.ledger, asked) : undefined;
    return { asked, cluster: row?.cluster, prefix: row?.prefix };
  };
  const ends = [end(from), end(to)] as const;
  const [one, other] = ends.map(({ cluster = "" }) => level.resolved.ties.get(cluster) ?? NONE);
  const { reachable, hops } = trace({
    from: ends[0],
    to: ends[1],
    link: termsBetween(one ?? NONE, other ?? NONE)?.link,
    status: (name) => clusters.get(name)?.status,
    pair: (one, other) => reports.pair(one, other, nowMs),
  });
  return { reachable, hops: [...hops] };
}

function isAddress(text: string): boolean {
  try {
    parseAddress(text);
    return true;
  } catch {
    return false;
  }
}
