import { afterAll, beforeAll, expect, test } from "@jest/globals";
import path from "node:path";
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { addressIn, HUB_NETS, routerOf } from "../../lab/addressing.ts";
import { familyOf } from "../../mesh/cidr.ts";
import { eventually } from "../../platform/testing/eventually.ts";
import {
  addressesOf,
  awaitMeeting,
  hostRoute,
  knownAddresses,
  lanAddress,
  usedBySubnet,
} from "./support/pod-addresses.ts";
import { cutRange } from "./support/cut-range.ts";
import { sourceSeen } from "./support/talk.ts";
import { LAB_LIMIT_MS, newTestLab } from "./support/test-lab.ts";
import type { Typed } from "./support/typed.ts";

/** Which addresses pods of an overlay get, keep and give back, and who sees them. */

const lab = newTestLab();
const FILE = path.join(import.meta.dirname, "addresses.yaml");
const NODES = ["a", "b", "c"];
/** Outside all clusters. */
const [OUTSIDE4, OUTSIDE6] = [routerOf(HUB_NETS[0]), routerOf(HUB_NETS[1])];

const SHOP = ["--namespace", "shop", "--namespace-annotation", "trestle.dev/subnet=one,two,six"];
const WEB = [...SHOP, "--owner", "StatefulSet/web"];
const WEB_PODS = ["east/web-0", "east/web-1", "east/web-2"];

const blocks = z.array(z.object({ spec: z.object({ cidr: z.string(), node: z.string() }) }));

beforeAll(async () => {
  await lab.up(FILE);
  await cutRange(lab, "east");
}, LAB_LIMIT_MS);

afterAll(() => lab.down(), LAB_LIMIT_MS);

/** True when these Subnets have so many addresses in use, by their names. */
async function areUsed(wanted: Readonly<Record<string, number>>): Promise<unknown> {
  const all = Object.entries(await usedBySubnet(lab, "east"));
  const used = Object.fromEntries(all.filter(([name]) => name in wanted));
  return isDeepStrictEqual(used, wanted) || { used, wanted };
}

const onNode = (node: string, pods: readonly string[], words: readonly string[]): string[] => [
  "pod",
  "add",
  ...pods,
  "--node",
  node,
  ...words,
];
const add = (...which: Parameters<typeof onNode>): Promise<string> => lab.do(...onNode(...which));
const tryAdd = (...which: Parameters<typeof onNode>): Promise<Typed> =>
  lab.try("lab", ...onNode(...which), "--name", lab.name);
/** Until it is done, as a kubelet asks: an owner that is asked for an address of its block may be slow to answer. */
const insist = (...which: Parameters<typeof onNode>): Promise<void> =>
  eventually(async () => {
    const { code, err } = await tryAdd(...which);
    return code === 0 || err;
  });
/** What a person reads when a pod is refused its addresses. */
async function refusal(...which: Parameters<typeof onNode>): Promise<string> {
  const { code, err } = await tryAdd(...which);
  expect({ code, err }).toEqual({ code: 1, err: expect.stringMatching(/^error: trestle-cni on east/) });
  return err;
}

/** True when every node of either cluster routes the pod's addresses to where it is; west by nothing so narrow. */
async function isRoutedTo(pod: string, home: string): Promise<unknown> {
  const ways = addressesOf(lab, pod).flatMap((address) => [
    ...NODES.map((node) => {
      const wanted = node === home ? "wire" : lanAddress(lab, "east", home, familyOf(address));
      return { place: `east/${node}`, address, wanted };
    }),
    { place: "west/a", address, wanted: "none" },
  ]);
  const seen = await Promise.all(
    ways.map(async (way) => ({ ...way, seen: await hostRoute(lab.place(way.place), way.address) })),
  );
  const wrong = seen.filter(({ wanted, ...way }) => way.seen !== wanted);
  return wrong.length === 0 || wrong;
}

/** What the store knows of pods whose name begins so. */
const known = async (prefix: string): Promise<Awaited<ReturnType<typeof knownAddresses>>> =>
  (await knownAddresses(lab, "east")).filter(({ pod }) => pod.startsWith(prefix));

test(
  "nodes that find every block owned borrow: pods of three nodes have addresses of two blocks, and everybody reaches them",
  async () => {
    await Promise.all(NODES.map((node, at) => insist(node, [`east/web-${at}`], WEB)));
    const all = blocks.parse(JSON.parse(await lab.at("east", "block", "list", "--output", "json")));
    const ranges = all.map(({ spec }) => spec).filter(({ cidr }) => /^10\.64\.16\.[04]\/30$/.test(cidr));
    const owners = ranges.map(({ node }) => node);
    const from = await known("shop/web-");
    console.log("blocks of Subnet one:", ranges, "addresses:", from);
    expect(new Set(owners).size).toBe(2);
    expect(from.filter(({ subnet, node }) => subnet === "one" && !owners.includes(node))).toHaveLength(1);
    for (const [at, pod] of WEB_PODS.entries()) await eventually(() => isRoutedTo(pod, NODES[at] ?? ""));
    await awaitMeeting(lab, "west/eye", WEB_PODS);
  },
  LAB_LIMIT_MS,
);

test(
  "a set scaled from three to one keeps its addresses while others use up its Subnets, and scaled up again has them on other nodes",
  async () => {
    const before = WEB_PODS.map((pod) => addressesOf(lab, pod));
    await lab.do("pod", "remove", "east/web-1", "east/web-2");
    await eventually(async () => {
      const kept = (await known("shop/web-")).filter(({ node, phase }) => node === "none" && phase === "Retained");
      return kept.length === 4 || known("shop/web-");
    });

    // Seven addresses of IPv6, three of them the set's; of IPv4 there are more, in the second Subnet.
    await Promise.all([
      insist("b", ["east/other-1", "east/other-2"], SHOP),
      insist("c", ["east/other-3", "east/other-4"], SHOP),
    ]);
    await eventually(() => areUsed({ one: 6, two: 1, six: 7 }));
    const said = await refusal("b", ["east/other-5"], SHOP);
    expect(said).toContain(
      'no IPv6 address is left for pod shop/other-5 in Network "overlay" (Subnet six); add a Subnet, or delete pods (CNI error 101',
    );
    // Of the other family it keeps nothing.
    await eventually(async () => (await known("shop/other-5")).length === 0 || known("shop/other-5"));
    await eventually(() => areUsed({ one: 6, two: 1, six: 7 }));

    await add("c", ["east/web-1"], WEB);
    await add("a", ["east/web-2"], WEB);
    expect(WEB_PODS.map((pod) => addressesOf(lab, pod))).toEqual(before);
    for (const [pod, home] of [
      ["east/web-1", "c"],
      ["east/web-2", "a"],
    ] as const) {
      await eventually(() => isRoutedTo(pod, home));
    }
    await awaitMeeting(lab, "west/eye", WEB_PODS);
    const podCIDRs = (await lab.status()).clusters.find(({ name }) => name === "east")?.podCIDRs ?? [];
    for (const cidr of podCIDRs) {
      const shown = await lab.place("west/a").run("ip", [`-${familyOf(cidr)}`, "route", "show", "root", cidr]);
      const prefixes = shown.split("\n").flatMap((line) => /^(?:unreachable )?(\S+\/\d+)/.exec(line)?.[1] ?? []);
      expect([...new Set(prefixes)]).toEqual([cidr]);
    }
  },
  LAB_LIMIT_MS,
);

test(
  "what is kept for a set is free when the set is deleted, and when a pod does not want it",
  async () => {
    await add("b", ["east/loose-0"], ["--owner", "StatefulSet/loose", "--annotation", "trestle.dev/retain-ip=false"]);
    await eventually(async () => (await known("default/loose-0")).length === 2 || known("default/loose-0"));
    await lab.do("pod", "remove", "east/loose-0");
    await lab.do("pod", "remove", ...WEB_PODS, "--with-owner");
    await eventually(async () => {
      const left = [...(await known("shop/web-")), ...(await known("default/loose-0"))];
      return left.length === 0 || left;
    });
    await lab.do("pod", "remove", ...[1, 2, 3, 4].map((n) => `east/other-${n}`));
    await eventually(() => areUsed({ one: 0, two: 0, six: 0 }));
  },
  LAB_LIMIT_MS,
);

test(
  "pods that come all at once have every address of a Subnet, one each, and not one more is given",
  async () => {
    const pods = Array.from({ length: 14 }, (_, n) => `east/burst-${n}`);
    const words = ["--annotation", "trestle.dev/subnet=burst"];
    await add("a", pods, words);
    const given = pods.flatMap((pod) => addressesOf(lab, pod));
    expect(new Set(given)).toEqual(new Set(pods.map((_, n) => `10.64.17.${n + 1}`)));
    expect(await refusal("a", ["east/burst-14"], words)).toContain("no IPv4 address is left for pod default/burst-14");
    await lab.do("pod", "remove", ...pods);
  },
  LAB_LIMIT_MS,
);

test(
  "an address by name has to be reserved and free; the pods of a set have those of a list by their number",
  async () => {
    const set = ["--owner", "StatefulSet/fixed", "--annotation", "trestle.dev/ip=10.64.15.5;10.64.15.6"];
    expect(await refusal("a", ["east/fixed-0"], set)).toContain(
      '10.64.15.5 is not among reservedIPs of overlay Subnet "pods", so a node may have given it to any pod; reserve it first (CNI error 100',
    );
    await lab.at("east", "subnet", "update", "pods", "--reserve", "10.64.15.1-10.64.15.9");
    await insist("a", ["east/fixed-0", "east/fixed-1"], set);
    expect(["east/fixed-0", "east/fixed-1"].map((pod) => addressesOf(lab, pod))).toEqual([
      ["10.64.15.5"],
      ["10.64.15.6"],
    ]);
    expect(await refusal("a", ["east/fixed-2"], set)).toContain("has a list of 2, and fixed-2 needs number 3");
    const taken = await refusal("b", ["east/thief"], ["--annotation", "trestle.dev/ip=10.64.15.6"]);
    expect(taken).toContain("10.64.15.6 is of pod default/fixed-1");
    expect(taken).toContain("CNI error 102");
    await lab.do("pod", "remove", "east/fixed-1");
    await add("c", ["east/fixed-1"], set);
    expect(addressesOf(lab, "east/fixed-1")).toEqual(["10.64.15.6"]);
    await awaitMeeting(lab, "west/eye", ["east/fixed-0", "east/fixed-1"]);
    await lab.do("pod", "remove", "east/fixed-0", "east/fixed-1", "--with-owner");
  },
  LAB_LIMIT_MS,
);

test(
  "a pod's own annotation goes before its namespace's, and that before the default; what contradicts itself is refused",
  async () => {
    const hall = ["--namespace", "hall", "--namespace-annotation", "trestle.dev/subnet=plain"];
    await add("b", ["east/by-namespace"], hall);
    await add("b", ["east/by-itself"], [...hall, "--annotation", "trestle.dev/subnet=pods,pods6"]);
    await add("c", ["east/by-default"], []);
    const chosen = async (): Promise<Record<string, string>> => {
      const all = Map.groupBy(await knownAddresses(lab, "east"), ({ pod }) => pod);
      return Object.fromEntries([...all].map(([pod, each]) => [pod, each.map(({ subnet }) => subnet).join()]));
    };
    const wanted = {
      "hall/by-namespace": "plain",
      "hall/by-itself": "pods,pods6",
      "default/by-default": "pods,pods6",
    };
    await eventually(async () => isDeepStrictEqual(await chosen(), wanted) || chosen());
    const contradiction = ["trestle.dev/network-type=Underlay", "trestle.dev/subnet=plain"];
    const said = await refusal(
      "a",
      ["east/torn"],
      contradiction.flatMap((each) => ["--annotation", each]),
    );
    expect(said).toContain("the annotations contradict each other");
    expect(said).toContain("CNI error 100");
  },
  LAB_LIMIT_MS,
);

test(
  "outside all clusters a pod is seen as its node, unless its Subnet is not masqueraded; in other clusters always as itself",
  async () => {
    const outside = lab.place("wan");
    const pod = lab.place("east/by-default");
    expect(await sourceSeen(pod, outside, OUTSIDE4)).toBe(lanAddress(lab, "east", "c", 4));
    expect(await sourceSeen(pod, outside, OUTSIDE6)).toBe(lanAddress(lab, "east", "c", 6));
    // The way back, which somebody has to tell those outside.
    const [plain = ""] = addressesOf(lab, "east/by-namespace");
    await outside.run("ip", ["route", "add", plain, "via", addressIn(lab.site("east").uplink, 4) ?? ""]);
    await lab.router("east").run("ip", ["route", "add", plain, "via", lanAddress(lab, "east", "b", 4)]);
    expect(await sourceSeen(lab.place("east/by-namespace"), outside, OUTSIDE4)).toBe(plain);
    await awaitMeeting(lab, "west/eye", ["east/by-default", "east/by-namespace"]);
  },
  LAB_LIMIT_MS,
);

test(
  "a disabled Subnet leaves pods what they have, takes back what they give back, and issues nothing",
  async () => {
    await lab.at("east", "subnet", "disable", "plain");
    const words = ["--annotation", "trestle.dev/subnet=plain"];
    await awaitMeeting(lab, "west/eye", ["east/by-namespace"]);
    await eventually(async () => {
      const { code, err } = await tryAdd("b", ["east/barred"], words);
      if (code === 0) await lab.do("pod", "remove", "east/barred");
      return (code === 1 && err.includes('Subnet "plain" is disabled: it issues nothing (CNI error 100')) || err;
    });
    await lab.do("pod", "remove", "east/by-namespace");
    await eventually(() => areUsed({ plain: 0 }));
  },
  LAB_LIMIT_MS,
);

test("when all pods are gone no address is in use", async () => {
  await lab.do("pod", "remove", "east/by-itself", "east/by-default");
  await eventually(async () => {
    const left = await knownAddresses(lab, "east");
    return left.length === 0 || left;
  });
  await eventually(async () => {
    const used = await usedBySubnet(lab, "east");
    return Object.values(used).every((count) => count === 0) || used;
  });
});
