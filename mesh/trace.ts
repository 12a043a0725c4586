import type { ClusterStatus, PairStatus } from "./resources.ts";
import { compareRevisions, formatRevision } from "./revision.ts";

/** One thing that must hold for a packet to pass, in the order in which the packet meets them. */
export interface TraceHop {
  readonly check: string;
  readonly ok: boolean;
  readonly detail: string;
  /** What to do about it, when it does not hold. */
  readonly remedy?: string | undefined;
}

export interface TraceReport {
  readonly reachable: boolean;
  readonly hops: readonly TraceHop[];
}

/** One end of a trace: what was asked for, and whose it is. */
export interface TraceEnd {
  readonly asked: string;
  readonly cluster?: string | undefined;
  /** The ledger's prefix that holds the address; absent when a cluster was named. */
  readonly prefix?: string | undefined;
}

/** What the hub knows about the way between two ends. */
export interface TraceFacts {
  readonly from: TraceEnd;
  readonly to: TraceEnd;
  /** Name of the ClusterLink that joins the two clusters. */
  readonly link: string | undefined;
  readonly status: (cluster: string) => ClusterStatus | undefined;
  /** Latest word of `from`'s gateways about their tunnels to `to`. */
  readonly pair: (from: string, to: string) => PairStatus | undefined;
}

/** Walks from one end to the other and stops at the first thing that stops the packet. */
export function trace(facts: TraceFacts): TraceReport {
  const hops: TraceHop[] = [];
  for (const hop of walk(facts)) {
    hops.push(hop);
    if (!hop.ok) return { reachable: false, hops };
  }
  return { reachable: true, hops };
}

function* walk(facts: TraceFacts): Generator<TraceHop> {
  yield owner("source", facts.from);
  yield owner("destination", facts.to);
  const from = facts.from.cluster ?? "";
  const to = facts.to.cluster ?? "";
  if (from === to) {
    yield {
      check: "path",
      ok: true,
      detail: `both are in cluster "${from}": its own node routes carry the packet, no tunnel`,
    };
    return;
  }
  yield linked(facts.link, from, to);
  yield applied("source view", from, facts.status(from));
  yield tunnel("tunnel out", from, to, facts.pair(from, to));
  yield applied("far-side view", to, facts.status(to));
  yield tunnel("tunnel back", to, from, facts.pair(to, from));
}

function owner(side: string, end: TraceEnd): TraceHop {
  if (end.cluster === undefined) {
    return {
      check: side,
      ok: false,
      detail: `no cluster of this mesh owns ${end.asked}`,
      remedy: "compare with `trestle cluster list`: is it a pod's address, and did its cluster join?",
    };
  }
  const detail =
    end.prefix === undefined
      ? `cluster "${end.cluster}"`
      : `${end.asked} is in ${end.prefix} of cluster "${end.cluster}"`;
  return { check: side, ok: true, detail };
}

function linked(link: string | undefined, from: string, to: string): TraceHop {
  if (link !== undefined)
    return { check: "link", ok: true, detail: `ClusterLink "${link}" joins "${from}" and "${to}"` };
  return {
    check: "link",
    ok: false,
    detail: `no ClusterLink joins "${from}" and "${to}"`,
    remedy: `trestle link create NAME --members ${from},${to}`,
  };
}

function applied(check: string, cluster: string, status: ClusterStatus | undefined): TraceHop {
  const desired = status?.revision.desired;
  const present = status?.revision.applied;
  if (desired === undefined || present === undefined) {
    return {
      check,
      ok: false,
      detail: `cluster "${cluster}" has not applied any view yet`,
      remedy: `start an agent with the gateway role in "${cluster}" and read its log`,
    };
  }
  if (compareRevisions(present, desired) < 0) {
    return {
      check,
      ok: false,
      detail: `cluster "${cluster}" has applied revision ${formatRevision(present)}, the hub published ${formatRevision(desired)}`,
      remedy: `read the agent's log in "${cluster}": it refuses the view, or is cut off from NATS`,
    };
  }
  return { check, ok: true, detail: `cluster "${cluster}" has applied revision ${formatRevision(present)}` };
}

function tunnel(check: string, from: string, to: string, pair: PairStatus | undefined): TraceHop {
  if (pair === undefined) {
    return {
      check,
      ok: false,
      detail: `no gateway of "${from}" has reported on its tunnels to "${to}"`,
      remedy: `read the gateway agent's log in "${from}"`,
    };
  }
  const { reason, message } = pair;
  // A member that has many pairs to tell of has words for the worst alone.
  const why = message === "" ? reason : `${reason}: ${message}`;
  const detail = `${pair.tunnel} from "${from}" to "${to}": ${pair.state} (${why})`;
  if (pair.state === "Up" || pair.state === "Degraded") return { check, ok: true, detail };
  return {
    check,
    ok: false,
    detail,
    remedy: `check that the gateways of "${from}" and "${to}" reach each other's ${pair.tunnel} UDP ports`,
  };
}
