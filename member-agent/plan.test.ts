import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { familyOf, overlaps, parseCidr } from "../mesh/cidr.ts";
import { MESH_VXLAN_PORT } from "../tunnel/marks.ts";
import type { Nexthop } from "../tunnel/state.ts";
import { planDataPath } from "./plan.ts";
import type { Place } from "./testing/situations.ts";
import { remoteCluster, situationOf, situations } from "./testing/situations.ts";

const BOTH_FAMILIES: Place = { lan: 0, families: [4, 6] };

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

  test("its devices are what the LAN makes them, whoever is behind them", () => {
    const overIPv6 = {
      ...remoteCluster(2, [0]),
      gateways: [{ name: "g", rank: 0, endpoint: "2001:db8::1", behindNAT: false, basePort: 51_820, publicKey: "k" }],
    };
    const dual = situationOf({ nodes: 1, gateways: 1, node: 0, remotes: [overIPv6], places: [BOTH_FAMILIES] });
    const { wireGuard, routes } = planDataPath(dual);
    expect(wireGuard).toMatchObject([{ mtu: 1440, peers: [{ endpoint: "[2001:db8::1]:51820" }] }]);
    const toRemote = routes.filter(({ target }) => target.kind === "nexthop" || target.kind === "device");
    expect(toRemote.map(({ prefix, mtu }) => [prefix, mtu])).toEqual([
      ["10.2.0.0/16", 1408],
      ["100.64.8.0/22", 1408],
      ["100.64.8.1/32", 1408],
    ]);
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
      mtu: 1440,
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

test("every nexthop that a route or a group names is planned, each id once, and no group is empty or names one twice", () => {
  fc.assert(
    fc.property(situations(), (situation) => {
      const { nexthops, routes } = planDataPath(situation);
      const ids = nexthops.map(({ id }) => id);
      const groups = nexthops.flatMap((nexthop) => ("group" in nexthop ? [nexthop.group] : []));
      const named = [
        ...routes.flatMap(({ target }) => (target.kind === "nexthop" ? [target.id] : [])),
        ...groups.flat(),
      ];
      expect(new Set(ids).size).toBe(ids.length);
      expect(named.filter((id) => !ids.includes(id))).toEqual([]);
      expect(ids.filter((id) => !named.includes(id))).toEqual([]);
      for (const group of groups) {
        expect(group.length).toBeGreaterThan(0);
        expect(new Set(group).size).toBe(group.length);
      }
    }),
  );
});

test("a route has one target, next hops of its own family, and its device is the LAN's or planned", () => {
  fc.assert(
    fc.property(situations(), (situation) => {
      const { nexthops, routes, vxlan, wireGuard } = planDataPath(situation);
      const devices = new Set(["eth0", ...wireGuard.map(({ name }) => name), ...vxlan.map(({ name }) => name)]);
      const keys = routes.map(({ prefix, metric }) => `${prefix} ${metric}`);
      expect(keys.filter((key, index) => keys.indexOf(key) !== index)).toEqual([]);
      for (const { prefix, target, src } of routes) {
        const hops = target.kind === "multipath" ? target.hops : [];
        const named = target.kind === "device" ? [target.device] : hops.map(({ device }) => device);
        expect(named.filter((device) => !devices.has(device))).toEqual([]);
        expect(hops.length > 0 || target.kind !== "multipath").toBe(true);
        const addresses = [...hops.map(({ via }) => via), ...(src === undefined ? [] : [src])];
        expect(addresses.filter((address) => familyOf(address) !== familyOf(prefix))).toEqual([]);
      }
      const out = nexthops.flatMap((nexthop) => ("device" in nexthop ? [nexthop.device] : []));
      expect(out.filter((device) => !devices.has(device))).toEqual([]);
    }),
  );
});

test("within one interface no two peers claim the same prefix", () => {
  fc.assert(
    fc.property(situations(), (situation) => {
      for (const { peers } of planDataPath(situation).wireGuard) {
        const prefixes = peers.flatMap(({ allowedIPs }) => allowedIPs).map(parseCidr);
        expect(prefixes.filter((one) => prefixes.some((other) => other !== one && overlaps(one, other)))).toEqual([]);
      }
    }),
  );
});

test("on a VXLAN device every MAC and every next hop is one peer's, and every hop through it is a peer's", () => {
  fc.assert(
    fc.property(situations(), (situation) => {
      const { vxlan, nexthops, routes } = planDataPath(situation);
      for (const { name, local, mac, peers } of vxlan) {
        const macs = [mac, ...peers.map((peer) => peer.mac)];
        const addresses = peers.flatMap((peer) => peer.addresses);
        expect(new Set(macs).size).toBe(macs.length);
        expect(new Set(addresses).size).toBe(addresses.length);
        expect(peers.filter(({ endpoint }) => familyOf(endpoint) !== familyOf(local))).toEqual([]);
        const hops = [
          ...routes.flatMap(({ target }) => (target.kind === "multipath" ? target.hops : [])),
          ...nexthops.flatMap((nexthop) => ("device" in nexthop ? [nexthop] : [])),
        ].filter(({ device }) => device === name);
        expect(hops.filter(({ via, onlink }) => !onlink || !addresses.includes(via ?? ""))).toEqual([]);
      }
    }),
  );
});

test("VXLAN is taken from its peers alone, by their prefixes", () => {
  fc.assert(
    fc.property(situations(), (situation) => {
      const { firewall, vxlan } = planDataPath(situation);
      const endpoints = Map.groupBy(vxlan, ({ port }) => port);
      expect(firewall?.vxlanEndpoints).toEqual(
        [...endpoints].map(([port, devices]) => ({
          port,
          addresses: [...new Set(devices.flatMap(({ peers }) => peers.map(({ endpoint }) => endpoint)))],
        })),
      );
      const macs = vxlan
        .filter(({ port }) => port === MESH_VXLAN_PORT)
        .flatMap(({ peers }) => peers.map(({ mac }) => mac));
      expect(firewall?.vxlanSources.map(({ mac }) => mac).toSorted()).toEqual(macs.toSorted());
      const takesNone = situation.gateway?.behindNAT ?? true;
      expect(takesNone ? macs : []).toEqual([]);
    }),
  );
});

test("every next hop past the tunnels is one that the firewall knows, for every block of this cluster", () => {
  fc.assert(
    fc.property(situations(), (situation) => {
      const { firewall, routes } = planDataPath(situation);
      const hops = routes.flatMap(({ target }) => (target.kind === "multipath" ? target.hops : []));
      const past = hops.filter(({ device }) => !device.startsWith("trs")).map(({ via }) => via);
      expect(firewall?.nodeHops).toEqual(expect.arrayContaining(past));
      const kept = firewall?.clusterBlocks.map(parseCidr) ?? [];
      expect(situation.blocks.every(({ cidr }) => kept.some((each) => overlaps(each, parseCidr(cidr))))).toBe(true);
    }),
  );
});

test("no packet is larger than what carries it", () => {
  fc.assert(
    fc.property(situations(), (situation) => {
      const { routes, nexthops, vxlan, wireGuard } = planDataPath(situation);
      const mtus = new Map([
        ["eth0", situation.lan.mtu],
        ...[...vxlan, ...wireGuard].map(({ name, mtu }) => [name, mtu] as const),
      ]);
      const members = new Map(nexthops.map((nexthop) => [nexthop.id, nexthop]));
      const devicesOf = (id: number): string[] => {
        const nexthop = members.get(id);
        if (nexthop === undefined) return [];
        return "group" in nexthop ? nexthop.group.flatMap(devicesOf) : [nexthop.device];
      };
      for (const { target, mtu } of routes) {
        if (target.kind === "unreachable") continue;
        const hops = target.kind === "multipath" ? target.hops.map(({ device }) => device) : [];
        const devices =
          target.kind === "nexthop" ? devicesOf(target.id) : target.kind === "device" ? [target.device] : hops;
        for (const device of devices) expect(mtu ?? 0).toBeLessThanOrEqual(mtus.get(device) ?? 0);
      }
      for (const { mtu } of [...vxlan, ...wireGuard]) expect(mtu).toBeGreaterThanOrEqual(1280);
    }),
  );
});

test.each([
  ["by a backstop and by the firewall", false],
  ["by the firewall alone, where a gateway is dialled in it", true],
])("what is closed stays so on every node: %s", (_, isDialled) => {
  for (const node of [0, 1]) {
    const situation = situationOf({ nodes: 2, gateways: 1, node, remotes: [] });
    const { routes, firewall } = planDataPath({ ...situation, closed: [{ prefix: "10.9.0.0/16", isDialled }] });
    const backstop = { prefix: "10.9.0.0/16", target: { kind: "unreachable" }, metric: 9999 };
    expect(routes.filter(({ prefix }) => prefix === "10.9.0.0/16")).toEqual(isDialled ? [] : [backstop]);
    expect(firewall).toMatchObject({ closedPrefixes: ["10.9.0.0/16"], remotePrefixes: [] });
  }
});

function devicesOf(group: Nexthop | undefined, nexthops: readonly Nexthop[]): string[] {
  const ids = group !== undefined && "group" in group ? group.group : [];
  return nexthops.flatMap((nexthop) => (ids.includes(nexthop.id) && "device" in nexthop ? [nexthop.device] : []));
}
