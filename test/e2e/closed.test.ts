import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import path from "node:path";
import { isDeepStrictEqual } from "node:util";
import { withLength } from "../../lab/addressing.ts";
import { netnsInode } from "../../lab/netns.ts";
import { processesIn } from "../../lab/process.ts";
import { eventually } from "../../platform/testing/eventually.ts";
import { FLUSH_ROUTES, heldBy } from "./support/held.ts";
import { startPings } from "./support/ping.ts";
import type { Pinging } from "./support/ping.ts";
import { allUp, LAB_LIMIT_MS, meshPrefixes, newTestLab } from "./support/test-lab.ts";
import { startTraffic } from "./support/traffic.ts";
import type { Traffic } from "./support/traffic.ts";
import { watchUnreachable } from "./support/unreachable.ts";
import type { UnreachableWatch } from "./support/unreachable.ts";
import { watchUplinks } from "./support/uplinks.ts";
import type { UplinkWatch } from "./support/uplinks.ts";

/**
 * Fail closed: whatever is broken, no packet leaves a site in clear. From beginning to end the uplinks of both sites are
 * watched, while pods and nodes of both send to pods of the other, in both families.
 */

const lab = newTestLab();
const FILE = path.join(import.meta.dirname, "two-sites.yaml");
const EAST = ["east/a", "east/b"];
const AGENTS = EAST.map((node) => `agent:${node}`);
const PODS = { east: ["east/web", "east/api"], west: ["west/db", "west/cache"] };

/** What vanished is to be back within a second; a machine with two cores that does other things, too, is given longer. */
const BACK_LIMIT_MS = 8_000;
/** For what the store has to be told before others can act on it. */
const TOLD_LIMIT_MS = 30_000;
/** What was seen, told at the end. */
const figures: string[] = [];

let uplinks: UplinkWatch;
let traffic: Traffic;
let news: UnreachableWatch;
let pings: readonly Pinging[];
let whole: readonly (readonly string[])[];

beforeAll(async () => {
  await lab.up(FILE);
  uplinks = await watchUplinks(lab, ["east", "west"], await meshPrefixes(lab));
  const sources = [
    ...[...PODS.east, ...EAST].map((source) => [source, bothOf(PODS.west)] as const),
    ...[...PODS.west, "west/a", "west/b"].map((source) => [source, bothOf(PODS.east)] as const),
  ];
  traffic = startTraffic(lab, new Map(sources));
  // Each of east's pods to the one in west that is on the other kind of node, each node of east to a pod on a plain one.
  const [onGateway = "", onPlain = ""] = PODS.west;
  const pinged = [
    ["east/web", onPlain],
    ["east/api", onGateway],
    ["east/a", onPlain],
    ["east/b", onPlain],
  ].flatMap(([from = "", to = ""]) => ([4, 6] as const).map((family) => ({ from, to, family })));
  pings = await Promise.all(
    pinged.map(({ from, to, family }) => startPings(lab.place(from), lab.pod(to, family), 100)),
  );
  news = await watchUnreachable(lab, PODS.east);
  whole = await held();
}, 2 * LAB_LIMIT_MS);

afterAll(async () => {
  console.log(`figures of this run:\n  ${figures.join("\n  ")}`);
  await Promise.all([traffic, news, ...(pings ?? [])].map((each) => each?.stop()));
  await lab.down();
}, 2 * LAB_LIMIT_MS);

/** Addresses of pods, of both families. */
const bothOf = (pods: readonly string[]): string[] => pods.flatMap((pod) => [lab.pod(pod, 4), lab.pod(pod, 6)]);

const held = (): Promise<(readonly string[])[]> => Promise.all(EAST.map((node) => heldBy(lab.place(node))));

/** True when both of east's kernels hold what they did at first; else what differs. */
async function isWhole(): Promise<true | readonly string[]> {
  const now = await held();
  const differing = whole.flatMap((before, at) => [
    ...before.filter((line) => !now[at]?.includes(line)).map((line) => `${EAST[at]} lacks ${line}`),
    ...(now[at] ?? []).filter((line) => !before.includes(line)).map((line) => `${EAST[at]} has ${line}`),
  ]);
  return differing.length === 0 || differing;
}

async function flows(limitMs: number): Promise<void> {
  const sinceMs = Date.now();
  await eventually(() => traffic.flowsSince(sinceMs), limitMs);
}

/** Waits until kernels are whole and everybody is answered, and notes how long that took and how long flows were silent. */
async function comesBack(what: string, sinceMs: number, limitMs = BACK_LIMIT_MS): Promise<void> {
  await eventually(isWhole, limitMs);
  const wholeMs = Date.now() - sinceMs;
  await flows(limitMs);
  const { flow, ms } = traffic.silence(sinceMs);
  figures.push(`${what}: kernels whole after ${wholeMs} ms, longest silence ${ms} ms (${flow})`);
  expect(wholeMs).toBeLessThan(limitMs);
}

/**
 * Does the damage and waits until these pods are told, by somebody's ICMP in each family, that what they send to is
 * unreachable. At once, or not at all: the kernel's allowance is for some messages, and who goes on sending uses it up.
 */
async function areTold(what: string, pods: readonly string[], damage: () => Promise<unknown>): Promise<void> {
  const ears = pods.flatMap((pod) => ([4, 6] as const).map((family) => ({ pod, family })));
  const before = ears.map(({ pod, family }) => news.told(pod, family));
  const sinceMs = Date.now();
  await damage();
  await eventually(() => {
    const untold = ears.filter(({ pod, family }, at) => news.told(pod, family) === before[at]);
    return untold.length === 0 || untold;
  });
  figures.push(`${what}: ${pods.join(", ")} told "unreachable" after ${Date.now() - sinceMs} ms`);
}

const onNode = (node: string, script: string) => () => lab.place(node).run("sh", ["-ec", script]);

/** SIGKILL. */
function killTunnels(): Promise<void> {
  const inode = netnsInode(lab.place("east/a").netns);
  const found = inode === undefined ? [] : processesIn(new Set([inode]));
  const tunnels = found.filter(({ command }) => command === "wireguard-go");
  expect(tunnels.length).toBeGreaterThan(0);
  for (const { pid } of tunnels) process.kill(pid, "SIGKILL");
  return Promise.resolve();
}

/** As an admin does it: the kernel drops all routes of the device, and of IPv6 the addresses; then what the machine's own configuration gives it again. */
function setDownAndUp(node: string): () => Promise<unknown> {
  const [cluster = "", name] = node.split("/");
  return () => {
    const attachments = lab.site(cluster).nodes.find((each) => each.name === name)?.attachments ?? [];
    const lines = attachments.flatMap((each) => [
      `address replace ${withLength(each)} dev eth0${each.family === 6 ? " nodad" : ""}`,
      `route replace default via ${each.router} dev eth0`,
    ]);
    const stdin = ["link set eth0 down", "link set eth0 up", ...lines].join("\n");
    return lab.place(node).run("ip", ["-batch", "-"], { stdin });
  };
}

const [GATEWAY, PLAIN] = EAST as [string, string];
const [ON_GATEWAY, ON_PLAIN] = PODS.east as [string, string];
const DELETE_DEVICE = "ip link delete trs0-0";
const DELETE_GROUPS =
  "ip nexthop show proto 174 | sed -n 's/^id \\([0-9]*\\) group .*/nexthop delete id \\1/p' | ip -batch -";
const DELETE_NEXTHOPS = "ip nexthop flush proto 174";
const DELETE_TABLE = "nft delete table inet trestle";

/** Of every scenario. */
const nothingInClear = (): void => expect(uplinks.inClear()).toEqual([]);

describe("under living agents, what vanished is back within a second, and nothing leaves in clear meanwhile", () => {
  afterEach(nothingInClear);

  test.each<[string, number, () => Promise<unknown>]>([
    ["wireguard-go killed", BACK_LIMIT_MS, killTunnels],
    ["the tunnel's device deleted", BACK_LIMIT_MS, onNode(GATEWAY, DELETE_DEVICE)],
    ["routes of a gateway flushed, backstops and all", BACK_LIMIT_MS, onNode(GATEWAY, FLUSH_ROUTES)],
    ["routes of a plain node flushed, backstops and all", BACK_LIMIT_MS, onNode(PLAIN, FLUSH_ROUTES)],
    ["nexthop groups deleted", BACK_LIMIT_MS, onNode(GATEWAY, DELETE_GROUPS)],
    ["nexthops deleted", BACK_LIMIT_MS, onNode(GATEWAY, DELETE_NEXTHOPS)],
    ["the firewall of a gateway deleted", BACK_LIMIT_MS, onNode(GATEWAY, DELETE_TABLE)],
    ["the firewall of a plain node deleted", BACK_LIMIT_MS, onNode(PLAIN, DELETE_TABLE)],
    ["the LAN's device of a plain node set down and up", TOLD_LIMIT_MS, setDownAndUp(PLAIN)],
    ["the LAN's device of a gateway set down and up", TOLD_LIMIT_MS, setDownAndUp(GATEWAY)],
  ])(
    "%s",
    async (what, limitMs, damage) => {
      const sinceMs = Date.now();
      await damage();
      await comesBack(`agents alive, ${what}`, sinceMs, limitMs);
    },
    2 * TOLD_LIMIT_MS,
  );

  test.each(EAST)(
    "the LAN's carrier of %s gone and back",
    async (node) => {
      await lab.break(`node:${node}`);
      await lab.mend(`node:${node}`);
      await comesBack(`agents alive, carrier of ${node} back`, Date.now(), TOLD_LIMIT_MS);
    },
    60_000,
  );

  test("the link deleted, and created again", async () => {
    await areTold("link deleted, the command included", PODS.east, () => lab.ask("link", "delete", "both"));
    await lab.ask("link", "create", "both", "--members", "east,west");
    await comesBack("link created again, after the command", Date.now(), TOLD_LIMIT_MS);
    await eventually(() => allUp(lab, 2));
  }, 90_000);
});

describe("with east's agents dead", () => {
  afterEach(nothingInClear);
  beforeEach(async () => {
    await Promise.all(AGENTS.map(lab.kill));
    await flows(TOLD_LIMIT_MS);
  }, 60_000);
  /** What a new agent finds it puts right. */
  afterEach(async () => {
    await Promise.all(AGENTS.map((agent) => lab.mend(agent)));
    await eventually(isWhole, TOLD_LIMIT_MS);
    await flows(TOLD_LIMIT_MS);
  }, 90_000);

  test.each<[string, () => Promise<unknown>, readonly string[]]>([
    ["wireguard-go killed", killTunnels, PODS.east],
    ["the tunnel's device deleted", onNode(GATEWAY, DELETE_DEVICE), PODS.east],
    ["nexthops deleted", onNode(GATEWAY, DELETE_NEXTHOPS), PODS.east],
    // It knows the way to the plain node no more, not even for news.
    ["routes of a gateway flushed, backstops and all", onNode(GATEWAY, FLUSH_ROUTES), [ON_GATEWAY]],
    ["routes of a plain node flushed, backstops and all", onNode(PLAIN, FLUSH_ROUTES), [ON_PLAIN]],
    ["the LAN's device of a plain node set down and up", setDownAndUp(PLAIN), [ON_PLAIN]],
  ])(
    "%s: pods are told that it is unreachable, and nothing leaves in clear",
    async (what, damage, told) => {
      await areTold(`agents dead, ${what}`, told, damage);
    },
    60_000,
  );

  test("the LAN's device of the gateway set down and up: its own pods go on, those behind it are out of reach", async () => {
    await setDownAndUp(GATEWAY)();
    const sinceMs = Date.now();
    const behind = ["west/a", "west/b", ...PODS.west].flatMap((source) =>
      bothOf([ON_PLAIN]).map((target) => `${source} to ${target}`),
    );
    const from = [ON_PLAIN, PLAIN].flatMap((source) => bothOf(PODS.west).map((target) => `${source} to ${target}`));
    const expected = [...behind, ...from].toSorted();
    await eventually(() => {
      const silent = traffic.flowsSince(sinceMs);
      return isDeepStrictEqual(silent === true ? [] : silent.toSorted(), expected) || silent;
    });
    figures.push(`agents dead, the gateway's LAN device down and up: its pods go on after ${Date.now() - sinceMs} ms`);
  }, 60_000);

  test("the LAN's carrier gone and back, on both: all goes on without any agent", async () => {
    for (const node of EAST) await lab.break(`node:${node}`);
    for (const node of EAST) await lab.mend(`node:${node}`);
    await comesBack("agents dead, carriers back", Date.now(), TOLD_LIMIT_MS);
  }, 60_000);
});

test("a route by hand past the tunnels is held by the firewall; with that gone, too, the watch sees what leaves in clear", async () => {
  await lab.kill(`agent:${PLAIN}`);
  const { run } = lab.place(PLAIN);
  const attachments = lab.site("east").nodes.find(({ name }) => name === "b")?.attachments ?? [];
  const past = attachments.map(({ family, router }) => `route add ${lab.pod("west/db", family)} via ${router}`);
  const routeByHand = (): Promise<string> => run("ip", ["-batch", "-"], { stdin: past.join("\n") });
  await areTold("a route by hand past the tunnels", [ON_PLAIN], routeByHand);
  expect(uplinks.inClear()).toEqual([]);
  await run("sh", ["-c", DELETE_TABLE]);
  await eventually(() => {
    const seen = uplinks.inClear();
    return (seen.some((line) => line.includes(" IP ")) && seen.some((line) => line.includes(" IP6 "))) || seen;
  });
  figures.push(`positive control: ${uplinks.inClear().length} packets seen in clear`);
  await uplinks.stop();
}, 60_000);
