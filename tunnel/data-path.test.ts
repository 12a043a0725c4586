import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Run } from "../platform/run.ts";
import { eventually } from "../platform/testing/eventually.ts";
import { removeDataPath, syncDataPath } from "./data-path.ts";
import { observeDataPath } from "./observe.ts";
import type { DataPath } from "./state.ts";
import { pidsIn } from "./testing/namespace.ts";
import type { Side } from "./testing/two-gateways.ts";
import { dataPath, makeSides, ping } from "./testing/two-gateways.ts";
import { genKey, pubKey } from "./wireguard/keys.ts";

/** Two gateways on one cable, east (number 1) and west (2). */
let east: Side;
let west: Side;

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

const bothWays = async () =>
  [await ping(east, "10.102.255.1"), await ping(west, "fd65:1:0:ffff::1")].find((seen) => seen !== true) ?? true;

const wantEast = () => dataPath(east, west, 1, 2);
const wantWest = () => dataPath(west, east, 2, 1);

beforeAll(async () => {
  [east, west] = await makeSides();
});

afterAll(() => Promise.all([east, west].map((side) => side?.node.remove())));

test("one sync joins two gateways, the next one does nothing", async () => {
  expect((await syncDataPath(east.deps, wantEast())).failed).toEqual([]);
  expect((await syncDataPath(west.deps, wantWest())).failed).toEqual([]);
  await eventually(bothWays);
  expect(await syncDataPath(east.deps, wantEast())).toEqual({ done: [], failed: [], obstacles: [] });
  expect(await syncDataPath(west.deps, wantWest())).toEqual({ done: [], failed: [], obstacles: [] });
});

test("one sync brings back a wireguard-go that was killed, and all that went with it", async () => {
  const [daemon] = await wireGuardGoes(east);
  process.kill(daemon ?? Number.NaN, "SIGKILL");
  await eventually(async () => !(await east.node.run("ip", ["-o", "link"])).includes("trs0-0"));
  expect((await syncDataPath(east.deps, wantEast())).failed).toEqual([]);
  expect(await wireGuardGoes(east)).not.toContain(daemon);
  await eventually(bothWays);
  expect(await syncDataPath(east.deps, wantEast())).toEqual({ done: [], failed: [], obstacles: [] });
});

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
});

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
  const reached: unknown[] = [];
  await eventually(async () => {
    for (const address of ["198.51.100.1", "198.51.100.200"]) reached.push(await ping(west, address));
    const after = (await observeDataPath(east.deps)).drops ?? { input: 0, forward: 0 };
    return (after.input > (before?.input ?? 0) && after.forward > (before?.forward ?? 0)) || { before, after };
  });
  expect(reached).not.toContain(true);
  await east.node.run("ip", ["address", "delete", "198.51.100.1/32", "dev", "lo"]);
  await east.node.run("ip", ["route", "delete", "198.51.100.128/25"]);
  expect((await syncDataPath(west.deps, wantWest())).failed).toEqual([]);
});

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
});

test("what fails is reported by itself, and the rest is done", async () => {
  const want = wantEast();
  await east.node.run("ip", ["route", "add", "203.0.113.0/24", "via", "192.0.2.2", "proto", "static"]);
  const extra = [
    { prefix: "203.0.113.0/24", target: { kind: "unreachable" } },
    { prefix: "203.0.114.0/24", target: { kind: "nexthop", id: 777 } },
    { prefix: "203.0.115.0/24", target: { kind: "unreachable" } },
  ] as const;
  const report = await syncDataPath(east.deps, { ...want, routes: [...want.routes, ...extra] });
  expect(report.failed.map(({ part, message }) => `${part}: ${message}`)).toEqual([
    "routes: Error: Nexthop id does not exist.",
  ]);
  expect(report.obstacles).toEqual([
    {
      part: "routes",
      step: "route add unreachable 203.0.113.0/24 proto 174",
      message: expect.stringContaining("another program has a route of this prefix and metric"),
    },
  ]);
  expect(report.done.map(({ step }) => step)).toEqual(["route add unreachable 203.0.115.0/24 proto 174"]);
  await east.node.run("ip", ["route", "delete", "203.0.113.0/24", "proto", "static"]);
  expect((await syncDataPath(east.deps, want)).failed).toEqual([]);
});

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
  expect(await syncDataPath(east.deps, wantEast())).toEqual({ done: [], failed: [], obstacles: [] });
});

/** With a firewall that nft refuses. */
function unfenced(path: DataPath): DataPath {
  const firewall = path.firewall && { ...path.firewall, clusterDevices: ["a-name-too-long-for-any-device"] };
  return { ...path, firewall };
}

const forwards = async () => (await east.node.run("cat", ["/proc/sys/net/ipv4/ip_forward"])).trim();

test("no tunnel is opened, and nothing is forwarded, while the firewall can't be put in place", async () => {
  await removeDataPath(east.deps);
  expect(await forwards()).toBe("0");
  const report = await syncDataPath(east.deps, unfenced(wantEast()));
  expect(new Set(report.failed.map(({ part }) => part))).toEqual(new Set(["firewall", "links", "sysctls"]));
  expect(await east.node.run("ip", ["-o", "link"])).not.toContain("trs");
  expect(await east.node.run("ip", ["-4", "route", "show", "proto", "174"])).toContain("unreachable 10.102.0.0/16");
  expect(await forwards()).toBe("0");
  expect((await syncDataPath(east.deps, wantEast())).failed).toEqual([]);
  expect(await forwards()).toBe("1");
  await eventually(bothWays);
});

test("without a firewall whoever is unlinked goes all the same, nobody else is let in, and tunnels carry on", async () => {
  const want = wantEast();
  const stranger = {
    publicKey: await pubKey(east.node.run, await genKey(east.node.run)),
    allowedIPs: ["10.103.0.0/16"],
  };
  const both = want.wireGuard.map((device) => ({
    ...device,
    peers: [...device.peers, { ...stranger, persistentKeepalive: 0 }],
  }));
  const peers = async () => (await east.node.run("wg", ["show", "trs0-0", "peers"])).trim().split("\n");
  expect((await syncDataPath(east.deps, unfenced({ ...want, wireGuard: both }))).failed).toContainEqual({
    part: "wireguard",
    step: "wg set trs0-0",
    message: "not while the firewall is not in place",
  });
  expect(await peers()).toEqual([west.publicKey]);
  await eventually(bothWays);
  expect((await syncDataPath(east.deps, { ...want, wireGuard: both })).failed).toEqual([]);
  expect(await peers()).toHaveLength(2);
  await syncDataPath(east.deps, unfenced(want));
  expect(await peers()).toEqual([west.publicKey]);
  expect((await syncDataPath(east.deps, want)).failed).toEqual([]);
});

test("leaving takes the tunnels away though nft fails", async () => {
  const run: Run = (program, args, options) =>
    args.includes("nft") || program === "nft"
      ? Promise.reject(new Error("nft is broken"))
      : east.node.run(program, args, options);
  const { failed } = await removeDataPath({ ...east.deps, run });
  expect(new Set(failed.map(({ part }) => part))).toEqual(new Set(["firewall", "foreign"]));
  expect(await east.node.run("ip", ["-o", "link"])).not.toContain("trs");
  expect(await forwards()).toBe("0");
  expect((await removeDataPath(east.deps)).failed).toEqual([]);
  expect((await syncDataPath(east.deps, wantEast())).failed).toEqual([]);
  await eventually(bothWays);
});

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
  await eventually(async () => (await inventory(east)) !== before || before);
  expect((await removeDataPath(east.deps)).failed).toEqual([]);
  await eventually(async () => (await inventory(east)) === before || [before, await inventory(east)]);
  expect(await removeDataPath(east.deps)).toEqual({ done: [], failed: [], obstacles: [] });
});
