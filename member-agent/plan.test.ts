import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Nexthop } from "../tunnel/state.ts";
import { planDataPath } from "./plan.ts";
import { remoteCluster, situationOf, situations } from "./testing/situations.ts";

describe("on a gateway", () => {
  const plan = planDataPath(
    situationOf({ nodes: 2, gateways: 1, node: 0, remotes: [remoteCluster(2, [0, 1]), remoteCluster(3, [0])] }),
  );

  test("each remote rank has an interface that holds the gateways of that rank of every cluster", () => {
    expect(
      plan.wireGuard.map(({ name, listenPort, peers }) => ({
        name,
        listenPort,
        peers: peers.map((peer) => peer.publicKey),
      })),
    ).toEqual([
      { name: "trs0-0", listenPort: 51_820, peers: ["key-2-0", "key-3-0"] },
      { name: "trs0-1", listenPort: 51_821, peers: ["key-2-1"] },
    ]);
  });

  test("a peer is dialled at its base port plus the dialling gateway's own rank", () => {
    const second = situationOf({ nodes: 2, gateways: 2, node: 1, remotes: [remoteCluster(2, [0])] });
    expect(planDataPath(second).wireGuard[0]?.peers[0]?.endpoint).toBe("192.0.2.16:51821");
  });

  test("a remote prefix leaves through the group of all tunnels to its cluster, with the node's mesh address", () => {
    const route = plan.routes.find(({ prefix, target }) => prefix === "10.2.0.0/16" && target.kind === "nexthop");
    const group = plan.nexthops.find((nexthop) => route?.target.kind === "nexthop" && nexthop.id === route.target.id);
    expect(route?.src).toBe("100.64.4.33");
    expect(devicesOf(group, plan.nexthops)).toEqual(["trs0-0", "trs0-1"]);
  });

  test("a remote health address leaves through the one tunnel that ends there", () => {
    expect(plan.routes.find(({ prefix }) => prefix === "100.64.8.3/32")).toEqual({
      prefix: "100.64.8.3/32",
      target: { kind: "device", device: "trs0-1" },
      src: "100.64.4.1",
    });
  });

  test("the tunnel device leaves room for its outer headers, more over IPv6", () => {
    const overIPv6 = {
      ...remoteCluster(2, [0]),
      gateways: [{ name: "g", rank: 0, endpoint: "2001:db8::1", behindNAT: false, basePort: 51_820, publicKey: "k" }],
    };
    expect(plan.wireGuard[0]?.mtu).toBe(1440);
    const wide = planDataPath(situationOf({ nodes: 1, gateways: 1, node: 0, remotes: [overIPv6] }));
    expect(wide.wireGuard[0]).toMatchObject({ mtu: 1420, peers: [{ endpoint: "[2001:db8::1]:51820" }] });
  });

  test("the first interface is there before any link, so that a link waits for no process", () => {
    const alone = planDataPath(situationOf({ nodes: 1, gateways: 1, node: 0, remotes: [] }));
    expect(alone.wireGuard).toMatchObject([{ name: "trs0-0", peers: [] }]);
  });
});

describe("on a plain node", () => {
  const plan = planDataPath(situationOf({ nodes: 3, gateways: 2, node: 2, remotes: [remoteCluster(2, [0])] }));

  test("a remote prefix leaves over all gateways of the cluster", () => {
    expect(plan.routes).toContainEqual({
      prefix: "10.2.0.0/16",
      target: {
        kind: "multipath",
        hops: [
          { via: "172.16.1.10", device: "eth0" },
          { via: "172.16.1.11", device: "eth0" },
        ],
      },
      src: "100.64.4.35",
      mtu: undefined,
    });
  });

  test("the other nodes' blocks are reached over the LAN, and its own is not routed away", () => {
    const direct = plan.routes.filter(
      ({ prefix, target }) => prefix.startsWith("10.1.") && target.kind === "multipath",
    );
    expect(direct.map(({ prefix }) => prefix)).toEqual(["10.1.0.0/24", "10.1.1.0/24"]);
  });

  test("there is no tunnel and no nexthop object, which would die with the carrier", () => {
    expect([plan.wireGuard, plan.nexthops]).toEqual([[], []]);
  });
});

test("every prefix of a linked cluster, and of this one, has a backstop, whatever else routes it", () => {
  fc.assert(
    fc.property(situations(), (situation) => {
      const unreachable = planDataPath(situation).routes.filter(({ target }) => target.kind === "unreachable");
      const prefixes = [
        ...situation.self.podCIDRs,
        ...situation.self.meshPrefixes,
        ...situation.remotes.flatMap((remote) => remote.prefixes),
      ];
      expect(unreachable.map(({ prefix }) => prefix).toSorted()).toEqual(prefixes.toSorted());
      expect(unreachable.every(({ metric }) => metric === 9999)).toBe(true);
    }),
  );
});

test("every nexthop that a route or a group names is planned, and each id once", () => {
  fc.assert(
    fc.property(situations(), (situation) => {
      const { nexthops, routes } = planDataPath(situation);
      const ids = nexthops.map(({ id }) => id);
      const named = [
        ...routes.flatMap(({ target }) => (target.kind === "nexthop" ? [target.id] : [])),
        ...nexthops.flatMap((nexthop) => ("group" in nexthop ? nexthop.group : [])),
      ];
      expect(new Set(ids).size).toBe(ids.length);
      expect(named.filter((id) => !ids.includes(id))).toEqual([]);
    }),
  );
});

test("within one interface no two peers claim the same prefix", () => {
  fc.assert(
    fc.property(situations(), (situation) => {
      for (const { peers } of planDataPath(situation).wireGuard) {
        const prefixes = peers.flatMap(({ allowedIPs }) => allowedIPs);
        expect(new Set(prefixes).size).toBe(prefixes.length);
      }
    }),
  );
});

test("a withdrawn prefix stays unreachable", () => {
  const situation = { ...situationOf({ nodes: 1, gateways: 1, node: 0, remotes: [] }), withdrawn: ["10.9.0.0/16"] };
  expect(planDataPath(situation).routes).toContainEqual({
    prefix: "10.9.0.0/16",
    target: { kind: "unreachable" },
    metric: 9999,
  });
});

function devicesOf(group: Nexthop | undefined, nexthops: readonly Nexthop[]): string[] {
  const ids = group !== undefined && "group" in group ? group.group : [];
  return nexthops.flatMap((nexthop) => (ids.includes(nexthop.id) && "device" in nexthop ? [nexthop.device] : []));
}
