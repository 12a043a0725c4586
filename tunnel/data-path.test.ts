import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { gatewayMac, linkLocalAddress } from "../mesh/mac-address.ts";
import type { TunnelKind } from "../mesh/resources.ts";
import { systemClock } from "../platform/clock.ts";
import { eventually } from "../platform/testing/eventually.ts";
import { findTool } from "../platform/tools.ts";
import { removeDataPath, syncDataPath } from "./data-path.ts";
import { MESH_VXLAN, MESH_VXLAN_PORT, TUNNEL_FWMARK, VXLAN_VNI } from "./marks.ts";
import { observeDataPath } from "./observe.ts";
import type { DataPathDeps } from "./parts.ts";
import type { DataPath } from "./state.ts";
import type { FormerValue } from "./sysctls/memory.ts";
import { genKey, pubKey } from "./wireguard/keys.ts";
import type { TestNode } from "./testing/namespace.ts";
import { connect, makeTestNode, pidsIn } from "./testing/namespace.ts";

/** Two gateways on one cable, east (number 1) and west (2). */
interface Side {
  readonly node: TestNode;
  readonly deps: DataPathDeps;
  readonly privateKey: string;
  readonly publicKey: string;
}

let east: Side;
let west: Side;

async function makeSide(label: string): Promise<Side> {
  const node = await makeTestNode(label);
  let saved: Readonly<Record<string, FormerValue>> = {};
  const sysctlMemory = {
    load: () => Promise.resolve(saved),
    save: (values: Readonly<Record<string, FormerValue>>) => {
      saved = values;
      return Promise.resolve();
    },
  };
  const wireGuardGo = findTool("wireguard-go", process.env["PATH"] ?? "");
  const deps = { run: node.run, wireGuardGo, clock: systemClock, sysctlMemory, endpointMemory: new Map() };
  const privateKey = await genKey(node.run);
  return { node, deps, privateKey, publicKey: await pubKey(node.run, privateKey) };
}

/** What a gateway of cluster `own` holds for its link with `remote`, both families. */
function dataPath(side: Side, peer: Side, own: number, remote: number): DataPath {
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
      announcedPrefixes: [`10.10${own}.0.0/16`, `fd65:${own}::/48`],
      localPrefixes: [`10.10${own}.2.0/24`],
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

/** Everything of a node that a data path could leave behind. */
async function inventory({ node: { name, run } }: Side): Promise<string> {
  const parts = [
    await run("ip", ["-o", "link", "show"]),
    await run("ip", ["-o", "address", "show"]),
    await run("ip", ["-4", "route", "show", "table", "all"]),
    await run("ip", ["-6", "route", "show", "table", "all"]),
    await run("ip", ["rule", "show"]),
    await run("ip", ["nexthop", "show"]),
    await run("nft", ["list", "ruleset"]),
    await run("sh", [
      "-c",
      "cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/conf/eth0/rp_filter /proc/sys/net/ipv4/fib_multipath_hash_policy",
    ]),
    await run("find", ["/run"]),
  ];
  return [...parts, String((await pidsIn(name)).length)].join("\n");
}

async function wireGuardGoes({ node }: Side): Promise<number[]> {
  const commands = await Promise.all(
    (await pidsIn(node.name)).map(async (pid) => [pid, await readFile(`/proc/${pid}/cmdline`, "utf8")] as const),
  );
  return commands.filter(([, command]) => command.includes("wireguard-go")).map(([pid]) => pid);
}

const ping = (side: Side, address: string) =>
  side.node.run("ping", ["-c", "1", "-W", "1", address]).then(
    () => true,
    (error: unknown) => String(error),
  );

const bothWays = async () =>
  [await ping(east, "10.102.255.1"), await ping(west, "fd65:1:0:ffff::1")].find((seen) => seen !== true) ?? true;

const wantEast = () => dataPath(east, west, 1, 2);
const wantWest = () => dataPath(west, east, 2, 1);

beforeAll(async () => {
  [east, west] = await Promise.all([makeSide("east"), makeSide("west")]);
  await connect([east.node, ["192.0.2.1/24", "2001:db8::1/64"]], [west.node, ["192.0.2.2/24", "2001:db8::2/64"]]);
}, 60_000);

afterAll(async () => {
  await Promise.all([east, west].map((side) => side?.node.remove()));
}, 60_000);

test("one sync joins two gateways, the next one does nothing", async () => {
  expect((await syncDataPath(east.deps, wantEast())).failed).toEqual([]);
  expect((await syncDataPath(west.deps, wantWest())).failed).toEqual([]);
  await eventually(bothWays);
  expect(await syncDataPath(east.deps, wantEast())).toEqual({ done: [], failed: [] });
  expect(await syncDataPath(west.deps, wantWest())).toEqual({ done: [], failed: [] });
}, 60_000);

/** Breaks something of east's by hand, and says what was broken. */
const DAMAGES: readonly (readonly [string, () => Promise<unknown>])[] = [
  ["a route deleted", () => east.node.run("ip", ["route", "delete", "10.102.255.1", "proto", "174"])],
  [
    "a backstop deleted",
    () => east.node.run("ip", ["route", "delete", "unreachable", "10.102.0.0/16", "metric", "9999"]),
  ],
  ["an IPv6 route deleted", () => east.node.run("ip", ["route", "delete", "fd65:2::/48", "metric", "1024"])],
  [
    "a nexthop deleted, and with it its group and routes",
    () => east.node.run("ip", ["nexthop", "delete", "id", "4010"]),
  ],
  [
    "a group changed",
    () => east.node.run("ip", ["nexthop", "replace", "id", "5000", "group", "4010,3", "protocol", "174"]),
  ],
  [
    "a route led elsewhere",
    () => east.node.run("ip", ["route", "replace", "10.102.0.0/16", "via", "192.0.2.9", "proto", "174"]),
  ],
  ["our table deleted", () => east.node.run("nft", ["delete", "table", "inet", "trestle"])],
  ["our table's rules flushed", () => east.node.run("nft", ["flush", "table", "inet", "trestle"])],
  ["a chain of ours flushed", () => east.node.run("nft", ["flush", "chain", "inet", "trestle", "from_remote"])],
  ["a set of ours emptied", () => east.node.run("nft", ["flush", "set", "inet", "trestle", "announced4"])],
  ["a rule put into our table", () => east.node.run("nft", ["add", "rule", "inet", "trestle", "input", "drop"])],
  ["a mesh address deleted", () => east.node.run("ip", ["address", "delete", "10.101.255.1/32", "dev", "trsmesh"])],
  ["the mesh device deleted", () => east.node.run("ip", ["link", "delete", "dev", "trsmesh"])],
  ["the tunnel set down", () => east.node.run("ip", ["link", "set", "dev", "trs0-0", "down"])],
  ["the tunnel's MTU changed", () => east.node.run("ip", ["link", "set", "dev", "trs0-0", "mtu", "1300"])],
  ["the peer removed", () => east.node.run("wg", ["set", "trs0-0", "peer", west.publicKey, "remove"])],
  [
    "the peer's allowed IPs cut",
    () => east.node.run("wg", ["set", "trs0-0", "peer", west.publicKey, "allowed-ips", ""]),
  ],
  ["the port changed", () => east.node.run("wg", ["set", "trs0-0", "listen-port", "5"])],
  ["a sysctl changed", () => east.node.run("tee", ["/proc/sys/net/ipv4/ip_forward"], { stdin: "0\n" })],
];

test("one sync repairs whatever was damaged", async () => {
  for (const [damage, inflict] of DAMAGES) {
    await inflict();
    const { done, failed } = await syncDataPath(east.deps, wantEast());
    expect({ damage, failed, repaired: done.length > 0 }).toEqual({ damage, failed: [], repaired: true });
    expect({ damage, ...(await syncDataPath(east.deps, wantEast())) }).toEqual({ damage, done: [], failed: [] });
  }
  await eventually(bothWays);
}, 120_000);

test("one sync brings back a wireguard-go that was killed, and all that went with it", async () => {
  const [daemon] = await wireGuardGoes(east);
  process.kill(daemon ?? Number.NaN, "SIGKILL");
  await eventually(async () => !(await east.node.run("ip", ["-o", "link"])).includes("trs0-0"));
  expect((await syncDataPath(east.deps, wantEast())).failed).toEqual([]);
  expect(await wireGuardGoes(east)).not.toContain(daemon);
  await eventually(bothWays);
  expect(await syncDataPath(east.deps, wantEast())).toEqual({ done: [], failed: [] });
}, 60_000);

test("while a tunnel is gone its prefix is unreachable, not sent in clear", async () => {
  await east.node.run("ip", ["route", "add", "default", "via", "192.0.2.2"]);
  const [daemon] = await wireGuardGoes(east);
  process.kill(daemon ?? Number.NaN, "SIGKILL");
  await eventually(async () => !(await east.node.run("ip", ["-o", "link"])).includes("trs0-0"));
  for (const address of ["10.102.1.1", "fd65:2::1"]) {
    await expect(east.node.run("ip", ["route", "get", address])).rejects.toThrow(/No route to host|unreachable/);
  }
  await east.node.run("ip", ["route", "delete", "default"]);
  await syncDataPath(east.deps, wantEast());
  await eventually(bothWays);
}, 60_000);

test("a tunnel reaches announced prefixes, mesh addresses by ICMP, and nothing else", async () => {
  // West believes that east's LAN is behind the tunnel, and may send there; east has announced no such thing.
  const greedy = wantWest();
  const [device] = greedy.wireGuard;
  const [peer] = device?.peers ?? [];
  if (device === undefined || peer === undefined) throw new Error("west has no peer");
  const wider = { ...peer, allowedIPs: [...peer.allowedIPs, "198.51.100.0/24"] };
  const route = {
    prefix: "198.51.100.0/24",
    target: { kind: "device", device: "trs0-0" },
    src: "10.102.255.1",
  } as const;
  await syncDataPath(west.deps, {
    ...greedy,
    wireGuard: [{ ...device, peers: [wider] }],
    routes: [...greedy.routes, route],
  });
  await east.node.run("ip", ["address", "add", "198.51.100.1/32", "dev", "lo"]);
  await east.node.run("ip", ["route", "add", "198.51.100.128/25", "dev", "eth0"]);
  const before = (await observeDataPath(east.deps)).drops;
  expect(await ping(west, "198.51.100.1")).not.toBe(true);
  expect(await ping(west, "198.51.100.200")).not.toBe(true);
  const after = (await observeDataPath(east.deps)).drops;
  expect(after?.input).toBeGreaterThan(before?.input ?? 0);
  expect(after?.forward).toBeGreaterThan(before?.forward ?? 0);
  await east.node.run("ip", ["address", "delete", "198.51.100.1/32", "dev", "lo"]);
  await east.node.run("ip", ["route", "delete", "198.51.100.128/25"]);
  expect((await syncDataPath(west.deps, wantWest())).failed).toEqual([]);
}, 60_000);

test("what is observed tells handshakes and counters, and no secret", async () => {
  await eventually(bothWays);
  const observed = await observeDataPath(east.deps);
  expect(observed.tunnels).toMatchObject([
    { link: { name: "trs0-0", up: true }, wireGuard: { peers: [{ publicKey: west.publicKey }] } },
  ]);
  expect(JSON.stringify(observed)).not.toContain(east.privateKey);
  const [tunnel] = observed.tunnels;
  const peers = tunnel?.kind === "WireGuard" && "peers" in tunnel.wireGuard ? tunnel.wireGuard.peers : [];
  expect(peers[0]?.latestHandshake).toBeGreaterThan(0);
  expect(peers[0]?.rxBytes).toBeGreaterThan(0);
  expect(observed.meshAddresses.toSorted()).toEqual(wantEast().meshAddresses.toSorted());
}, 60_000);

test("what fails is reported by itself, and the rest is done", async () => {
  const want = wantEast();
  await east.node.run("ip", ["route", "add", "203.0.113.0/24", "via", "192.0.2.2", "proto", "static"]);
  const extra = [
    { prefix: "203.0.113.0/24", target: { kind: "unreachable" } },
    { prefix: "203.0.114.0/24", target: { kind: "nexthop", id: 777 } },
    { prefix: "203.0.115.0/24", target: { kind: "unreachable" } },
  ] as const;
  const report = await syncDataPath(east.deps, { ...want, routes: [...want.routes, ...extra] });
  expect(report.failed.map(({ part, message }) => `${part}: ${message}`).toSorted()).toEqual([
    "routes: Error: Nexthop id does not exist.",
    "routes: RTNETLINK answers: File exists",
  ]);
  expect(report.done.map(({ step }) => step)).toEqual(["route add unreachable 203.0.115.0/24 proto 174"]);
  await east.node.run("ip", ["route", "delete", "203.0.113.0/24", "proto", "static"]);
  expect((await syncDataPath(east.deps, want)).failed).toEqual([]);
}, 60_000);

test("a wireguard-go that hangs is reported, and everything else is done without it", async () => {
  const [daemon] = await wireGuardGoes(east);
  process.kill(daemon ?? Number.NaN, "SIGSTOP");
  await east.node.run("ip", ["route", "delete", "10.102.255.1", "proto", "174"]);
  const report = await syncDataPath(east.deps, wantEast());
  process.kill(daemon ?? Number.NaN, "SIGCONT");
  expect(report.failed.map(({ part, step }) => ({ part, step }))).toEqual([
    { part: "wireguard", step: "wg show trs0-0 dump" },
  ]);
  expect(report.done.map(({ part }) => part)).toEqual(["routes"]);
  expect(await syncDataPath(east.deps, wantEast())).toEqual({ done: [], failed: [] });
}, 60_000);

/** The same link by VXLAN as well, and `sends` says by which its packets leave; without WireGuard once that is over. */
function withVxlan(path: DataPath, own: number, remote: number, sends: TunnelKind): DataPath {
  const mac = gatewayMac(remote, 0);
  const prefixes = [`10.10${remote}.0.0/16`, `fd65:${remote}::/48`];
  const via = { 4: `10.10${remote}.255.3`, 6: linkLocalAddress(mac) };
  const hop = (family: 4 | 6) => ({ family, device: MESH_VXLAN[4], via: via[family], onlink: true });
  const members = sends === "VXLAN" ? [4020, 4120] : [4010, 4110];
  return {
    ...path,
    vxlan: [
      {
        name: MESH_VXLAN[4],
        vni: VXLAN_VNI,
        port: MESH_VXLAN_PORT,
        local: `192.0.2.${own}`,
        mac: gatewayMac(own, 0),
        mtu: 1450,
        peers: [{ mac, endpoint: `192.0.2.${remote}`, addresses: [via[4], via[6]] }],
      },
    ],
    nexthops: [
      ...path.nexthops.filter((nexthop) => !("group" in nexthop)),
      { id: 4020, ...hop(4) },
      { id: 4120, ...hop(6) },
      ...members.map((member, index) => ({ id: 5000 + index, group: [member] })),
    ],
    firewall: path.firewall && {
      ...path.firewall,
      vxlanEndpoints: [{ port: MESH_VXLAN_PORT, addresses: [`192.0.2.${remote}`] }],
      vxlanSources: [{ mac, prefixes }],
    },
    // While the ends change over one after the other, packets come by one kind and answers go by the other.
    sysctls: [...path.sysctls, { key: `net.ipv4.conf.${MESH_VXLAN[4]}.rp_filter`, value: "2" }],
  };
}

/** Without WireGuard, and what leads out of it. */
function vxlanOnly(path: DataPath): DataPath {
  return {
    ...path,
    wireGuard: [],
    nexthops: path.nexthops.filter((nexthop) => "group" in nexthop || nexthop.device === MESH_VXLAN[4]),
    routes: path.routes.filter(({ target }) => target.kind !== "device"),
    sysctls: path.sysctls.filter(({ key }) => !key.includes("trs0-0")),
  };
}

/** Starts to ping, many times a second; what is returned stops that, and resolves with ping's own summary. */
async function pingOn({ node: { run } }: Side, from: string, address: string): Promise<() => Promise<string>> {
  const log = `/run/ping-${address}`;
  const pid = (await run("sh", ["-c", `ping -q -i 0.02 -I ${from} ${address} > ${log} 2>&1 & echo $!`])).trim();
  return async () => {
    await run("kill", ["-INT", pid]);
    let summary = "";
    await eventually(async () => {
      summary = await run("cat", [log]);
      return summary.includes("packet loss") || summary;
    });
    await run("rm", [log]);
    return summary;
  };
}

test("a link goes from WireGuard to VXLAN and back while packets of both families cross it, and loses none", async () => {
  const paths = [
    [east, wantEast, 1, 2],
    [west, wantWest, 2, 1],
  ] as const;
  const syncBoth = async (change: (path: DataPath, own: number, remote: number) => DataPath) => {
    for (const [side, want, own, remote] of paths) {
      const path = change(want(), own, remote);
      expect((await syncDataPath(side.deps, path)).failed).toEqual([]);
      expect(await syncDataPath(side.deps, path)).toEqual({ done: [], failed: [] });
    }
  };
  // Not the health addresses: those have routes of their own, out of WireGuard.
  const stops = [
    await pingOn(east, "10.101.255.3", "10.102.255.3"),
    await pingOn(east, "fd65:1:0:ffff::1", "fd65:2:0:ffff::1"),
  ];
  const crossed = async () => Number(await east.node.run("cat", ["/sys/class/net/trsvx/statistics/rx_packets"]));
  await syncBoth((path, own, remote) => withVxlan(path, own, remote, "WireGuard"));
  expect(await crossed()).toBe(0);
  await syncBoth((path, own, remote) => withVxlan(path, own, remote, "VXLAN"));
  await syncBoth((path, own, remote) => vxlanOnly(withVxlan(path, own, remote, "VXLAN")));
  expect(await crossed()).toBeGreaterThan(10);
  await syncBoth((path, own, remote) => withVxlan(path, own, remote, "VXLAN"));
  // WireGuard shakes hands anew: packets wait for it, so it is proven before anything is sent by it.
  await eventually(() => ping(east, "10.102.255.1"));
  await syncBoth((path, own, remote) => withVxlan(path, own, remote, "WireGuard"));
  await syncBoth((path) => path);
  const summaries = await Promise.all(stops.map((stop) => stop()));
  const lost = summaries.map((summary) => {
    const [, sent, received] = /(\d+) packets transmitted, (\d+) received/.exec(summary) ?? [];
    return Number(sent) - Number(received);
  });
  // The last one may have been on its way when ping was told to stop.
  expect(lost.filter((count) => !(count <= 1))).toEqual([]);
}, 120_000);

test("no tunnel is opened while the firewall can't be put in place", async () => {
  await removeDataPath(east.deps);
  const want = wantEast();
  const firewall = want.firewall && { ...want.firewall, clusterDevices: ["a-name-too-long-for-any-device"] };
  const report = await syncDataPath(east.deps, { ...want, firewall });
  expect(new Set(report.failed.map(({ part }) => part))).toEqual(
    new Set(["firewall", "links", "wireguard", "addresses", "nexthops", "routes", "sysctls"]),
  );
  expect(await east.node.run("ip", ["-o", "link"])).not.toContain("trs");
  expect(await east.node.run("ip", ["-4", "route", "show", "proto", "174"])).toContain("unreachable 10.102.0.0/16");
  expect((await syncDataPath(east.deps, want)).failed).toEqual([]);
  await eventually(bothWays);
}, 60_000);

test("leaving takes all of ours away and nothing else", async () => {
  await removeDataPath(east.deps);
  const foreign = [
    ["ip", "route", "add", "10.102.0.0/16", "via", "192.0.2.2", "proto", "static"],
    ["ip", "route", "add", "unreachable", "fd65:2::/48", "metric", "77"],
    ["ip", "address", "add", "10.9.9.9/32", "dev", "lo"],
    ["ip", "link", "add", "dev", "trs9-9", "type", "bridge"],
    ["ip", "nexthop", "add", "id", "9", "via", "192.0.2.2", "dev", "eth0"],
    ["nft", "add", "table", "inet", "other"],
  ] as const;
  for (const [program, ...args] of foreign) {
    await east.node.run(program, args);
  }
  const before = await inventory(east);
  const want = wantEast();
  const routes = want.routes.map((route) => (route.metric === undefined ? { ...route, metric: 50 } : route));
  expect((await syncDataPath(east.deps, { ...want, routes })).failed).toEqual([]);
  await eventually(async () => (await inventory(east)) !== before);
  expect((await removeDataPath(east.deps)).failed).toEqual([]);
  await eventually(async () => (await inventory(east)) === before || [before, await inventory(east)]);
  expect(await removeDataPath(east.deps)).toEqual({ done: [], failed: [] });
}, 60_000);
