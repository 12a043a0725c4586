import type { GatewayRecord, IPBlockSpec, TunnelKind } from "../mesh/resources.ts";
import type { SelfRecord, View } from "../mesh/view-records.ts";

/**
 * All that decides what a node's kernel must hold, as plain data: gathered from the member's store, the mailbox and the
 * machine, turned into a DataPath by the pure planners in `node/` and `gateway/`.
 */
export interface Situation {
  readonly node: string;
  readonly lan: Lan;
  readonly self: SelfRecord;
  /** Every node of this cluster, this one included. */
  readonly nodes: readonly ClusterNode[];
  readonly blocks: readonly IPBlockSpec[];
  /** This cluster's gateways. */
  readonly gateways: readonly LocalGateway[];
  readonly remotes: readonly Remote[];
  /** Present on a gateway node. */
  readonly gateway?: OwnGateway | undefined;
  /** Prefixes that were a remote cluster's and are nobody's now: they stay unreachable until the member leaves. */
  readonly withdrawn: readonly string[];
}

/** The interface that leads to the other nodes. */
export interface Lan {
  readonly device: string;
  /** With prefix length. */
  readonly addresses: readonly string[];
  /** Bytes. */
  readonly mtu: number;
}

export interface ClusterNode {
  readonly name: string;
  /** LAN addresses with prefix length. */
  readonly addresses: readonly string[];
}

export interface LocalGateway {
  readonly node: string;
  readonly rank: number;
}

/** A linked cluster. */
export interface Remote {
  readonly name: string;
  readonly number: number;
  /** Pod CIDRs, announced ranges and mesh prefixes alike. */
  readonly prefixes: readonly string[];
  readonly meshPrefixes: readonly string[];
  readonly gateways: readonly GatewayRecord[];
  readonly tunnel: TunnelKind;
  readonly mtu?: number | undefined;
}

export interface OwnGateway {
  readonly rank: number;
  readonly basePort: number;
  /** WireGuard, base64. */
  readonly privateKey: string;
}

/** The linked clusters of a view. */
export function remotesOf(view: View): Remote[] {
  return view.entries.map(({ peer, tunnel, mtu }) => ({
    name: peer.name,
    number: peer.number,
    prefixes: [...peer.podCIDRs, ...peer.announcedCIDRs, ...peer.meshPrefixes],
    meshPrefixes: peer.meshPrefixes,
    gateways: peer.gateways,
    tunnel,
    mtu,
  }));
}
