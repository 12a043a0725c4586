/**
 * What the kernel of one node shall hold of ours, as plain data. Planners elsewhere make it, the parts of this folder
 * bring it about. CIDRs and addresses are canonical text. Everything here carries our mark once it is in the kernel
 * (`marks.ts`), so what is foreign is never touched.
 */

export interface DataPath {
  readonly wireGuard: readonly WireGuardInterface[];
  readonly vxlan: readonly VxlanDevice[];
  /** On our own device, out of the LAN's way: health and node mesh addresses, with prefix length 32 or 128. */
  readonly meshAddresses: readonly string[];
  readonly nexthops: readonly Nexthop[];
  readonly routes: readonly Route[];
  /** Absent: no table of ours. */
  readonly firewall?: Firewall | undefined;
  readonly sysctls: readonly Sysctl[];
}

export const EMPTY_DATA_PATH: DataPath = {
  wireGuard: [],
  vxlan: [],
  meshAddresses: [],
  nexthops: [],
  routes: [],
  sysctls: [],
};

/** One interface per remote rank, `trs<own rank>-<remote rank>`. */
export interface WireGuardInterface {
  readonly name: string;
  /** Base64, as `wg genkey` makes it (the kernel clamps any other, and it would differ for ever); handed to wg by standard input only. */
  readonly privateKey: string;
  readonly listenPort: number;
  readonly fwmark: number;
  readonly mtu: number;
  readonly peers: readonly WireGuardPeer[];
}
export interface WireGuardPeer {
  readonly publicKey: string;
  /** `address:port` or `[address6]:port`, never a name; absent: the peer dials us (it is behind NAT). */
  readonly endpoint?: string | undefined;
  /** Disjoint from those of every other peer of the interface: WireGuard gives a prefix to the last one that asks. */
  readonly allowedIPs: readonly string[];
  /** Seconds; 0 is off. */
  readonly persistentKeepalive: number;
}

/** A VXLAN device that learns nothing: whoever is behind it is written down (RFC 7348, ip-link(8)). */
export interface VxlanDevice {
  readonly name: string;
  readonly vni: number;
  /** UDP, at both ends. */
  readonly port: number;
  /** Outer source address; all endpoints are of its family. */
  readonly local: string;
  /** Its own, as `02:00:00:00:00:01`. */
  readonly mac: string;
  /** Bytes. */
  readonly mtu: number;
  readonly peers: readonly VxlanPeer[];
}
/** One far end: a permanent fdb entry (MAC to endpoint) and a permanent neighbour (address to MAC) for each address. */
export interface VxlanPeer {
  readonly mac: string;
  /** Outer address. */
  readonly endpoint: string;
  /** Next hops that are at that MAC, without prefix length, of both families. */
  readonly addresses: readonly string[];
}

/** A nexthop object: out of a device, through a router on it, or a group of other nexthops (`mpath`). */
export type Nexthop =
  | {
      readonly id: number;
      readonly family: 4 | 6;
      readonly device: string;
      readonly via?: string;
      readonly onlink?: boolean;
    }
  | { readonly id: number; readonly group: readonly number[] };

/** A route of the main table with our protocol number. */
export interface Route {
  readonly prefix: string;
  readonly target: RouteTarget;
  /** Preferred source address of packets made on this node. */
  readonly src?: string | undefined;
  readonly metric?: number | undefined;
  /** Bytes: the known path MTU to that prefix. */
  readonly mtu?: number | undefined;
}
export type RouteTarget =
  | { readonly kind: "nexthop"; readonly id: number }
  | { readonly kind: "multipath"; readonly hops: readonly Hop[] }
  | { readonly kind: "device"; readonly device: string }
  | { readonly kind: "unreachable" };

/** A plain next hop: it comes back by itself when a carrier does. */
export interface Hop {
  readonly via: string;
  readonly device: string;
  /** Taken to be on the device's link, whatever its addresses say. */
  readonly onlink?: boolean | undefined;
}

/** What `table inet trestle` lets through, marks and rewrites; see DESIGN section 5 and docs/operations. */
export interface Firewall {
  /** Interfaces to this cluster's other nodes (LAN, VXLAN between nodes): transit from here to remote prefixes is not tracked, and what remote clusters send comes in here or by a tunnel. */
  readonly clusterDevices: readonly string[];
  /** Prefixes of linked clusters. */
  readonly remotePrefixes: readonly string[];
  /** What nothing of this cluster may leave for, though no tunnel leads there: refused and withdrawn prefixes. Endpoints of tunnels may lie in them. */
  readonly closedPrefixes: readonly string[];
  /** Prefixes of this cluster that tunnels may forward to. */
  readonly announcedPrefixes: readonly string[];
  /** Pod blocks of every node of this cluster, and its mesh prefixes. */
  readonly clusterBlocks: readonly string[];
  /** Beside {@link announcedPrefixes}, where this node's pods keep their source whatever else is said, and where nodes of another LAN are relayed to: underlay ranges, addresses of this cluster's nodes, what no router forwards. */
  readonly insidePrefixes: readonly string[];
  /** Of this node's pods, sources that leave for no linked cluster with this machine's address. */
  readonly masqueradedSources: readonly string[];
  /** Of this node's pods, sources that nobody may masquerade. */
  readonly keptSources: readonly string[];
  /** Next hops to this cluster's other nodes, without prefix length: the one way past tunnels and pods' wires for what is bound for remote prefixes and {@link clusterBlocks}. */
  readonly nodeHops: readonly string[];
  /** This node's mesh addresses, health addresses included: from remote clusters only heartbeats, ICMP and {@link openPorts} enter there. */
  readonly localAddresses: readonly string[];
  /** At most one a family: what traffic to remote prefixes leaves with that has another source than announced ones or was marked for masquerading. */
  readonly nodeAddresses: readonly string[];
  /** What an admin opened to remote clusters, on this node's mesh addresses. */
  readonly openPorts: readonly OpenPort[];
  /** Outer sources that VXLAN is taken from, by UDP port; from any other it is dropped. */
  readonly vxlanEndpoints: readonly { readonly port: number; readonly addresses: readonly string[] }[];
  /** Inner sources that may come in by VXLAN between clusters, by the MAC address that they come from. */
  readonly vxlanSources: readonly { readonly mac: string; readonly prefixes: readonly string[] }[];
}

export interface OpenPort {
  readonly protocol: "tcp" | "udp";
  readonly port: number;
}

export interface Sysctl {
  /** Dotted, e.g. `net.ipv4.ip_forward`; a device name in it may hold dots and is written with slashes by apply. */
  readonly key: string;
  readonly value: string;
}
