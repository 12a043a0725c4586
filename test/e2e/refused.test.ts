import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { readFileSync } from "node:fs";
import path from "node:path";
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { addressIn, attachmentTo, FIRST_MACHINE, HUB_NETS, routerOf } from "../../lab/addressing.ts";
import { logFile } from "../../lab/daemons.ts";
import { eventually } from "../../platform/testing/eventually.ts";
import { announce } from "./support/announce.ts";
import { awaitAnswer, pingOnce, startPings } from "./support/ping.ts";
import type { Pinging } from "./support/ping.ts";
import { sayPods } from "./support/say-pods.ts";
import { takeAddress } from "./support/shots.ts";
import { allUp, LAB_LIMIT_MS, meshPrefixes, newTestLab } from "./support/test-lab.ts";
import { watchUplinks } from "./support/uplinks.ts";
import type { UplinkWatch } from "./support/uplinks.ts";

/**
 * A signed view that would cut east off: west announces east's LAN, in which its default gateway is, and may, for nobody
 * declared it; and its own, in which west is dialled; and the hub says that some of east's pods are north's.
 */

const lab = newTestLab();
const FILE = path.join(import.meta.dirname, "refused.yaml");
const EAST = ["a", "b"];
/** Its pods and nodes. */
const PLACES = ["east/web", "east/api", ...EAST.map((node) => `east/${node}`)];
const EAST_LAN = "192.168.1.0/24";
const WEST_LAN = "192.168.2.0/24";
const EAST_PODS = "10.64.0.0/17";
/** West announces it as well, and has it behind its node b. */
const RANGE = "172.20.0.0/24";
const HOST_IN_RANGE = "172.20.0.7";
const REFUSED = [
  { cluster: "north", prefix: EAST_PODS, reason: "OverlapsOwn" },
  { cluster: "west", prefix: EAST_LAN, reason: "OverlapsLAN" },
  { cluster: "west", prefix: WEST_LAN, reason: "CoversEndpoint" },
];

let uplinks: UplinkWatch;
/** What must not stop, by what it shows. */
const streams = new Map<string, Pinging>();
let northPods: readonly string[];

beforeAll(async () => {
  await lab.up(FILE);
  await takeAddress(lab.place("west/b"), HOST_IN_RANGE, "lo");
  await lab.place("west/a").run("ip", ["route", "add", RANGE, "via", lanAddress("west", "b")]);
  uplinks = await watchUplinks(lab, ["east", "west", "north"], [...(await meshPrefixes(lab)), RANGE]);
  const ways = [
    ["a neighbour on the LAN", "east/b", lanAddress("east", "a")],
    ["a neighbour on the LAN, the other way", "east/a", lanAddress("east", "b")],
    ["the default gateway", "east/b", routerOf(EAST_LAN)],
    ["the hub", "east/a", attachmentTo(HUB_NETS[0], FIRST_MACHINE).address],
    ["an own pod on the other node", "east/api", lab.pod("east/web")],
    ["a pod of the cluster that announces too much", "east/api", lab.pod("west/db")],
    ["a pod of the cluster that is said to have too much", "east/a", lab.pod("north/mail")],
  ] as const;
  for (const [what, from, to] of ways) streams.set(what, await startPings(lab.place(from), to, 50));
  northPods = (await lab.status()).clusters.find(({ name }) => name === "north")?.podCIDRs ?? [];
  await announce(lab, "west", [EAST_LAN, WEST_LAN, RANGE]);
  await sayPods(lab, "north", [...northPods, EAST_PODS]);
}, 2 * LAB_LIMIT_MS);

afterAll(async () => {
  await Promise.all([...streams.values()].map(({ stop }) => stop()));
  await lab.down();
}, LAB_LIMIT_MS);

function lanAddress(cluster: string, node: string): string {
  const { attachments = [] } = lab.site(cluster).nodes.find(({ name }) => name === node) ?? {};
  return addressIn(attachments, 4) ?? "";
}

const refusal = z.object({
  event: z.literal("prefix-refused"),
  cluster: z.string(),
  prefix: z.string(),
  reason: z.string(),
});

/** What a node of east has refused so far, as its agent logs it, in the order of prefixes. */
function refusedBy(node: string): z.infer<typeof refusal>[] {
  const lines = readFileSync(logFile(lab.lab, `agent:east/${node}`), "utf8")
    .split("\n")
    .slice(0, -1);
  return lines.flatMap((line) => refusal.safeParse(JSON.parse(line)).data ?? []).toSorted(byPrefix);
}

const byPrefix = (a: { readonly prefix: string }, b: { readonly prefix: string }): number =>
  a.prefix < b.prefix ? -1 : 1;

test.each(EAST)("node %s refuses each prefix that would cut it off, with the reason, and no other", async (node) => {
  const wanted = REFUSED.map((each) => ({ event: "prefix-refused", ...each }));
  await eventually(() => isDeepStrictEqual(refusedBy(node), wanted) || refusedBy(node));
  const ours = await lab.place(`east/${node}`).run("ip", ["-4", "route", "show", "proto", "174"]);
  const routed = ours.split("\n").filter((line) => !line.startsWith("unreachable "));
  for (const { prefix } of REFUSED) expect(routed.filter((line) => line.startsWith(`${prefix} `))).toEqual([]);
});

test("the pairs say so: they are degraded, with the reason", async () => {
  const whys: Readonly<Record<string, string>> = {
    north: "it overlaps 10.64.0.0/16, this cluster's own pods",
    west: `it holds ${lanAddress("west", "a")}, where cluster "west" is dialled`,
  };
  await eventually(async () => {
    const pairs = (await lab.status()).pairs.filter(({ from }) => from === "east");
    const areRight = pairs.every(
      ({ to, state, reason, message }) =>
        state === "Degraded" && reason === "PrefixRefused" && message.includes(whys[to] ?? to),
    );
    return (pairs.length === 2 && areRight) || pairs;
  });
});

test.each(PLACES)("%s reaches all else of that cluster", async (from) => {
  await awaitAnswer(lab.place(from), HOST_IN_RANGE);
  await awaitAnswer(lab.place(from), lab.pod("west/db"));
});

test.each(PLACES)("%s is told that what was refused, and is not its own, is unreachable", async (from) => {
  await eventually(async () => {
    const said = await pingOnce(lab.place(from), lanAddress("west", "b"));
    return /Destination (Host|Net) Unreachable/.test(said) || said;
  });
});

test(
  "once it is taken back, all is as it was",
  async () => {
    await announce(lab, "west", []);
    await sayPods(lab, "north", northPods);
    await eventually(() => allUp(lab, 4));
    await awaitAnswer(lab.place("east/api"), lab.pod("north/mail"));
  },
  LAB_LIMIT_MS,
);

test("all the while nothing stopped, the LAN, the hub and other clusters included, and nothing left in clear", async () => {
  const lost = [...streams].map(async ([what, { stop }]) => [what, (await stop()).lost] as const);
  expect(await Promise.all(lost)).toEqual([...streams.keys()].map((what) => [what, []]));
  await uplinks.stop();
  expect(uplinks.inClear()).toEqual([]);
});
