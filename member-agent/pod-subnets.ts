import { subnetsInForce } from "../mesh/ipam/in-force.ts";
import { podRanges } from "../mesh/ipam/ranges.ts";
import type { NetworkType } from "../mesh/ipam/resources.ts";
import type { MemberLevel } from "./member/level.ts";

/** A Subnet, as a node's data path sees it. */
export interface PodSubnet {
  readonly type: NetworkType;
  /** CIDRs of the addresses that its pods may have. */
  readonly ranges: readonly string[];
  /** What its pods send to no linked cluster leaves with their node's address. */
  readonly masquerade: boolean;
}

/**
 * The Subnets of a member, but for those of a Network that is not there and those that came past admission and are out of
 * force: one of them must not keep the others from the kernel, nor lead their packets astray. The LAN knows the addresses
 * of an underlay.
 */
export function podSubnetsOf({ networks, subnets }: Pick<MemberLevel, "networks" | "subnets">): PodSubnet[] {
  const types = new Map(networks.map(({ metadata, spec }) => [metadata.name, spec.type]));
  return subnetsInForce(subnets).flatMap(({ spec }) => {
    const type = types.get(spec.network);
    if (type === undefined) return [];
    return [{ type, ranges: podRanges(spec), masquerade: spec.masquerade ?? type === "Overlay" }];
  });
}

/**
 * True while there is an underlay Network, whichever nodes it selects: pods that a node had before it was selected no
 * more still run there, and it answers on its LAN for them.
 */
export function hasUnderlay({ networks }: Pick<MemberLevel, "networks">): boolean {
  return networks.some(({ spec }) => spec.type === "Underlay");
}
