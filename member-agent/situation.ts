import { isIP } from "node:net";
import { familyOf, formatAddress, parseAddress } from "../mesh/cidr.ts";
import type { Family, GatewayRecord, IPBlockSpec, TunnelKind } from "../mesh/resources.ts";
import type { SelfRecord, View } from "../mesh/view-records.ts";
import type { OpenPort } from "../tunnel/state.ts";
import type { PodSubnet } from "./pod-subnets.ts";

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
  readonly podSubnets: readonly PodSubnet[];
  /** This cluster has an underlay Network: this node may have pods of it, selected or not. */
  readonly hasUnderlay: boolean;
  /** This cluster's gateways. */
  readonly gateways: readonly LocalGateway[];
  readonly remotes: readonly Remote[];
  /** Present on a gateway node. */
  readonly gateway?: OwnGateway | undefined;
  /** This cluster's LANs and Services, as it declared them. */
  readonly localCIDRs: readonly string[];
  /** What an admin opened to remote clusters on this node's mesh addresses. */
  readonly openPorts: readonly OpenPort[];
  /** What was refused, and what was withdrawn and is nobody's now: it stays unreachable. */
  readonly closed: readonly ClosedPrefix[];
}

/** A range that nothing leaves for, and no tunnel leads to. */
export interface ClosedPrefix {
  readonly prefix: string;
  /** A gateway is dialled in there: no backstop may keep tunnels' own packets in, the firewall alone closes it. */
  readonly isDialled: boolean;
}

/** A situation of which nothing was refused so far. */
export interface AskedSituation extends Omit<Situation, "closed"> {
  /** Prefixes that are or once were a cluster's, as far as this node remembers. */
  readonly known: readonly string[];
}

/** The interface that leads to the other nodes. */
export interface Lan {
  readonly device: string;
  /** With prefix length. */
  readonly addresses: readonly string[];
  /** Bytes. */
  readonly mtu: number;
  /** Its kernel took router advertisements (RFC 4861) before us; one that forwards ignores them unless told otherwise. */
  readonly routerAdvertisements: boolean;
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
  readonly gateways: readonly RemoteGateway[];
  /** What the link asks for. */
  readonly tunnel: TunnelKind;
  /** Kinds whose tunnels are there: one, or both while the link's kind is being changed. */
  readonly accepts: readonly TunnelKind[];
  /** The kind that packets leave by; one of `accepts`. */
  readonly sends: TunnelKind;
  /** Bytes: path MTU between the sites (outer packets), where the link gives one. */
  readonly mtu?: number | undefined;
}

/** A linked cluster's gateway, with its endpoints reduced to the one address that this gateway dials. */
export interface RemoteGateway extends Omit<GatewayRecord, "endpoints"> {
  /** IP address of a family that this node has; absent: it can't be dialled from here. */
  readonly endpoint?: string | undefined;
}

export interface OwnGateway {
  readonly rank: number;
  /** It dials and can't be dialled: WireGuard only. */
  readonly behindNAT: boolean;
  readonly basePort: number;
  /** WireGuard, base64. */
  readonly privateKey: string;
}

/** What decides which of a remote gateway's endpoints is dialled. */
export interface Reach {
  /** Those of this node's LAN addresses. */
  readonly families: readonly Family[];
  /** Addresses of endpoints that are names, in the order of preference; one that is missing was not found. */
  readonly resolved: ReadonlyMap<string, readonly string[]>;
}

/** The linked clusters of a view. */
export function remotesOf(view: View, reach: Reach): Remote[] {
  return view.entries.map(({ peer, tunnel, mtu }) =>
    remoteOf(
      { ...peer, prefixes: [...peer.podCIDRs, ...peer.announcedCIDRs, ...peer.meshPrefixes], tunnel, mtu },
      reach,
    ),
  );
}

/** A linked cluster as it was published or stored. */
export type PublishedRemote = Omit<Remote, "gateways" | "accepts" | "sends"> & {
  readonly gateways: readonly GatewayRecord[];
};

export function remoteOf(published: PublishedRemote, reach: Reach): Remote {
  const { name, number, prefixes, meshPrefixes, gateways, tunnel, mtu } = published;
  return {
    name,
    number,
    prefixes,
    meshPrefixes,
    gateways: gateways.map(({ endpoints, ...gateway }) => ({ ...gateway, endpoint: endpointOf(endpoints, reach) })),
    tunnel,
    accepts: [tunnel],
    sends: tunnel,
    mtu,
  };
}

/** The first address, in the record's order, of a family that this node has; in canonical text, as kernels print it. */
function endpointOf(endpoints: readonly string[], { families, resolved }: Reach): string | undefined {
  for (const endpoint of endpoints) {
    const addresses = isIP(endpoint) === 0 ? (resolved.get(endpoint) ?? []) : [endpoint];
    const usable = addresses.find((address) => families.includes(familyOf(address)) && !MEANT_ELSEWHERE.test(address));
    if (usable !== undefined) return familyOf(usable) === 4 ? usable : formatAddress(parseAddress(usable));
  }
  return undefined;
}

/** Of IPv6 texts: a zone, which means nothing here, and IPv4 in disguise. */
const MEANT_ELSEWHERE = /%|:.*\./;
