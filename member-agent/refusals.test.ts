import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { contains, formatCidr, overlaps, parseCidr } from "../mesh/cidr.ts";
import { cidrs } from "../mesh/testing/arbitraries.ts";
import { planDataPath } from "./plan.ts";
import { refusePrefixes } from "./refusals.ts";
import type { Remote, Situation } from "./situation.ts";
import { remoteCluster, situationOf } from "./testing/situations.ts";

const announcing = (number: number, ...prefixes: string[]): Remote => ({
  ...remoteCluster(number, [0]),
  prefixes: [...prefixes, `100.64.${number * 4}.0/22`],
});

/** On LAN 172.16.1.0/24 with another node on 172.16.2.0/24; pods 10.1.0.0/16, mesh prefix 100.64.4.0/22. */
const here = (...remotes: Remote[]): Situation => ({
  ...situationOf({
    nodes: 2,
    gateways: 1,
    node: 0,
    remotes,
    places: [
      { lan: 0, families: [4, 6] },
      { lan: 1, families: [4] },
    ],
  }),
  self: {
    name: "c1",
    number: 1,
    podCIDRs: ["10.1.0.0/16"],
    announcedCIDRs: ["172.20.0.0/28"],
    meshPrefixes: ["100.64.4.0/22"],
  },
  localCIDRs: ["10.96.0.0/12", "fd96::/108"],
});

test.each<[string, string, string]>([
  ["0.0.0.0/0", "DefaultRoute", "it is the default route"],
  ["::/0", "DefaultRoute", "it is the default route"],
  ["0.0.0.0/1", "TooWide", "wider than /8"],
  ["12.0.0.0/7", "TooWide", "wider than /8"],
  ["fc00::/7", "TooWide", "wider than /16"],
  ["127.0.0.0/16", "Reserved", "127.0.0.0/8, which can't be routed (loopback)"],
  ["169.254.169.254/32", "Reserved", "169.254.0.0/16, which can't be routed (link-local)"],
  ["224.0.0.0/24", "Reserved", "(multicast)"],
  ["::1/128", "Reserved", "(unspecified and loopback)"],
  ["fe80::/64", "Reserved", "(link-local)"],
  ["ff02::/16", "Reserved", "(multicast)"],
  ["172.16.1.128/28", "OverlapsLAN", "172.16.1.0/24, the LAN of this node"],
  ["172.16.0.0/16", "OverlapsLAN", "172.16.1.0/24, the LAN of this node"],
  ["fd16:1::/64", "OverlapsLAN", "fd16:1::/64, the LAN of this node"],
  ["172.16.2.0/28", "OverlapsLAN", '172.16.2.0/24, the LAN of node "n1"'],
  ["10.1.7.0/24", "OverlapsOwn", "10.1.0.0/16, this cluster's own pods"],
  ["10.0.0.0/8", "OverlapsOwn", "10.1.0.0/16, this cluster's own pods"],
  ["100.64.5.0/24", "OverlapsOwn", "100.64.4.0/22, this cluster's own mesh prefix"],
  ["172.20.0.8/29", "OverlapsOwn", "172.20.0.0/28, which this cluster announces itself"],
  ["10.100.0.0/16", "OverlapsLocal", "10.96.0.0/12, one of this cluster's LANs or Services"],
  ["fd96::/64", "OverlapsLocal", "fd96::/108, one of this cluster's LANs or Services"],
  ["192.0.2.0/24", "CoversEndpoint", 'it holds 192.0.2.16, where cluster "c2" is dialled'],
  ["192.0.2.24/32", "CoversEndpoint", 'it holds 192.0.2.24, where cluster "c3" is dialled'],
])("%s is refused (%s), and the rest of its cluster stays", (prefix, reason, words) => {
  const { situation, refused } = refusePrefixes(here(announcing(2, "10.2.0.0/16", prefix), remoteCluster(3, [0])));
  expect(refused).toEqual([{ cluster: "c2", prefix, reason, message: expect.stringContaining(words) }]);
  expect(refused[0]?.message).toMatch(`${prefix} of cluster "c2" is not routed: `);
  expect(situation.remotes.map(({ prefixes }) => prefixes)).toEqual([
    ["10.2.0.0/16", "100.64.8.0/22"],
    ["10.3.0.0/16", "100.64.12.0/22"],
  ]);
  expect(planDataPath(situation).routes.filter((route) => route.prefix === prefix)).toEqual([]);
});

test("where nothing is refused, nothing is another object", () => {
  const situation = here(remoteCluster(2, [0]), remoteCluster(3, [0, 1]));
  expect(refusePrefixes(situation)).toEqual({ situation, refused: [] });
  expect(refusePrefixes(situation).situation).toBe(situation);
  const mixed = refusePrefixes(here(...situation.remotes, announcing(4, "10.1.0.0/24"))).situation;
  expect(mixed.remotes.slice(0, 2).every((remote, index) => remote === situation.remotes[index])).toBe(true);
});

test("of two clusters that overlap the lower number has the prefix, in whatever order they come", () => {
  const [low, high] = [announcing(2, "10.2.0.0/16"), announcing(3, "10.2.3.0/24", "10.3.0.0/16")];
  for (const remotes of [
    [low, high],
    [high, low],
  ]) {
    expect(refusePrefixes(here(...remotes)).refused).toEqual([
      {
        cluster: "c3",
        prefix: "10.2.3.0/24",
        reason: "OverlapsCluster",
        message:
          '10.2.3.0/24 of cluster "c3" is not routed: it overlaps 10.2.0.0/16 of cluster "c2", which has the lower number; the rest of "c3" is',
      },
    ]);
  }
});

test("what is refused itself takes nothing from others", () => {
  const remotes = [announcing(2, "10.2.0.0/24"), announcing(3, "10.2.0.0/16"), announcing(4, "10.2.9.0/24")];
  expect(refusePrefixes(here(...remotes)).refused.map(({ cluster, prefix }) => [cluster, prefix])).toEqual([
    ["c3", "10.2.0.0/16"],
  ]);
});

test("a cluster may announce a range inside another of its own", () => {
  expect(refusePrefixes(here(announcing(2, "10.2.0.0/16", "10.2.4.0/24"))).refused).toEqual([]);
});

test("a mesh prefix that is refused is no mesh prefix any more: nothing is routed to health addresses in it", () => {
  const bad = { ...remoteCluster(2, [0]), prefixes: ["10.2.0.0/16", "172.16.1.0/26"], meshPrefixes: ["172.16.1.0/26"] };
  expect(refusePrefixes(here(bad)).situation.remotes).toMatchObject([{ prefixes: ["10.2.0.0/16"], meshPrefixes: [] }]);
});

test("a withdrawn prefix that lies in the LAN by now is left alone, silently", () => {
  const situation = { ...here(), withdrawn: ["172.16.1.64/26", "10.9.0.0/16"] };
  expect(refusePrefixes(situation)).toMatchObject({ situation: { withdrawn: ["10.9.0.0/16"] }, refused: [] });
});

test("what stays touches nothing that stands and nothing of another cluster, and nothing else was refused", () => {
  const prefixes = fc.array(cidrs().map(formatCidr), { maxLength: 4 });
  fc.assert(
    fc.property(fc.array(prefixes, { maxLength: 5 }), (all) => {
      const asked = here(...all.map((texts, index) => ({ ...remoteCluster(index + 2, []), prefixes: texts })));
      const { situation, refused } = refusePrefixes(asked);
      const kept = situation.remotes.map((remote) => remote.prefixes.map(parseCidr));
      for (const [index, of] of kept.entries()) {
        const others = kept.filter((_, other) => other !== index).flat();
        expect(of.filter((one) => others.some((other) => overlaps(one, other)))).toEqual([]);
        expect(of.filter((one) => contains(one, parseCidr("172.16.1.0/24")))).toEqual([]);
      }
      const count = (situated: Situation) => situated.remotes.flatMap((remote) => remote.prefixes).length;
      expect(count(situation) + refused.length).toBe(count(asked));
      const earlier = (cluster: string) => kept.slice(0, Number(cluster.slice(1)) - 2).flat();
      for (const { cluster, prefix, reason } of refused.filter((each) => each.reason === "OverlapsCluster")) {
        expect([reason, earlier(cluster).some((other) => overlaps(other, parseCidr(prefix)))]).toEqual([reason, true]);
      }
    }),
  );
});
