import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import path from "node:path";
import { isDeepStrictEqual } from "node:util";
import { eventually } from "../../platform/testing/eventually.ts";
import { median } from "../bench/stats.ts";
import { DAMAGES, killTunnels, setDownAndUp } from "./support/damages.ts";
import { heldBy, heldDifferences, msUntilWhole } from "./support/held.ts";
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
 * Fail closed: whatever is broken, no packet leaves a site in clear. From beginning to end the uplinks of all sites are
 * watched, while pods and nodes of one, which has to bear it all, send to pods of the others and they to its pods, by
 * WireGuard and by VXLAN, in both families.
 */

const lab = newTestLab();
const FILE = path.join(import.meta.dirname, "both-kinds.yaml");
const EAST = ["east/a", "east/b"];
const [GATEWAY, PLAIN] = EAST as [string, string];
const AGENTS = EAST.map((node) => `agent:${node}`);
/** East's own, and by which kind of tunnel it reaches the others. */
const PODS = {
  east: ["east/web", "east/api"],
  byWireGuard: ["west/db", "west/cache"],
  byVXLAN: ["south/mail", "north/feed"],
};
const [ON_GATEWAY, ON_PLAIN] = PODS.east as [string, string];
const REMOTE_PODS = [...PODS.byWireGuard, ...PODS.byVXLAN];
const SENDERS = { east: [...PODS.east, ...EAST], remote: [...REMOTE_PODS, "west/a", "west/b"] };

/** A quiet machine needs less than a second; what is asserted of that is {@link BY_EVENTS_MS}. */
const BACK_LIMIT_MS = 60_000;
/** Agents look at everything every ten seconds: what only that brings back takes five, half of the times. */
const BY_EVENTS_MS = 3_000;
/** What was seen, told at the end. */
const figures: string[] = [];

let uplinks: UplinkWatch;
let traffic: Traffic;
let news: UnreachableWatch;
let pings: readonly Pinging[];
let whole: readonly (readonly string[])[];

beforeAll(async () => {
  await lab.up(FILE);
  uplinks = await watchUplinks(lab, ["east", "west", "south", "north"], await meshPrefixes(lab));
  const sources = [
    ...SENDERS.east.map((source) => [source, bothOf(REMOTE_PODS)] as const),
    ...SENDERS.remote.map((source) => [source, bothOf(PODS.east)] as const),
  ];
  traffic = startTraffic(lab, new Map(sources));
  // Each of east's pods to the one in west that is on the other kind of node, each node of east to a pod on a plain one.
  const [onGateway = "", onPlain = ""] = PODS.byWireGuard;
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

/** As {@link startTraffic} names them. */
const flowsFrom = (sources: readonly string[], pods: readonly string[]): string[] =>
  sources.flatMap((source) => bothOf(pods).map((target) => `${source} to ${target}`));

const held = (): Promise<(readonly string[])[]> => Promise.all(EAST.map((node) => heldBy(lab.place(node))));

/** True when both of east's kernels hold what they did at first; else what differs. */
async function isWhole(): Promise<true | readonly string[]> {
  const now = await held();
  const differing = whole.flatMap((before, at) =>
    heldDifferences(before, now[at] ?? []).map((line) => `${EAST[at]} ${line}`),
  );
  return differing.length === 0 || differing;
}

async function flows(): Promise<void> {
  const sinceMs = Date.now();
  await eventually(() => traffic.flowsSince(sinceMs), BACK_LIMIT_MS);
}

/** Waits until kernels are whole and everybody is answered, and notes how long flows were silent since then. @returns milliseconds that kernels were seen not to be whole for */
async function comesBack(what: string, sinceMs: number): Promise<number> {
  const wholeMs = await msUntilWhole(isWhole, BACK_LIMIT_MS);
  await flows();
  const { flow, ms } = traffic.silence(sinceMs);
  figures.push(`${what}: kernels not whole for ${wholeMs} ms, longest silence ${ms} ms (${flow})`);
  return wholeMs;
}

/** Waits until, in a second that began after now, these flows were silent and no others. */
async function areSilent(what: string, expected: readonly string[]): Promise<void> {
  const sinceMs = Date.now();
  await eventually(() => {
    const fromMs = Date.now() - 1_000;
    if (fromMs < sinceMs) return "the second is not over";
    const silent = traffic.flowsSince(fromMs);
    return isDeepStrictEqual(silent === true ? [] : silent.toSorted(), expected.toSorted()) || silent;
  }, BACK_LIMIT_MS);
  figures.push(`${what}: ${expected.length} flows silent, the others go on`);
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

const killWireGuard = () => killTunnels(lab, GATEWAY);

/** Of every scenario. */
const nothingInClear = (): void => expect(uplinks.inClear()).toEqual([]);

describe("under living agents, what vanished comes back, and nothing leaves in clear meanwhile", () => {
  afterEach(nothingInClear);
  const tookMs: number[] = [];

  test.each<[string, () => Promise<unknown>]>([
    ["wireguard-go killed", killWireGuard],
    ["WireGuard's device deleted", onNode(GATEWAY, DAMAGES.deleteWireGuard)],
    ["VXLAN's devices deleted", onNode(GATEWAY, DAMAGES.deleteVXLAN)],
    ["VXLAN's far ends forgotten", onNode(GATEWAY, DAMAGES.forgetFarEnds)],
    ["VXLAN's neighbours forgotten", onNode(GATEWAY, DAMAGES.forgetNeighbours)],
    ["routes of a gateway flushed, backstops and all", onNode(GATEWAY, DAMAGES.flushRoutes)],
    ["routes of a plain node flushed, backstops and all", onNode(PLAIN, DAMAGES.flushRoutes)],
    ["nexthop groups deleted", onNode(GATEWAY, DAMAGES.deleteGroups)],
    ["nexthops deleted", onNode(GATEWAY, DAMAGES.deleteNexthops)],
    ["the firewall of a gateway deleted", onNode(GATEWAY, DAMAGES.deleteTable)],
    ["the firewall of a plain node deleted", onNode(PLAIN, DAMAGES.deleteTable)],
    ["the LAN's device of a plain node set down and up", () => setDownAndUp(lab, PLAIN)],
    ["the LAN's device of a gateway set down and up", () => setDownAndUp(lab, GATEWAY)],
  ])(
    "%s",
    async (what, damage) => {
      const sinceMs = Date.now();
      await damage();
      tookMs.push(await comesBack(`agents alive, ${what}`, sinceMs));
    },
    LAB_LIMIT_MS,
  );

  test("agents hear of it, rather than find it when they look at everything again", () => {
    figures.push(`agents alive, median of how long kernels were not whole: ${median(tookMs)} ms`);
    expect(median(tookMs)).toBeLessThan(BY_EVENTS_MS);
  });

  test.each(EAST)(
    "the LAN's carrier of %s gone and back",
    async (node) => {
      await lab.break(`node:${node}`);
      await lab.mend(`node:${node}`);
      await comesBack(`agents alive, carrier of ${node} back`, Date.now());
    },
    LAB_LIMIT_MS,
  );

  test.each([
    ["both", "east,west", "wireguard"],
    ["south", "east,south", "vxlan"],
  ])(
    "the link %s deleted, and created again between %s by %s",
    async (link, members, tunnel) => {
      await areTold(`${link} deleted, the command included`, PODS.east, () => lab.ask("link", "delete", link));
      await lab.ask("link", "create", link, "--members", members, "--tunnel", tunnel);
      await comesBack(`${link} created again, after the command`, Date.now());
      await eventually(() => allUp(lab, 6), BACK_LIMIT_MS);
    },
    LAB_LIMIT_MS,
  );
});

describe("with east's agents dead", () => {
  afterEach(nothingInClear);
  beforeEach(async () => {
    await Promise.all(AGENTS.map(lab.kill));
    await flows();
  }, LAB_LIMIT_MS);
  /** What a new agent finds it puts right. */
  afterEach(async () => {
    await Promise.all(AGENTS.map((agent) => lab.mend(agent)));
    await eventually(isWhole, BACK_LIMIT_MS);
    await flows();
  }, LAB_LIMIT_MS);

  test.each<[string, () => Promise<unknown>, readonly string[]]>([
    ["wireguard-go killed", killWireGuard, PODS.east],
    ["WireGuard's device deleted", onNode(GATEWAY, DAMAGES.deleteWireGuard), PODS.east],
    ["VXLAN's devices deleted", onNode(GATEWAY, DAMAGES.deleteVXLAN), PODS.east],
    ["nexthops deleted", onNode(GATEWAY, DAMAGES.deleteNexthops), PODS.east],
    // It knows the way to the plain node no more, not even for news.
    ["routes of a gateway flushed, backstops and all", onNode(GATEWAY, DAMAGES.flushRoutes), [ON_GATEWAY]],
    ["routes of a plain node flushed, backstops and all", onNode(PLAIN, DAMAGES.flushRoutes), [ON_PLAIN]],
    ["the LAN's device of a plain node set down and up", () => setDownAndUp(lab, PLAIN), [ON_PLAIN]],
  ])(
    "%s: pods are told that it is unreachable, and nothing leaves in clear",
    async (what, damage, told) => {
      await areTold(`agents dead, ${what}`, told, damage);
    },
    LAB_LIMIT_MS,
  );

  // A device that is there and does not know where to: nobody is told.
  test.each([
    ["far ends", DAMAGES.forgetFarEnds],
    ["neighbours", DAMAGES.forgetNeighbours],
  ])(
    "VXLAN's %s forgotten: what it carried ends, all else goes on, and nothing leaves in clear",
    async (what, damage) => {
      await onNode(GATEWAY, damage)();
      const carried = [...flowsFrom(SENDERS.east, PODS.byVXLAN), ...flowsFrom(PODS.byVXLAN, PODS.east)];
      await areSilent(`agents dead, VXLAN's ${what} forgotten`, carried);
    },
    LAB_LIMIT_MS,
  );

  test(
    "the LAN's device of the gateway set down and up: its own pods go on, those behind it are out of reach",
    async () => {
      await setDownAndUp(lab, GATEWAY);
      const behind = [...flowsFrom(SENDERS.remote, [ON_PLAIN]), ...flowsFrom([ON_PLAIN, PLAIN], REMOTE_PODS)];
      await areSilent("agents dead, the gateway's LAN device down and up", behind);
    },
    LAB_LIMIT_MS,
  );

  test(
    "the LAN's carrier gone and back, on both: all goes on without any agent",
    async () => {
      for (const node of EAST) await lab.break(`node:${node}`);
      for (const node of EAST) await lab.mend(`node:${node}`);
      await comesBack("agents dead, carriers back", Date.now());
    },
    LAB_LIMIT_MS,
  );
});

test("a route by hand past the tunnels is held by the firewall; with that gone, too, the watch sees what leaves in clear", async () => {
  await lab.kill(`agent:${PLAIN}`);
  const { run } = lab.place(PLAIN);
  const attachments = lab.site("east").nodes.find(({ name }) => name === "b")?.attachments ?? [];
  const past = attachments.map(({ family, router }) => `route add ${lab.pod("west/db", family)} via ${router}`);
  const routeByHand = (): Promise<string> => run("ip", ["-batch", "-"], { stdin: past.join("\n") });
  await areTold("a route by hand past the tunnels", [ON_PLAIN], routeByHand);
  expect(uplinks.inClear()).toEqual([]);
  await run("sh", ["-c", DAMAGES.deleteTable]);
  await eventually(() => {
    const seen = uplinks.inClear();
    return (seen.some((line) => line.includes(" IP ")) && seen.some((line) => line.includes(" IP6 "))) || seen;
  });
  figures.push(`positive control: ${uplinks.inClear().length} packets seen in clear`);
  await uplinks.stop();
});
