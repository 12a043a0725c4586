import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { isDeepStrictEqual } from "node:util";
import { eventually } from "../../platform/testing/eventually.ts";
import { HEARTBEAT_PORT, MESH_VXLAN_PORT, NODE_VXLAN_PORT, TUNNEL_FWMARK } from "../marks.ts";
import type { Crossing } from "../testing/crossing.ts";
import { AT, CROSSING, defaultRoutes, makeCrossing, protect } from "../testing/crossing.ts";
import type { TestNode } from "../testing/namespace.ts";
import { makeTestNode } from "../testing/namespace.ts";
import { cable, connectTo, datagram, ping, pretend, serve, tunnelCable } from "../testing/traffic.ts";
import { observeFirewall } from "./observe.ts";
import { DROPS } from "./rules.ts";

/**
 * What the rules do to packets. Besides what is at every crossing there is cluster 3, by a cable named like VXLAN, and
 * cluster 2 is on the LAN, too, as another gateway of ours would deliver it.
 */
let crossing: Crossing;
let vxlan: TestNode;

const [MESH, MESH6] = AT.mesh;
/** Where gateways are dialled, in prefixes that are closed. */
const DIALLED = ["10.4.99.7", "fd65:4:0:99::7"];

type Drops = Record<keyof typeof DROPS, number>;
const NONE = Object.fromEntries(Object.keys(DROPS).map((where) => [where, 0])) as Drops;

/** So many packets are dropped where `wanted` says, and none elsewhere, by what `act` does. A busy kernel counts a moment later. */
async function expectDrops(wanted: Partial<Drops>, act: () => Promise<unknown>): Promise<void> {
  const before = await dropped();
  await act();
  await eventually(async () => {
    const after = Object.entries(await dropped()).map(([where, packets]) => [
      where,
      packets - before[where as keyof Drops],
    ]);
    return isDeepStrictEqual(Object.fromEntries(after), { ...NONE, ...wanted }) || { wanted, after };
  });
}

const dropped = async (): Promise<Drops> => (await observeFirewall(crossing.gateway.run))?.drops ?? NONE;

beforeAll(async () => {
  [crossing, vxlan] = await Promise.all([makeCrossing(), makeTestNode("vxlan")]);
  const { gateway, lan, remote } = crossing;
  await tunnelCable(
    { node: gateway, device: "trsvx", addresses: ["10.3.0.1/24", "fd65:3::1/64"] },
    { node: vxlan, device: "eth0", addresses: ["10.3.0.2/24", "fd65:3::2/64"] },
  );
  await defaultRoutes(vxlan, "10.3.0.1", "fd65:3::1");
  const mac = (await vxlan.run("cat", ["/sys/class/net/eth0/address"])).trim();
  await lan.run("ip", ["address", "add", "10.2.7.7/32", "dev", "eth0"]);
  await gateway.run("ip", ["route", "add", "10.2.7.7/32", "via", "10.1.0.2"]);
  await protect(gateway, {
    ...CROSSING,
    remotePrefixes: [...CROSSING.remotePrefixes, "10.3.0.0/16", "fd65:3::/48"],
    closedPrefixes: ["10.4.0.0/16", "fd65:4::/48"],
    vxlanEndpoints: [{ port: MESH_VXLAN_PORT, addresses: [...AT.lan, ...DIALLED] }],
    vxlanSources: [{ mac, prefixes: ["10.3.0.0/16", "fd65:3::/48"] }],
  });
  await Promise.all([serve(gateway, 8080), serve(gateway, 22), serve(remote, 8080), serve(lan, 8080)]);
});
afterAll(async () => {
  await crossing?.remove();
  await vxlan?.remove();
});

test("what is announced is reached by a tunnel, and reaches through it, in both families", async () => {
  const { lan, pod, remote } = crossing;
  await expectDrops({}, async () => {
    for (const address of ["10.1.9.2", "fd65:1:0:9::2", "10.1.0.2", "fd65:1:0:1::2"]) {
      expect({ address, reached: await ping(remote, address) }).toEqual({ address, reached: true });
      expect({ address, byVxlan: await ping(vxlan, address) }).toEqual({ address, byVxlan: true });
    }
    expect(await ping(pod, "10.2.0.2")).toBe(true);
    expect(await ping(pod, "fd65:3::2")).toBe(true);
    expect(await connectTo(lan, "10.2.0.2", 8080, "10.1.0.2")).toBe("10.1.0.2");
  });
});

test("a LAN host that is not announced is not reached by a tunnel", async () => {
  const { remote } = crossing;
  await expectDrops({ forward: 1 }, () => datagram(remote, AT.lanOutside, 22));
});

test.each([
  ["10.1.0.99", "a source of ours"],
  ["203.0.113.9", "a stranger's"],
  ["fd65:1:0:1::99", "a source of ours"],
  ["2001:db8::9", "a stranger's"],
])("a tunnel carries no packet from %s: %s", async (source) => {
  const { remote } = crossing;
  const [mesh, target] = source.includes(":") ? [MESH6, "fd65:1:0:9::2"] : [MESH, "10.1.9.2"];
  await expectDrops({ source: 1 }, () => pretend(remote, source, target));
  await expectDrops({ source: 1 }, () => pretend(remote, source, mesh));
});

test("by VXLAN a cluster sends with its own sources alone, though another cluster has that one", async () => {
  const { gateway } = crossing;
  for (const [source, mesh, target] of [
    ["10.2.0.77", MESH, "10.1.9.2"],
    ["fd65:2::77", MESH6, "fd65:1:0:9::2"],
  ] as const) {
    await expectDrops({ vxlanInner: 1 }, () => pretend(vxlan, source, target));
    await expectDrops({ vxlanInner: 1 }, () => pretend(vxlan, source, mesh));
  }
  await vxlan.run("ip", ["link", "set", "dev", "eth0", "address", "02:00:00:00:09:00"]);
  // The kernel forgot its neighbours at that.
  const mac = (await gateway.run("cat", ["/sys/class/net/trsvx/address"])).trim();
  await vxlan.run("ip", ["neigh", "replace", "10.3.0.1", "lladdr", mac, "dev", "eth0", "nud", "permanent"]);
  await expectDrops({ vxlanInner: 1 }, () => ping(vxlan, "10.1.9.2"));
});

test("VXLAN is taken from the endpoints of its port alone", async () => {
  const { lan } = crossing;
  const send = (address: string, port: number) => datagram(lan, address, port);
  await expectDrops({}, () => send("10.1.0.1", MESH_VXLAN_PORT));
  await expectDrops({}, () => send("fd65:1:0:1::1", MESH_VXLAN_PORT));
  await expectDrops({ vxlanOuter: 1 }, () => send("10.1.0.1", NODE_VXLAN_PORT));
  await expectDrops({ vxlanOuter: 1 }, () => send("fd65:1:0:1::1", NODE_VXLAN_PORT));
  await expectDrops({ vxlanOuter: 1 }, () => send(AT.gatewayOutside, MESH_VXLAN_PORT));
});

test("by a mesh address a tunnel reaches ICMP, heartbeats and open ports, nothing else", async () => {
  const { remote } = crossing;
  await expectDrops({}, async () => {
    expect([await ping(remote, MESH), await ping(remote, MESH6)]).toEqual([true, true]);
    await datagram(remote, MESH, HEARTBEAT_PORT);
    expect(await connectTo(remote, MESH, 8080)).toBe("10.2.0.2");
    expect(await connectTo(remote, MESH6, 8080)).toBe("fd65:2::2");
  });
  await expectDrops({ input: 1 }, () => datagram(remote, MESH, HEARTBEAT_PORT - 1));
  await expectDrops({ input: 1 }, () => datagram(remote, MESH6, 22));
  await expectDrops({ input: 1 }, () => datagram(remote, MESH, 8080));
});

test("another address of the machine is not there for a tunnel, not even for heartbeats", async () => {
  const { remote } = crossing;
  await expectDrops({ input: 1 }, () => datagram(remote, AT.gateway[0], HEARTBEAT_PORT));
  await expectDrops({ input: 1 }, () => datagram(remote, AT.gateway[1], HEARTBEAT_PORT));
});

test("a remote cluster that comes in over the LAN, by another gateway, reaches no more of a mesh address", async () => {
  const { lan } = crossing;
  await expectDrops({}, async () => {
    expect(await ping(lan, MESH, "10.2.7.7")).toBe(true);
    expect(await connectTo(lan, MESH, 8080, "10.2.7.7")).toBe("10.2.7.7");
  });
  const before = await dropped();
  await connectTo(lan, MESH, 22, "10.2.7.7", 3_000);
  await eventually(async () => (await dropped()).input > before.input || before);
  // The cluster's own hosts are not remote ones.
  expect(await connectTo(lan, MESH, 22, "10.1.0.2")).toBe("10.1.0.2");
});

test("an answer comes in by another way than its question went out", async () => {
  const { gateway, lan, remote } = crossing;
  await gateway.run("tee", ["/proc/sys/net/ipv4/conf/all/rp_filter", "/proc/sys/net/ipv4/conf/eth0/rp_filter"], {
    stdin: "2",
  });
  await remote.run("tee", ["/proc/sys/net/ipv4/ip_forward"], { stdin: "1" });
  await cable(
    { node: remote, device: "eth1", addresses: ["10.2.8.1/24"] },
    { node: lan, device: "eth1", addresses: ["10.2.8.8/24"] },
  );
  await gateway.run("ip", ["route", "add", "10.2.8.8/32", "via", "10.2.0.2"]);
  await expectDrops({}, async () => {
    expect(await connectTo(gateway, "10.2.8.8", 8080, MESH)).toBe(MESH);
  });
});

describe("with routes past every tunnel, as a default route is where ours were flushed", () => {
  /** To a remote cluster, to what is closed, and to a pod of ours that is not there. */
  const PAST = ["10.2.99.0/24", "fd65:2:0:99::/64", "10.4.99.0/24", "fd65:4:0:99::/64"];
  const GONE = ["10.1.9.99/32", "fd65:1:0:9::99/128"];
  const router = (prefix: string) => (prefix.includes(":") ? "fd65:1:0:1::66" : "192.168.50.2");
  const change = async (verb: string) => {
    for (const prefix of [...PAST, ...GONE])
      await crossing.gateway.run("ip", ["route", verb, prefix, "via", router(prefix)]);
  };
  beforeAll(() => change("add"));
  afterAll(() => change("delete"));

  test.each([
    ["10.2.99.1", "Destination Host Unreachable"],
    ["fd65:2:0:99::1", "Destination unreachable: Address unreachable"],
    ["10.4.99.7", "Destination Host Unreachable"],
    ["fd65:4:0:99::7", "Destination unreachable: Address unreachable"],
  ])("a pod and this machine are told that %s is unreachable, and nothing leaves", async (target, said) => {
    const { gateway, pod } = crossing;
    const ask = (node: TestNode) => node.run("sh", ["-c", 'ping -n -c 1 -W 5 "$0" 2>&1 || true', target]);
    await expectDrops({ clear: 2 }, async () => {
      expect(await ask(pod)).toContain(said);
      expect(await ask(gateway)).toContain(said);
    });
  });

  test.each(["10.1.9.99", "fd65:1:0:9::99"])("what came by a tunnel for %s does not leave again", async (target) => {
    await expectDrops({ clear: 1 }, () => ping(crossing.remote, target));
  });

  test.each(DIALLED)("a tunnel's own packets leave for %s, nobody else's", async (target) => {
    const { gateway, pod } = crossing;
    const withMark = (mark: string) =>
      gateway.run("sh", ["-c", 'ping -n -c 1 -W 0.1 -m "$1" "$0" 2>&1 || true', target, mark]);
    await expectDrops({}, () => withMark(String(TUNNEL_FWMARK)));
    await expectDrops({ clear: 1 }, () => withMark("5"));
    await expectDrops({}, () => datagram(gateway, target, MESH_VXLAN_PORT));
    const toOtherPort = () => expect(datagram(gateway, target, NODE_VXLAN_PORT)).rejects.toThrow("not permitted");
    await expectDrops({ clear: 1 }, toOtherPort);
    await expectDrops({ clear: 1 }, () => datagram(pod, target, MESH_VXLAN_PORT));
  });

  test("another node of this cluster may be the next hop to a remote cluster", async () => {
    await expectDrops({}, async () => {
      expect(await ping(crossing.pod, "10.2.7.7")).toBe(true);
      expect(await ping(crossing.gateway, "10.2.7.7")).toBe(true);
    });
  });
});

test("a pod speaks with its own addresses alone; neighbour discovery works", async () => {
  const { pod } = crossing;
  await pod.run("ip", ["neigh", "flush", "dev", "eth0"]);
  await expectDrops({}, async () => {
    expect([await ping(pod, "10.1.0.2"), await ping(pod, "fd65:1:0:1::2")]).toEqual([true, true]);
    expect(await ping(pod, "fe80::1%eth0")).toBe(true);
  });
  for (const [spoofed, target] of [
    ["10.1.9.3", "10.1.0.2"],
    ["10.1.0.1", "10.1.0.2"],
    ["169.254.7.7", "10.1.0.1"],
    ["10.2.0.2", "10.1.0.1"],
    ["fd65:1:0:9::3", "fd65:1:0:1::2"],
    ["fd65:2::2", MESH6],
  ] as const) {
    await expectDrops({ spoof: 1 }, () => pretend(pod, spoofed, target));
  }
});

test("a pod with a new wire sends no packet that counts as a lie", async () => {
  const { gateway } = crossing;
  const plain = await makeTestNode("plain");
  await expectDrops({}, async () => {
    await cable(
      { node: gateway, device: "tp1", addresses: ["169.254.1.1/32"] },
      { node: plain, device: "eth0", addresses: ["10.1.9.8/32"] },
    );
    await gateway.run("ip", ["-6", "address", "flush", "dev", "tp1"]); // a pod's wire without IPv6 has none
    await gateway.run("ip", ["route", "add", "10.1.9.8/32", "dev", "tp1"]);
    await plain.run("ip", ["route", "add", "default", "via", "169.254.1.1", "dev", "eth0", "onlink"]);
    await eventually(() => ping(plain, "10.1.0.2"));
    // By then its kernel has asked for IPv6 neighbours and routers, though nobody gave it an IPv6 address.
    await eventually(async () => {
      const listed = await plain.run("ip", ["-6", "address", "show", "dev", "eth0", "scope", "link"]);
      return (listed.includes("fe80::") && !listed.includes("tentative")) || listed;
    });
  });
  await plain.remove();
});
