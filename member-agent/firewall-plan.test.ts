import { expect, test } from "@jest/globals";
import { formatCidr, overlaps, parseCidr } from "../mesh/cidr.ts";
import { RESERVED } from "../mesh/reserved.ts";
import type { Firewall, Route } from "../tunnel/state.ts";
import { planDataPath } from "./plan.ts";
import type { PodSubnet } from "./pod-subnets.ts";
import { refuse } from "./refusals.ts";
import type { Remote, Situation } from "./situation.ts";
import { remoteCluster, situationOf } from "./testing/situations.ts";

const LAN = "172.16.1.0/24";
/** For pods, of that LAN. */
const CARVED = "172.16.1.64/28";
const OVERLAY: PodSubnet = { type: "Overlay", ranges: ["10.1.0.0/16"], masquerade: true };
const UNDERLAY: PodSubnet = { type: "Underlay", ranges: [CARVED], masquerade: false };
const NOT_ROUTED = RESERVED.map(({ range }) => formatCidr(range));

/** Node `node` of cluster 1, on that LAN, of which the first node is the gateway. */
const home = (node: number, changes: Partial<Situation> = {}): Situation => ({
  ...situationOf({ nodes: 2, gateways: 1, node, remotes: [remoteCluster(2, [0])] }),
  ...changes,
});
const firewallOf = (situation: Situation): Firewall | undefined => planDataPath(situation).firewall;

test.each<[string, readonly PodSubnet[], readonly string[], readonly string[], readonly string[]]>([
  ["no Subnet", [], [], [], []],
  ["an overlay", [OVERLAY], [], ["10.1.0.0/16"], []],
  ["both", [OVERLAY, UNDERLAY], [CARVED], ["10.1.0.0/16"], [CARVED]],
  ["both, each the other way round", [OVERLAY, UNDERLAY].map(otherWay), [CARVED], [CARVED], ["10.1.0.0/16"]],
])(
  "pods go out by what their Subnets say, and as they are to underlays and nodes: %s",
  (_, podSubnets, ...expected) => {
    const [underlays, masqueradedSources, keptSources] = expected;
    expect(firewallOf(home(0, { podSubnets }))).toMatchObject({
      insidePrefixes: [...underlays, "172.16.1.10/32", "172.16.1.11/32", ...NOT_ROUTED],
      masqueradedSources,
      keptSources,
    });
  },
);

function otherWay(subnet: PodSubnet): PodSubnet {
  return { ...subnet, masquerade: !subnet.masquerade };
}

test.each<[string, readonly string[]]>([
  ["that is nobody's else", []],
  ["that was another cluster's once", [CARVED]],
])("a part of the LAN %s is announced, and stays the LAN's on every node", (_, known) => {
  for (const node of [0, 1]) {
    const { self } = home(node);
    const asked = home(node, { self: { ...self, announcedCIDRs: [CARVED] }, localCIDRs: [LAN] });
    const { situation, refused } = refuse({ ...asked, known });
    expect(refused).toEqual([]);
    const { routes, firewall } = planDataPath(situation);
    expect(overlapping(routes)).toEqual([]);
    expect(firewall?.announcedPrefixes).toContain(CARVED);
    for (const list of ["remotePrefixes", "closedPrefixes", "clusterBlocks"] as const)
      expect({ list, has: firewall?.[list].filter(isOnLan) }).toEqual({ list, has: [] });
  }
});

test.each<[string, string, readonly string[]]>([
  ["is routed to it", "172.16.1.10", ["unreachable", "nexthop"]],
  ["is refused where its gateway is dialled in there", "172.16.1.70", []],
])("a part of a linked cluster's LAN %s", (_, endpoint, targets) => {
  const [gateway] = remoteCluster(1, [0]).gateways;
  const remote: Remote = {
    ...remoteCluster(1, []),
    prefixes: ["10.1.0.0/16", CARVED],
    gateways: gateway === undefined ? [] : [{ ...gateway, endpoint }],
  };
  const there = situationOf({ nodes: 1, gateways: 1, node: 0, remotes: [remote], places: [{ lan: 8, families: [4] }] });
  const self = { ...there.self, name: "c2", number: 2, podCIDRs: ["10.2.0.0/16"], meshPrefixes: ["100.64.8.0/22"] };
  const { situation, refused } = refuse({ ...there, self, blocks: [], known: [] });
  expect(refused.map(({ subject }) => subject)).toEqual(targets.length > 0 ? [] : [CARVED]);
  expect(overlapping(planDataPath(situation).routes).map(({ target }) => target.kind)).toEqual(targets);
});

function overlapping(routes: readonly Route[]): Route[] {
  return routes.filter(({ prefix }) => isOnLan(prefix));
}

function isOnLan(prefix: string): boolean {
  return overlaps(parseCidr(prefix), parseCidr(LAN));
}
