import type { Family } from "../mesh/resources.ts";
import type { Nexthop, Route, VxlanPeer, WireGuardPeer } from "../tunnel/state.ts";

/**
 * What a node holds for one linked cluster. It follows from that cluster and from where the node stands, never from
 * other linked clusters: a change of one among a thousand leaves the plans of the others as they are.
 */
export interface RemotePlan {
  /** By the rank whose interface they are on. */
  readonly wireGuard: readonly { readonly rank: number; readonly peer: WireGuardPeer }[];
  /** By the family of their endpoints. */
  readonly vxlan: readonly { readonly outer: Family; readonly peer: VxlanPeer }[];
  /** Those of WireGuard interfaces come with every cluster that uses them. */
  readonly nexthops: readonly Nexthop[];
  readonly routes: readonly Route[];
}

/** One address a family; absent: none of that family. */
export type AddressByFamily = Readonly<Partial<Record<Family, string>>>;
