/**
 * What the kernel of one node shall hold of ours, as plain data. Planners elsewhere make it, the parts of this folder
 * bring it about. CIDRs and addresses are canonical text. Everything here carries our mark once it is in the kernel
 * (`marks.ts`), so what is foreign is never touched.
 */

export interface DataPath {
  readonly wireGuard: readonly WireGuardInterface[];
  /** On our own device, out of the LAN's way: health and node mesh addresses, with prefix length 32 or 128. */
  readonly meshAddresses: readonly string[];
  readonly nexthops: readonly Nexthop[];
  readonly routes: readonly Route[];
  /** Absent: no table of ours. */
  readonly firewall?: Firewall | undefined;
  readonly sysctls: readonly Sysctl[];
}

export const EMPTY_DATA_PATH: DataPath = { wireGuard: [], meshAddresses: [], nexthops: [], routes: [], sysctls: [] };

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
  | { readonly kind: "multipath"; readonly hops: readonly { readonly via: string; readonly device: string }[] }
  | { readonly kind: "device"; readonly device: string }
  | { readonly kind: "unreachable" };

/** What `table inet trestle` lets through, marks and rewrites; see DESIGN section 5 and docs/operations. */
export interface Firewall {
  /** LAN interface: transit from here to remote prefixes is not tracked. */
  readonly lanDevice: string;
  /** Prefixes of linked clusters. */
  readonly remotePrefixes: readonly string[];
  /** Prefixes of this cluster that tunnels may forward to. */
  readonly announcedPrefixes: readonly string[];
  /** This node's own pod blocks: the only traffic from a tunnel that is tracked, besides its own addresses. */
  readonly localPrefixes: readonly string[];
  /** This node's mesh addresses (heartbeats and ICMP may enter here from a tunnel). */
  readonly localAddresses: readonly string[];
}

export interface Sysctl {
  /** Dotted, e.g. `net.ipv4.ip_forward`; a device name in it may hold dots and is written with slashes by apply. */
  readonly key: string;
  readonly value: string;
}
