import { describe, expect, test } from "@jest/globals";
import type { Family } from "../../mesh/resources.ts";
import { planDataPath } from "../plan.ts";
import type { Place } from "../testing/situations.ts";
import { remoteCluster, situationOf } from "../testing/situations.ts";

/** Seen from the last node; the first `gateways` nodes are gateways. */
const plan = (places: readonly Place[], families: readonly Family[], gateways = 0) =>
  planDataPath(
    situationOf({
      nodes: places.length,
      gateways,
      node: places.length - 1,
      places,
      families,
      remotes: [remoteCluster(2, [0], { families })],
    }),
  );

const at = (lan: number, ...families: Family[]): Place => ({ lan, families });

/** Where each of those prefixes goes: `via device`, with `onlink` where it is. */
const ways = ({ routes }: ReturnType<typeof plan>, ...prefixes: string[]) =>
  prefixes.map((wanted) =>
    routes.flatMap(({ prefix, target }) =>
      prefix === wanted && target.kind === "multipath"
        ? target.hops.map(({ via, device, onlink }) => `${via} ${device}${onlink ? " onlink" : ""}`)
        : [],
    ),
  );

describe("nodes on one LAN", () => {
  test("need no VXLAN", () => {
    const { vxlan, firewall } = plan([at(0, 4), at(0, 4)], [4]);
    expect([vxlan, firewall?.vxlanEndpoints, firewall?.clusterDevices]).toEqual([[], [], ["eth0"]]);
  });
});

describe("nodes on different LANs", () => {
  const apart = plan([at(0, 4), at(1, 4), at(1, 4)], [4]);

  test("reach each other through VXLAN, the others directly", () => {
    expect(ways(apart, "10.1.0.0/24", "100.64.4.33/32", "10.1.1.0/24", "100.64.4.34/32")).toEqual([
      ["100.64.4.33 trnvx onlink"],
      ["100.64.4.33 trnvx onlink"],
      ["172.16.2.11 eth0"],
      ["172.16.2.11 eth0"],
    ]);
  });

  test("have a device that knows those on other LANs alone", () => {
    expect(apart.vxlan).toEqual([
      {
        name: "trnvx",
        vni: 0x7e5,
        port: 7077,
        local: "172.16.2.12",
        mac: "02:74:6e:00:00:23",
        mtu: 1450,
        peers: [{ mac: "02:74:6e:00:00:21", endpoint: "172.16.1.10", addresses: ["100.64.4.33"] }],
      },
    ]);
  });

  test("take VXLAN from each other, and treat what comes by it as their own cluster's", () => {
    expect(apart.firewall).toMatchObject({
      clusterDevices: ["eth0", "trnvx"],
      vxlanEndpoints: [{ port: 7077, addresses: ["172.16.1.10"] }],
      vxlanSources: [],
    });
    expect(apart.sysctls).toContainEqual({ key: "net.ipv4.conf.trnvx.rp_filter", value: "2" });
  });
});

test("IPv4 pods get over a LAN of IPv6 alone", () => {
  const { vxlan, ...rest } = plan([at(0, 6), at(0, 6)], [4]);
  expect(vxlan).toMatchObject([
    { name: "trnvx6", local: "fd16:1::11", mtu: 1430, peers: [{ endpoint: "fd16:1::10" }] },
  ]);
  expect(ways({ vxlan, ...rest }, "10.1.0.0/24")).toEqual([["100.64.4.33 trnvx6 onlink"]]);
});

test("IPv6 pods get over a LAN of IPv4 alone, and IPv4 pods go directly", () => {
  const both = plan([at(0, 4), at(0, 4)], [4, 6]);
  expect(ways(both, "10.1.0.0/24", "fd10:1::/120")).toEqual([
    ["172.16.1.10 eth0"],
    ["fe80::74:6eff:fe00:21 trnvx onlink"],
  ]);
  expect(both.vxlan).toMatchObject([{ name: "trnvx", peers: [{ addresses: ["fe80::74:6eff:fe00:21"] }] }]);
});

test("the outer family is one that both nodes have", () => {
  const mixed = plan([at(0, 4), at(0, 6), at(1, 4, 6)], [4]);
  expect(mixed.vxlan.map(({ name, peers }) => [name, peers.map(({ endpoint }) => endpoint)])).toEqual([
    ["trnvx", ["172.16.1.10"]],
    ["trnvx6", ["fd16:1::11"]],
  ]);
});

test("nodes without a family in common have no way, and their blocks stay unreachable", () => {
  const none = plan([at(0, 4), at(0, 6)], [4]);
  expect([none.vxlan, ways(none, "10.1.0.0/24", "100.64.4.33/32")]).toEqual([[], [[], []]]);
});

test("packets to linked clusters leave over the gateways of all LANs, and fit through the narrowest hop", () => {
  const mixed = plan([at(0, 4), at(1, 4), at(1, 4)], [4], 2);
  expect(ways(mixed, "10.2.0.0/16", "100.64.4.1/32", "100.64.4.3/32")).toEqual([
    ["100.64.4.33 trnvx onlink", "172.16.2.11 eth0"],
    ["100.64.4.33 trnvx onlink"],
    ["172.16.2.11 eth0"],
  ]);
  expect(
    mixed.routes.find(({ prefix, target }) => prefix === "10.2.0.0/16" && target.kind === "multipath"),
  ).toMatchObject({
    mtu: 1440,
    src: "100.64.4.35",
  });
});
