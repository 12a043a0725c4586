import type { PairState, TunnelKind } from "../../mesh/resources.ts";
import type { ViewFault } from "../../mesh/view-faults.ts";
import type { Refused } from "../refusals.ts";
import type { Remote } from "../situation.ts";
import { unprovenGateways } from "./kinds.ts";
import { pathState, SILENCE_MS } from "./path-state.ts";
import type { PathState, TunnelFacts } from "./path-state.ts";

export interface PairJudgement {
  readonly state: PairState;
  readonly reason: string;
  readonly message: string;
}

/** What of a linked cluster is not applied here: it would cut this node off, or nothing could be made of it. */
export type LeftOut = Pick<Refused | ViewFault, "cluster" | "kind" | "message">;

const REASONS = {
  prefix: "PrefixRefused",
  endpoint: "EndpointRefused",
  gateway: "GatewayRefused",
  cluster: "ClusterRefused",
} as const satisfies Readonly<Record<LeftOut["kind"], string>>;

/**
 * What this gateway can say of its paths to one remote cluster, by the kind of tunnel that packets leave by.
 * @param refused what of that cluster this node does not apply
 */
export function judgePair(
  remote: Remote,
  refused: readonly Omit<LeftOut, "cluster">[],
  facts: TunnelFacts,
): PairJudgement {
  const judged = judgePaths(remote, facts);
  const passes = judged.state === "Up" || judged.state === "Degraded";
  const told = passes ? refused : refused.filter(({ kind }) => mayBeWhy(kind, judged));
  const [first, ...more] = told;
  if (first !== undefined) {
    const message =
      more.length === 0 ? first.message : `${first.message}; and ${more.length} more, see the agent's log`;
    return { state: passes ? "Degraded" : judged.state, reason: REASONS[first.kind], message };
  }
  if (passes && remote.sends !== remote.tunnel)
    return { ...judged, reason: "KindChanging", message: whyChanging(remote, facts) };
  return judged;
}

/** A gateway that is not dialled may be why nothing was heard; a prefix that is not routed never is. */
function mayBeWhy(kind: LeftOut["kind"], { state, reason }: PairJudgement): boolean {
  if (reason === "NoGateways") return kind === "gateway";
  return state !== "Unreachable" && (kind === "endpoint" || kind === "gateway");
}

function judgePaths(remote: Remote, facts: TunnelFacts): PairJudgement {
  const { name, sends, gateways } = remote;
  if (gateways.length === 0) {
    return {
      state: "Unreachable",
      reason: "NoGateways",
      message: `cluster "${name}" has no gateway; is an agent with the gateway role running there?`,
    };
  }
  const paths = gateways.map((gateway) => pathState(remote, gateway, sends, facts));
  const total = paths.length;
  const count = (state: PathState): number => paths.filter((path) => path === state).length;
  const seconds = SILENCE_MS[sends] / 1000;
  if (count("heard") === total)
    return { state: "Up", reason: "Heard", message: `tunnels heard within ${seconds} s: ${total} of ${total}` };
  if (count("heard") > 0) {
    const reason = count("heard") + count("behindNAT") === total ? "BehindNAT" : "SomeSilent";
    return { state: "Degraded", reason, message: `tunnels silent: ${total - count("heard")} of ${total}` };
  }
  if (count("behindNAT") === total) return behindNAT(name, facts);
  if (count("undialable") === total) return bothBehindNAT(name);
  if (count("gone") === total) {
    return {
      state: "Unreachable",
      reason: "TunnelGone",
      message: `no ${sends} tunnel device leads to cluster "${name}"; the agent is making it anew`,
    };
  }
  if (count("silent") === 0) return notYet(remote);
  return {
    state: "Doubtful",
    reason: "Silent",
    message: `nothing heard from cluster "${name}" for ${seconds} s; is its gateway up, and the path to it?`,
  };
}

function behindNAT(name: string, facts: TunnelFacts): PairJudgement {
  const whose = facts.behindNAT ? "this gateway is" : `the gateways of cluster "${name}" are`;
  const message = `VXLAN does not pass NAT, and ${whose} behind one; change the link's tunnel to WireGuard`;
  return { state: "Unreachable", reason: "BehindNAT", message };
}

function bothBehindNAT(name: string): PairJudgement {
  const message = `neither this gateway nor one of cluster "${name}" can be dialled; forward WireGuard's UDP ports to one of them and start its agent with --endpoint`;
  return { state: "Unreachable", reason: "BothBehindNAT", message };
}

/** Nothing was heard so far, by no tunnel. */
function notYet({ name, sends, gateways }: Remote): PairJudgement {
  const named = gateways.every(({ endpoint, behindNAT: isBehindNAT }) => endpoint === undefined && !isBehindNAT);
  if (named) {
    const message = `no gateway of cluster "${name}" has an address that can be dialled from here: its names do not resolve, or are of a family that this gateway does not have`;
    return { state: "Pending", reason: "NoEndpoint", message };
  }
  if (sends === "WireGuard") {
    const message = `no handshake with cluster "${name}" yet; are its WireGuard UDP ports open to here?`;
    return { state: "Pending", reason: "NoHandshake", message };
  }
  const message = `no answer from cluster "${name}" yet; ${portsQuestion("VXLAN")}`;
  return { state: "Pending", reason: "NoAnswer", message };
}

function whyChanging(remote: Remote, facts: TunnelFacts): string {
  const { tunnel, sends, gateways } = remote;
  const unproven = new Set(unprovenGateways(remote, { sends }, facts));
  const names = gateways.filter(({ rank }) => unproven.has(rank)).map((gateway) => gateway.name);
  const whom = names.length === 0 ? "" : ` to ${names.length > 1 ? "gateways" : "gateway"} ${names.join(", ")}`;
  return `still by ${sends}: ${tunnel} is not proven${whom} yet; ${portsQuestion(tunnel)}`;
}

function portsQuestion(tunnel: TunnelKind): string {
  return tunnel === "WireGuard"
    ? "are the WireGuard UDP ports open between the gateways?"
    : "is VXLAN's UDP port 7076 open between the gateways, and no NAT between them?";
}
