import { describe, expect, test } from "@jest/globals";
import type { Family, TunnelKind } from "../../mesh/resources.ts";
import type { Route } from "../../tunnel/state.ts";
import { planDataPath } from "../plan.ts";
import type { Remote, RemoteGateway, Situation } from "../situation.ts";
import { remoteCluster, situationOf } from "../testing/situations.ts";

const on = (remotes: readonly Remote[], families: readonly Family[] = [4, 6]): Situation =>
  situationOf({ nodes: 1, gateways: 1, node: 0, ranks: [3], families, remotes, places: [{ lan: 0, families }] });

const gatewayOf = (rank: number, endpoint: string | undefined, behindNAT = false): RemoteGateway => ({
  name: `g${rank}`,
  rank,
  endpoint,
  behindNAT,
  basePort: 51_820,
  publicKey: `k${rank}`,
});

/** Prefix, where it goes, source and MTU of all routes but backstops. */
const paths = (routes: readonly Route[]) =>
  routes
    .filter(({ target }) => target.kind !== "unreachable")
    .map(({ prefix, target, src, mtu }) => {
      const to =
        target.kind === "nexthop"
          ? target.id
          : target.kind === "multipath"
            ? target.hops.map(({ via, device, onlink }) => `${via} ${device}${onlink ? " onlink" : ""}`).join()
            : target.kind === "device"
              ? target.device
              : "";
      return [prefix, to, src, mtu];
    });

describe("by VXLAN", () => {
  const remote: Remote = {
    ...remoteCluster(2, [], { families: [4, 6], tunnel: "VXLAN" }),
    gateways: [gatewayOf(0, "192.0.2.16"), gatewayOf(7, "2001:db8::7")],
  };
  const plan = planDataPath(on([remote]));

  test("there is a device for each outer family, that knows its peers and their next hops", () => {
    expect(plan.vxlan).toEqual([
      {
        name: "trsvx",
        vni: 0x7e5,
        port: 7076,
        local: "172.16.1.10",
        mac: "02:74:67:00:01:03",
        mtu: 1450,
        peers: [
          { mac: "02:74:67:00:02:00", endpoint: "192.0.2.16", addresses: ["100.64.8.2", "fe80::74:67ff:fe00:200"] },
        ],
      },
      {
        name: "trsvx6",
        vni: 0x7e5,
        port: 7076,
        local: "fd16:1::10",
        mac: "02:74:67:00:01:03",
        mtu: 1430,
        peers: [
          { mac: "02:74:67:00:02:07", endpoint: "2001:db8::7", addresses: ["100.64.8.16", "fe80::74:67ff:fe00:207"] },
        ],
      },
    ]);
    expect(plan.wireGuard).toMatchObject([{ name: "trs3-0", peers: [] }]);
  });

  test("the cluster's groups hold a next hop on link for every gateway", () => {
    expect(plan.nexthops).toEqual([
      { id: 1_955_000_064, family: 4, device: "trsvx", via: "100.64.8.2", onlink: true },
      { id: 1_955_000_078, family: 4, device: "trsvx6", via: "100.64.8.16", onlink: true },
      { id: 1_954_000_004, group: [1_955_000_064, 1_955_000_078] },
      { id: 1_955_000_065, family: 6, device: "trsvx", via: "fe80::74:67ff:fe00:200", onlink: true },
      { id: 1_955_000_079, family: 6, device: "trsvx6", via: "fe80::74:67ff:fe00:207", onlink: true },
      { id: 1_954_000_005, group: [1_955_000_065, 1_955_000_079] },
    ]);
  });

  test("health addresses go to the one gateway that has them, from this one's own, of one family", () => {
    expect(paths(plan.routes)).toEqual([
      ["10.2.0.0/16", 1_954_000_004, "100.64.4.33", 1430],
      ["fd10:2::/48", 1_954_000_005, "fd64:1::21", 1430],
      ["100.64.8.0/22", 1_954_000_004, "100.64.4.33", 1430],
      ["fd64:2::/64", 1_954_000_005, "fd64:1::21", 1430],
      ["100.64.8.2/32", "100.64.8.2 trsvx onlink", "100.64.4.8", undefined],
      ["100.64.8.16/32", "100.64.8.16 trsvx6 onlink", "100.64.4.8", undefined],
    ]);
  });

  test("only known outer sources come in, and only with inner sources of their cluster", () => {
    expect(plan.firewall).toMatchObject({
      vxlanEndpoints: [{ port: 7076, addresses: ["192.0.2.16", "2001:db8::7"] }],
      vxlanSources: [
        { mac: "02:74:67:00:02:00", prefixes: remote.prefixes },
        { mac: "02:74:67:00:02:07", prefixes: remote.prefixes },
      ],
    });
  });

  test.each<[string, RemoteGateway]>([
    ["behind NAT", gatewayOf(0, "192.0.2.16", true)],
    ["without an endpoint", gatewayOf(0, undefined)],
  ])("a gateway %s is no peer; where there is no other, the cluster is unreachable", (_, gateway) => {
    const alone = planDataPath(on([{ ...remote, gateways: [gateway] }]));
    expect([alone.vxlan, alone.nexthops, paths(alone.routes)]).toEqual([[], [], []]);
    expect(alone.routes.map(({ prefix }) => prefix)).toEqual(expect.arrayContaining([...remote.prefixes]));
    const other = planDataPath(on([{ ...remote, gateways: [gateway, gatewayOf(1, "192.0.2.17")] }]));
    expect(other.vxlan.flatMap(({ peers }) => peers.map(({ endpoint }) => endpoint))).toEqual(["192.0.2.17"]);
  });

  test("a gateway behind NAT itself makes none, and says unreachable", () => {
    const situation = on([remote]);
    const hidden = { ...situation, gateway: situation.gateway && { ...situation.gateway, behindNAT: true } };
    const { vxlan, nexthops, routes, firewall } = planDataPath(hidden);
    expect([vxlan, nexthops, paths(routes), firewall?.vxlanEndpoints]).toEqual([[], [], [], []]);
  });
});

describe("while a link's kind changes", () => {
  const both = (sends: TunnelKind, mtu?: number): Remote => ({
    ...remoteCluster(2, [0, 1]),
    accepts: ["WireGuard", "VXLAN"],
    sends,
    mtu,
  });

  test("tunnels of both kinds are there, and the group is that of the kind that packets leave by", () => {
    const [before, after] = [planDataPath(on([both("WireGuard")])), planDataPath(on([both("VXLAN")]))];
    expect(before.wireGuard).toEqual(after.wireGuard);
    expect(before.vxlan).toEqual(after.vxlan);
    expect(before.vxlan.flatMap(({ peers }) => peers)).toHaveLength(2);
    expect(before.nexthops).toContainEqual({ id: 1_954_000_004, group: [1_953_000_000, 1_953_000_002] });
    expect(after.nexthops).toContainEqual({ id: 1_954_000_004, group: [1_955_000_064, 1_955_000_066] });
  });

  test("no route but an MTU changes, and heartbeats go by every tunnel", () => {
    const [before, after] = [planDataPath(on([both("WireGuard")])), planDataPath(on([both("VXLAN")]))];
    expect(paths(before.routes)).toEqual([
      ["10.2.0.0/16", 1_954_000_004, "100.64.4.33", undefined],
      ["100.64.8.0/22", 1_954_000_004, "100.64.4.33", undefined],
      ["100.64.8.1/32", "trs3-0", "100.64.4.7", undefined],
      ["100.64.8.3/32", "trs3-1", "100.64.4.7", undefined],
      ["100.64.8.2/32", "100.64.8.2 trsvx onlink", "100.64.4.8", undefined],
      ["100.64.8.4/32", "100.64.8.4 trsvx onlink", "100.64.4.8", undefined],
    ]);
    const withoutMtu = (routes: readonly Route[]) => routes.map((route) => ({ ...route, mtu: undefined }));
    expect(withoutMtu(after.routes)).toEqual(withoutMtu(before.routes));
    // The narrower kind counts, also where packets leave by the wider one.
    expect(paths(after.routes).slice(0, 2)).toEqual([
      ["10.2.0.0/16", 1_954_000_004, "100.64.4.33", 1440],
      ["100.64.8.0/22", 1_954_000_004, "100.64.4.33", 1440],
    ]);
  });

  test("a narrow path is narrow for both", () => {
    expect(paths(planDataPath(on([both("VXLAN", 1400)])).routes).map(([, , , mtu]) => mtu)).toEqual([
      1328, 1328, 1328, 1328, 1350, 1350,
    ]);
  });
});

test("a gateway that can't be dialled is a peer without endpoint, and in the group: it dials us", () => {
  const remote = { ...remoteCluster(2, []), gateways: [gatewayOf(0, undefined, true), gatewayOf(15, "192.0.2.9")] };
  const { wireGuard, nexthops } = planDataPath(on([remote], [4]));
  expect(wireGuard).toMatchObject([
    { name: "trs3-0", listenPort: 51_820, peers: [{ publicKey: "k0", endpoint: undefined }] },
    { name: "trs3-15", listenPort: 51_835, peers: [{ publicKey: "k15", endpoint: "192.0.2.9:51823" }] },
  ]);
  expect(nexthops).toEqual([
    { id: 1_953_000_000, family: 4, device: "trs3-0" },
    { id: 1_953_000_030, family: 4, device: "trs3-15" },
    { id: 1_954_000_004, group: [1_953_000_000, 1_953_000_030] },
  ]);
});

test("linked clusters share the next hop of a tunnel when their routes say the same MTU, and never otherwise", () => {
  const mtus = [undefined, 1400, 1400, 1350];
  const remotes = mtus.map((mtu, at) => ({ ...remoteCluster(at + 2, [0]), mtu }));
  const { nexthops } = planDataPath(on(remotes));
  const members = [2, 3, 4, 5].map((number) => nexthops.find(({ id }) => id === 1_954_000_000 + number * 2));
  const [none, narrow, alike, narrower] = members.map((nexthop) => nexthop && "group" in nexthop && nexthop.group);
  expect(none).toEqual([1_953_000_000]);
  expect(narrow).toEqual([1_958_042_496]);
  expect(alike).toEqual(narrow);
  expect(new Set([none, narrow, narrower].flat()).size).toBe(3);
  expect(nexthops).toContainEqual({ id: 1_958_042_496, family: 4, device: "trs3-0" });
});

test("a cluster without gateways is unreachable", () => {
  const { nexthops, routes } = planDataPath(on([remoteCluster(2, [])]));
  expect([nexthops, paths(routes)]).toEqual([[], []]);
});

test("IPv6 pods of a mesh whose addresses are IPv4 go by either kind", () => {
  for (const tunnel of ["WireGuard", "VXLAN"] as const) {
    const remote = { ...remoteCluster(2, [0], { tunnel }), prefixes: ["fd10:2::/48", "100.64.8.0/22"] };
    const { nexthops, routes } = planDataPath(on([remote], [4]));
    expect(paths(routes)).toContainEqual(["fd10:2::/48", 1_954_000_005, undefined, undefined]);
    expect(nexthops.map(({ id }) => id)).toContain(1_954_000_005);
  }
});
