import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import path from "node:path";
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { mendAll } from "../../lab/faults.ts";
import type { Family, TunnelKind } from "../../mesh/resources.ts";
import { eventually } from "../../platform/testing/eventually.ts";
import { applyLinks } from "./support/apply-links.ts";
import { pairsCheck, waysTooNarrow } from "./support/check.ts";
import { LAB_LIMIT_MS, newTestLab } from "./support/test-lab.ts";
import { sendWhole, widenPods } from "./support/whole.ts";

/** How large a packet may be, by each kind of tunnel over each family of addresses, with either family inside. */

const lab = newTestLab();
const FILE = path.join(import.meta.dirname, "mtu.yaml");
const { signal } = new AbortController();
/** Bytes, of every wire of the lab. */
const WIRE = 1500;
const FAMILIES: readonly Family[] = [4, 6];
/** A link's new kind is proven first, and then the old one stays for 30 s. */
const KIND_LIMIT_MS = 150_000;

beforeAll(async () => {
  await lab.up(FILE);
  await widenPods(lab, WIRE);
}, 2 * LAB_LIMIT_MS);

afterAll(() => lab.down(), LAB_LIMIT_MS);

/** Each way between pods of linked sites: from a pod beside its gateway and from one on a plain node, over either family. */
const WAYS = {
  "near over IPv4": ["both/near", "four/pod"],
  "far over IPv4": ["both/far", "four/pod"],
  "back over IPv4": ["four/pod", "both/far"],
  "near over IPv6": ["both/near", "six/pod"],
  "far over IPv6": ["both/far", "six/pod"],
  "back over IPv6": ["six/pod", "both/far"],
} as const;
type Way = keyof typeof WAYS;
const waysNamed = Object.keys(WAYS) as Way[];
/** Bytes of the largest packet of a family that goes a way. */
type Sizes = (way: Way, family: Family) => number;

/** Sizes by the family that the tunnel goes over, where both families inside have the same. */
function sizes(overIPv4: number, overIPv6: number, backOverIPv6 = overIPv6): Sizes {
  return (way) => (way.endsWith("IPv4") ? overIPv4 : way === "back over IPv6" ? backOverIPv6 : overIPv6);
}

/** What becomes of packets of these sizes on each way, in each family, as `far over IPv4: IPv6`. */
async function passages(bytes: Sizes): Promise<Record<string, string>> {
  const all = waysNamed.flatMap((way) =>
    FAMILIES.map(async (family) => {
      const [from, to] = WAYS[way];
      const passage = await sendWhole(lab.place(from), lab.pod(to, family), bytes(way, family));
      return [`${way}: IPv${family}`, passage] as const;
    }),
  );
  return Object.fromEntries(await Promise.all(all));
}

function everywhere(passage: (way: Way, family: Family) => string): Record<string, string> {
  const all = waysNamed.flatMap((way) =>
    FAMILIES.map((family) => [`${way}: IPv${family}`, passage(way, family)] as const),
  );
  return Object.fromEntries(all);
}

/** Waits until this becomes of packets of these sizes. */
function become(bytes: Sizes, wanted: Readonly<Record<string, string>>, limitMs?: number): Promise<void> {
  return eventually(async () => {
    const seen = await passages(bytes);
    return isDeepStrictEqual(seen, wanted) || seen;
  }, limitMs);
}

const more =
  (largest: Sizes): Sizes =>
  (way, family) =>
    largest(way, family) + 1;
const tooBig = (largest: Sizes) => everywhere((way, family) => `too big for ${largest(way, family)}`);

/** Makes both links of one kind, their `mtu` known or not, and waits until a byte too much is answered so everywhere. */
async function link(tunnel: TunnelKind, mtu: number | undefined, largest: Sizes): Promise<void> {
  const over = (other: string) => ({ members: { names: ["both", other] }, tunnel, ...(mtu !== undefined && { mtu }) });
  await applyLinks(lab, { "over-four": over("four"), "over-six": over("six") });
  await become(more(largest), tooBig(largest), KIND_LIMIT_MS);
}

/** The largest packet arrives, and a byte more is answered with that size: no router cuts one or swallows it. */
async function expectExactly(largest: Sizes): Promise<void> {
  await become(
    largest,
    everywhere(() => "arrives"),
  );
  await become(more(largest), tooBig(largest));
}

/** 1 MiB by TCP and 3,000 bytes in a datagram, between all pods, in both families; `lab check` fails otherwise. */
async function expectWhole(): Promise<void> {
  const { passed, failed } = await pairsCheck(lab);
  expect({ passed, failed }).toEqual({ passed: 24, failed: 0 });
}

const linksSeen = z.array(z.object({ ifname: z.string(), mtu: z.number() }));
const routesSeen = z.array(z.object({ metrics: z.array(z.object({ mtu: z.number().optional() })).default([]) }));

/** MTUs of a gateway's tunnel devices. */
async function deviceMtus(node: string): Promise<Record<string, number>> {
  const links = linksSeen.parse(JSON.parse(await lab.place(node).run("ip", ["-j", "link", "show"])));
  const tunnels = links.filter(({ ifname }) => /^trs(\d|vx)/.test(ifname));
  return Object.fromEntries(tunnels.map(({ ifname, mtu }) => [ifname, mtu]));
}

/** What the routes of a node to a cluster's pods say of packets' sizes. */
async function routeMtus(node: string, cluster: string): Promise<(number | undefined)[]> {
  const { clusters } = await lab.status();
  const prefixes = clusters.find(({ name }) => name === cluster)?.podCIDRs ?? [];
  const found = prefixes.map(async (prefix) => {
    const family = prefix.includes(":") ? "-6" : "-4";
    const shown = await lab.place(node).run("ip", ["-j", family, "route", "show", prefix, "type", "unicast"]);
    return routesSeen.parse(JSON.parse(shown)).map(({ metrics }) => metrics.find(({ mtu }) => mtu !== undefined)?.mtu);
  });
  return (await Promise.all(found)).flat();
}

describe.each<{
  readonly tunnel: TunnelKind;
  readonly whole: Sizes;
  readonly narrow: Sizes;
  /** Of IPv4; IPv6 has 1280 there. */
  readonly narrowest: Sizes;
  /** Ways that IPv6's least is too large for on the narrowest path: what is around it can't be cut. */
  readonly lost: readonly Way[];
  readonly devices: Readonly<Record<string, Readonly<Record<string, number>>>>;
}>([
  {
    tunnel: "WireGuard",
    // IP and UDP 28 or 48, WireGuard 32. A device for peers over both families is as large as IPv4's packets; what is
    // smaller is padded to a multiple of 16, and the path must have room for that.
    whole: sizes(1440, 1408, 1420),
    narrow: sizes(1328, 1312),
    narrowest: sizes(1216, 1200),
    lost: [],
    devices: { "both/a": { "trs0-0": 1440 }, "four/a": { "trs0-0": 1440 }, "six/a": { "trs0-0": 1420 } },
  },
  {
    tunnel: "VXLAN",
    // IP and UDP 28 or 48, VXLAN 8, Ethernet 14.
    whole: sizes(1450, 1430),
    narrow: sizes(1350, 1330),
    narrowest: sizes(1230, 1210),
    // No kernel cuts what VXLAN sends over IPv6.
    lost: ["near over IPv6", "far over IPv6", "back over IPv6"],
    devices: {
      "both/a": { "trs0-0": 1440, trsvx: 1450, trsvx6: 1430 },
      "four/a": { "trs0-0": 1440, trsvx: 1450 },
      "six/a": { "trs0-0": 1420, trsvx6: 1430 },
    },
  },
])("$tunnel", ({ tunnel, whole, narrow, narrowest, lost, devices }) => {
  afterEach(() => mendAll(lab.lab, signal));

  test(
    "devices and routes are as large as the wire lets them be, and no larger",
    async () => {
      await link(tunnel, undefined, whole);
      for (const [node, mtus] of Object.entries(devices)) {
        expect({ node, mtus: await deviceMtus(node) }).toEqual({ node, mtus });
      }
      await expectExactly(whole);
      await expectWhole();
    },
    LAB_LIMIT_MS,
  );

  test("a path that is narrower than anybody was told swallows packets, as long as it says nothing", async () => {
    await lab.break("mtu:both=1400,silent");
    // Over IPv4 routers may cut what VXLAN sends, and it would pass.
    const send = (bytes: number) => sendWhole(lab.place("both/far"), lab.pod("six/pod"), bytes);
    expect(await send(1400)).toBe("silence");
    await eventually(async () => {
      const passage = await send(1300);
      return passage === "arrives" || passage;
    });
  });

  test.each(["", ",silent"])(
    "a narrow path that the link tells of carries all that is sent: mtu 1400%s",
    async (silent) => {
      await link(tunnel, 1400, narrow);
      await lab.break(`mtu:both=1400${silent}`);
      expect(await routeMtus("both/b", "four")).toEqual(FAMILIES.map(() => narrow("far over IPv4", 4)));
      expect(await routeMtus("both/b", "six")).toEqual(FAMILIES.map(() => narrow("far over IPv6", 4)));
      await expectExactly(narrow);
      await expectWhole();
    },
    LAB_LIMIT_MS,
  );

  test(
    "on a path as narrow as IPv6 bears its smallest packets arrive whole, for those around them are cut",
    async () => {
      const largest: Sizes = (way, family) => (family === 4 ? narrowest(way, family) : 1280);
      const isLost = (way: Way, family: Family): boolean => family === 6 && lost.includes(way);
      await link(tunnel, 1280, largest);
      await lab.break("mtu:both=1280");
      await become(
        largest,
        everywhere((way, family) => (isLost(way, family) ? "silence" : "arrives")),
      );
      const back = lost.flatMap((way) => [`${WAYS[way].join(" > ")} by IPv6`]);
      const forth = lost.length === 0 ? [] : ["six/pod > both/near by IPv6"];
      expect((await waysTooNarrow(lab)).toSorted()).toEqual([...back, ...forth].toSorted());
    },
    LAB_LIMIT_MS,
  );
});
