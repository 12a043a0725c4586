import { linkLocalAddress } from "../../mesh/mac-address.ts";
import type { Run } from "../../platform/run.ts";
import {
  BACKSTOP_METRIC,
  MESH_VXLAN,
  MESH_VXLAN_PORT,
  NODE_VXLAN,
  NODE_VXLAN_PORT,
  TUNNEL_FWMARK,
  VXLAN_VNI,
  wireGuardDevice,
} from "../marks.ts";
import type { DataPath, Nexthop, Route, VxlanDevice, WireGuardInterface } from "../state.ts";
import { genKey, pubKey } from "../wireguard/keys.ts";

/**
 * Data paths of every kind for one node with `eth0` at {@link LAN_ADDRESSES}: cluster 1, linked with cluster 2 by
 * WireGuard and with cluster 3 by VXLAN, with a node on another LAN.
 */

export const LAN_ADDRESSES = ["192.0.2.1/24", "2001:db8::1/64"] as const;

/** What a data path has. */
export interface Shape {
  /** WireGuard interfaces, one per remote rank. */
  readonly ranks: number;
  /** VXLAN to the other cluster, by so many of its gateways. */
  readonly vxlanPeers: number;
  readonly nodeVxlan: boolean;
  /** Two of everything that may change in place: keys, ports, MTUs, endpoints, prefixes. */
  readonly variant: 0 | 1;
}

export const RICH: Shape = { ranks: 2, vxlanPeers: 2, nodeVxlan: true, variant: 0 };

/** Keys of this node, one per variant, and of its peers. */
export interface TestKeys {
  readonly own: readonly [string, string];
  readonly peers: readonly string[];
}

export async function testKeys(run: Run): Promise<TestKeys> {
  const peers = [0, 1, 2, 3].map(async () => pubKey(run, await genKey(run)));
  return { own: [await genKey(run), await genKey(run)], peers: await Promise.all(peers) };
}

export function pathOf({ ranks, vxlanPeers, nodeVxlan, variant }: Shape, keys: TestKeys): DataPath {
  const wireGuard = Array.from({ length: ranks }, (_, rank) => tunnel(rank, variant, keys));
  const vxlan = [
    ...(vxlanPeers > 0 ? [vxlanDevice(MESH_VXLAN[4], MESH_VXLAN_PORT, vxlanPeers, variant)] : []),
    ...(nodeVxlan ? [vxlanDevice(NODE_VXLAN[6], NODE_VXLAN_PORT, 1, variant)] : []),
  ];
  const devices = ["eth0", ...wireGuard.map(({ name }) => name), ...vxlan.map(({ name }) => name)];
  const remote = [...(ranks > 0 ? prefixesOf(2, variant) : []), ...(vxlanPeers > 0 ? prefixesOf(3, variant) : [])];
  return {
    wireGuard,
    vxlan,
    meshAddresses: OWN_ADDRESSES,
    nexthops: [...tunnelNexthops(ranks), ...vxlanNexthops(vxlanPeers)],
    routes: [
      ...(ranks > 0 ? prefixesOf(2, variant).map((prefix) => grouped(prefix, 5000)) : []),
      ...(vxlanPeers > 0 ? prefixesOf(3, variant).map((prefix) => grouped(prefix, 5300)) : []),
      ...wireGuard.map(({ name: device }, rank): Route => {
        return { prefix: `10.102.255.${rank + 1}/32`, target: { kind: "device", device }, src: OWN4 };
      }),
      ...[...remote, "10.101.0.0/16", "fd65:1::/48"].map((prefix): Route => {
        return { prefix, target: { kind: "unreachable" }, metric: BACKSTOP_METRIC };
      }),
      ...neighbours(variant),
      ...(nodeVxlan ? farNeighbours() : []),
    ],
    firewall: {
      clusterDevices: nodeVxlan ? ["eth0", NODE_VXLAN[6]] : ["eth0"],
      remotePrefixes: remote,
      closedPrefixes: variant === 0 ? [] : [`10.${200 + variant}.0.0/16`],
      clusterBlocks: [],
      nodeHops: [],
      insidePrefixes: [],
      masqueradedSources: [],
      keptSources: [],
      announcedPrefixes: ["10.101.0.0/16", "fd65:1::/48"],
      localAddresses: [OWN4, OWN6],
      nodeAddresses: [OWN4, OWN6],
      openPorts: variant === 0 ? [{ protocol: "tcp", port: 80 }] : [],
      vxlanEndpoints: vxlan.map(({ port, peers }) => ({ port, addresses: peers.map(({ endpoint }) => endpoint) })),
      vxlanSources: vxlan
        .filter(({ name }) => name === MESH_VXLAN[4])
        .flatMap(({ peers }) => peers.map(({ mac }) => ({ mac, prefixes: prefixesOf(3, variant) }))),
    },
    sysctls: [
      { key: "net.ipv6.conf.eth0.accept_ra", value: "2" },
      { key: "net.ipv4.ip_forward", value: "1" },
      { key: "net.ipv6.conf.all.forwarding", value: "1" },
      { key: "net.ipv4.fib_multipath_hash_policy", value: "1" },
      ...devices.map((device) => ({ key: `net.ipv4.conf.${device}.rp_filter`, value: "2" })),
      ...devices.map((device) => ({ key: `net.ipv4.conf.${device}.send_redirects`, value: "0" })),
    ],
  };
}

const OWN4 = "10.101.255.1";
const OWN6 = "fd65:1:0:ffff::1";
const OWN_ADDRESSES = [`${OWN4}/32`, `${OWN6}/128`];

function prefixesOf(cluster: number, variant: number): string[] {
  return [`10.10${cluster}.0.0/16`, `10.20${cluster}.${variant}.0/24`, `fd65:${cluster}::/48`];
}

function tunnel(rank: number, variant: 0 | 1, keys: TestKeys): WireGuardInterface {
  const peer = keys.peers[rank * 2 + variant] ?? "";
  return {
    name: wireGuardDevice(0, rank),
    privateKey: keys.own[variant],
    listenPort: 51_820 + 10 * variant + rank,
    fwmark: TUNNEL_FWMARK,
    mtu: 1420 - 20 * variant,
    peers: [
      {
        publicKey: peer,
        endpoint: `192.0.2.${20 + rank}:${51_820 + variant}`,
        allowedIPs: prefixesOf(2, variant),
        persistentKeepalive: 10 * variant,
      },
    ],
  };
}

function vxlanDevice(name: string, port: number, peers: number, variant: 0 | 1): VxlanDevice {
  const over6 = name.endsWith("6");
  return {
    name,
    vni: VXLAN_VNI,
    port: port + variant,
    local: over6 ? "2001:db8::1" : "192.0.2.1",
    mac: `02:00:00:00:01:0${variant}`,
    mtu: 1430 - 20 * variant,
    peers: Array.from({ length: peers }, (_, at) => ({
      mac: farMac(at),
      endpoint: over6 ? `2001:db8::3${at}` : `192.0.2.3${at + variant}`,
      addresses: [`10.103.255.${at + 1}`, linkLocalAddress(farMac(at))],
    })),
  };
}

function farMac(at: number): string {
  return `02:00:00:00:03:0${at}`;
}

function tunnelNexthops(ranks: number): Nexthop[] {
  const members = Array.from({ length: ranks }, (_, rank) => rank);
  const device = (rank: number) => wireGuardDevice(0, rank);
  return [
    ...members.map((rank): Nexthop => ({ id: 4000 + rank, family: 4, device: device(rank) })),
    ...members.map((rank): Nexthop => ({ id: 4100 + rank, family: 6, device: device(rank) })),
    ...(ranks === 0 ? [] : [{ id: 5000, group: members.map((rank) => 4000 + rank) }]),
    ...(ranks === 0 ? [] : [{ id: 5001, group: members.map((rank) => 4100 + rank) }]),
  ];
}

function vxlanNexthops(peers: number): Nexthop[] {
  const device = MESH_VXLAN[4];
  const members = Array.from({ length: peers }, (_, at) => at);
  return [
    ...members.map((at): Nexthop => {
      return { id: 4300 + at, family: 4, device, via: `10.103.255.${at + 1}`, onlink: true };
    }),
    ...members.map((at): Nexthop => {
      return { id: 4400 + at, family: 6, device, via: linkLocalAddress(farMac(at)), onlink: true };
    }),
    ...(peers === 0 ? [] : [{ id: 5300, group: members.map((at) => 4300 + at) }]),
    ...(peers === 0 ? [] : [{ id: 5301, group: members.map((at) => 4400 + at) }]),
  ];
}

function grouped(prefix: string, group: number): Route {
  const six = prefix.includes(":");
  return { prefix, target: { kind: "nexthop", id: six ? group + 1 : group }, src: six ? OWN6 : OWN4, mtu: 1380 };
}

function neighbours(variant: 0 | 1): Route[] {
  const hops = (vias: readonly string[]) => vias.map((via) => ({ via, device: "eth0" }));
  const both = ["192.0.2.7", "192.0.2.8"];
  return [
    { prefix: "10.101.7.0/24", target: { kind: "multipath", hops: hops(variant === 0 ? both : both.slice(1)) } },
    { prefix: "fd65:1:0:7::/64", target: { kind: "multipath", hops: hops(["2001:db8::7", "2001:db8::8"]) } },
  ];
}

/** Of a node on another LAN, which no address of ours is near to. */
function farNeighbours(): Route[] {
  const through = (via: string) =>
    ({ kind: "multipath", hops: [{ via, device: NODE_VXLAN[6], onlink: true }] }) as const;
  return [
    { prefix: "10.101.9.0/24", target: through("10.103.255.1") },
    { prefix: "fd65:1:0:9::/64", target: through(linkLocalAddress(farMac(0))) },
  ];
}
