import { byName, sidesOf } from "./links.ts";
import type { DraftLink } from "./links.ts";
import type { Refusal } from "./refusal.ts";
import type { Cluster } from "./resources.ts";

/**
 * VXLAN says where a packet goes by its outer addresses alone, so it passes no NAT: a cluster with a gateway behind one
 * is linked by WireGuard.
 */

/** Names of the clusters that have a gateway behind NAT. */
export function clustersBehindNAT(clusters: readonly Cluster[]): ReadonlySet<string> {
  const hidden = clusters.filter(({ status }) => status.gateways.some(({ behindNAT }) => behindNAT));
  return new Set(hidden.map(({ metadata }) => metadata.name));
}

/** Why a link may not be by VXLAN among the clusters there are (`vxlan-behind-nat`), naming those it can't reach. */
export function vxlanRefusal(link: DraftLink, clusters: readonly Cluster[]): Refusal | undefined {
  if (link.spec.tunnel !== "VXLAN") return undefined;
  const hidden = clustersBehindNAT(clusters);
  const names = [...sidesOf(link, byName(clusters)).keys()].filter((name) => hidden.has(name)).toSorted();
  if (names.length === 0) return undefined;
  return {
    code: "vxlan-behind-nat",
    message: `VXLAN does not pass NAT, and gateways of ${quoted(names)} are behind one; link them by WireGuard, or restart those gateways' agents without --behind-nat once they have addresses of their own`,
  };
}

/** `"east", "west"` */
export function quoted(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(", ");
}
