import { systemClock } from "../../platform/clock.ts";
import { findTool } from "../../platform/tools.ts";
import { TUNNEL_FWMARK } from "../marks.ts";
import type { DataPathDeps } from "../parts.ts";
import type { DataPath } from "../state.ts";
import { genKey, pubKey } from "../wireguard/keys.ts";
import type { TestNode } from "./namespace.ts";
import { connect, makeTestNode } from "./namespace.ts";
import { keptSysctls } from "./sysctl-memory.ts";

/** One of two gateways on one cable, east (number 1) and west (2). */
export interface Side {
  readonly node: TestNode;
  readonly deps: DataPathDeps;
  readonly privateKey: string;
  readonly publicKey: string;
}

/** Both, on their cable. */
export async function makeSides(): Promise<[Side, Side]> {
  const [east, west] = await Promise.all([makeSide("east"), makeSide("west")]);
  await connect([east.node, ["192.0.2.1/24", "2001:db8::1/64"]], [west.node, ["192.0.2.2/24", "2001:db8::2/64"]]);
  return [east, west];
}

async function makeSide(label: string): Promise<Side> {
  const node = await makeTestNode(label);
  const wireGuardGo = findTool("wireguard-go", process.env["PATH"] ?? "");
  const deps = {
    run: node.run,
    wireGuardGo,
    clock: systemClock,
    sysctlMemory: keptSysctls(),
    endpointMemory: new Map(),
  };
  const privateKey = await genKey(node.run);
  return { node, deps, privateKey, publicKey: await pubKey(node.run, privateKey) };
}

/** What a gateway of cluster `own` holds for its link with `remote`, both families. */
export function dataPath(side: Side, peer: Side, own: number, remote: number): DataPath {
  const prefixes = [`10.10${remote}.0.0/16`, `fd65:${remote}::/48`] as const;
  return {
    vxlan: [],
    wireGuard: [
      {
        name: "trs0-0",
        privateKey: side.privateKey,
        listenPort: 51820,
        fwmark: TUNNEL_FWMARK,
        mtu: 1420,
        peers: [
          {
            publicKey: peer.publicKey,
            endpoint: `192.0.2.${remote}:51820`,
            allowedIPs: prefixes,
            persistentKeepalive: 10,
          },
        ],
      },
    ],
    meshAddresses: [`10.10${own}.255.1/32`, `10.10${own}.255.3/32`, `fd65:${own}:0:ffff::1/128`],
    nexthops: [
      { id: 4010, family: 4, device: "trs0-0" },
      { id: 4110, family: 6, device: "trs0-0" },
      { id: 5000, group: [4010] },
      { id: 5001, group: [4110] },
    ],
    routes: [
      { prefix: prefixes[0], target: { kind: "nexthop", id: 5000 }, src: `10.10${own}.255.1` },
      { prefix: prefixes[1], target: { kind: "nexthop", id: 5001 }, src: `fd65:${own}:0:ffff::1`, mtu: 1380 },
      { prefix: `10.10${remote}.255.1/32`, target: { kind: "device", device: "trs0-0" }, src: `10.10${own}.255.1` },
      { prefix: prefixes[0], target: { kind: "unreachable" }, metric: 9999 },
      { prefix: prefixes[1], target: { kind: "unreachable" }, metric: 9999 },
      {
        prefix: `10.10${own}.7.0/24`,
        target: {
          kind: "multipath",
          hops: [
            { via: "192.0.2.7", device: "eth0" },
            { via: "192.0.2.8", device: "eth0" },
          ],
        },
      },
      {
        prefix: `fd65:${own}:0:7::/64`,
        target: {
          kind: "multipath",
          hops: [
            { via: "2001:db8::8", device: "eth0" },
            { via: "2001:db8::7", device: "eth0" },
          ],
        },
      },
    ],
    firewall: {
      clusterDevices: ["eth0"],
      nodeAddresses: [],
      openPorts: [],
      vxlanEndpoints: [],
      vxlanSources: [],
      remotePrefixes: prefixes,
      closedPrefixes: [],
      clusterBlocks: [],
      nodeHops: [],
      insidePrefixes: [],
      masqueradedSources: [],
      keptSources: [],
      announcedPrefixes: [`10.10${own}.0.0/16`, `fd65:${own}::/48`],
      localAddresses: [`10.10${own}.255.1`, `10.10${own}.255.3`, `fd65:${own}:0:ffff::1`],
    },
    sysctls: [
      { key: "net.ipv4.ip_forward", value: "1" },
      { key: "net.ipv4.conf.eth0.rp_filter", value: "2" },
      { key: "net.ipv4.conf.trs0-0.rp_filter", value: "2" },
      { key: "net.ipv4.fib_multipath_hash_policy", value: "1" },
    ],
  };
}

/** One echo request: true, or what went wrong. */
export function ping(side: Side, address: string): Promise<true | string> {
  return side.node.run("ping", ["-c", "1", "-W", "1", address]).then(
    () => true as const,
    (error: unknown) => String(error),
  );
}
