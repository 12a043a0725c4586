import { expect, test } from "@jest/globals";
import type { Route } from "../../tunnel/state.ts";
import { planDataPath } from "../plan.ts";
import type { PodSubnet } from "../pod-subnets.ts";
import { situationOf } from "../testing/situations.ts";

/** Nodes n0 and n1 on 172.16.1.0/24, n2 on 172.16.2.0/24. */
const PLACES = [
  { lan: 0, families: [4] },
  { lan: 0, families: [4] },
  { lan: 1, families: [4] },
] as const;
const subnet = (type: PodSubnet["type"], ...ranges: string[]): PodSubnet => ({ type, ranges, masquerade: false });

function routesTo(prefix: string, node: number, type: PodSubnet["type"]): Route[] {
  const situation = situationOf({ nodes: 3, gateways: 1, node, remotes: [], places: PLACES });
  const { routes } = planDataPath({ ...situation, podSubnets: [subnet(type, prefix)] });
  return routes.filter((route) => route.prefix === prefix);
}

test("a node on another LAN reaches an underlay's range through the nodes that are on its LAN", () => {
  const hops = ["100.64.4.33", "100.64.4.34"].map((via) => ({ via, device: "trnvx", onlink: true }));
  expect(routesTo("172.16.1.64/28", 2, "Underlay")).toEqual([
    { prefix: "172.16.1.64/28", target: { kind: "multipath", hops } },
  ]);
});

test("a range that is all of a LAN leaves out its nodes, for packets to them and their tunnels take the LAN", () => {
  const situation = situationOf({ nodes: 3, gateways: 1, node: 2, remotes: [], places: PLACES });
  const { routes } = planDataPath({ ...situation, podSubnets: [subnet("Underlay", "172.16.1.0/24")] });
  const ranges = routes.filter(({ prefix }) => prefix.startsWith("172.16.1.")).map(({ prefix }) => prefix);
  expect(ranges).toEqual([
    "172.16.1.0/29",
    "172.16.1.8/31",
    "172.16.1.12/30",
    "172.16.1.16/28",
    "172.16.1.32/27",
    "172.16.1.64/26",
    "172.16.1.128/25",
  ]);
});

test.each<[string, number, string, PodSubnet["type"]]>([
  ["on its own LAN", 0, "172.16.1.64/28", "Underlay"],
  ["of a LAN that no node is on", 0, "172.16.9.64/28", "Underlay"],
  ["of a node alone", 2, "172.16.1.10/32", "Underlay"],
  ["of an overlay", 2, "172.16.1.64/28", "Overlay"],
])("a node has no route to a range %s", (_, node, prefix, type) => {
  expect(routesTo(prefix, node, type)).toEqual([]);
});
