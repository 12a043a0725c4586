import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { addressInCidr, cidrOf, contains, formatCidr, nthAddress, overlaps, parseCidr, sizeOf } from "../mesh/cidr.ts";
import { RESERVED } from "../mesh/reserved.ts";
import { cidrs } from "../mesh/testing/arbitraries.ts";
import { planDataPath } from "./plan.ts";
import { refuse } from "./refusals.ts";
import type { RefusalReason } from "./refusals.ts";
import type { AskedSituation, ClosedPrefix, Remote } from "./situation.ts";
import { remoteCluster, situationOf } from "./testing/situations.ts";

const announcing = (number: number, ...prefixes: string[]): Remote => ({
  ...remoteCluster(number, [0]),
  prefixes: [...prefixes, `100.64.${number * 4}.0/22`],
});

const dialledAt = (number: number, endpoint: string): Remote => {
  const remote = remoteCluster(number, [0]);
  return { ...remote, gateways: remote.gateways.map((gateway) => ({ ...gateway, endpoint })) };
};

const endpointsIn = (remotes: readonly Remote[]) =>
  remotes.flatMap(({ gateways }) => gateways.map(({ endpoint }) => endpoint));

/** On LAN 172.16.1.0/24 with another node on 172.16.2.0/24; pods 10.1.0.0/16, mesh prefix 100.64.4.0/22. */
const here = (...remotes: Remote[]): AskedSituation => ({
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
  known: [],
});

/**
 * Where a refused prefix would go out in clear it is closed: by backstops and the firewall ("closed", or those parts of
 * it), or by the firewall alone, for a gateway is dialled in it ("dialled"). What is ours in it stays open.
 */
type Closure = "open" | "closed" | "dialled" | readonly string[];

test.each<[string, RefusalReason, Closure, string]>([
  ["0.0.0.0/0", "DefaultRoute", "open", "it is the default route"],
  ["::/0", "DefaultRoute", "open", "it is the default route"],
  ["0.0.0.0/1", "TooWide", "open", "wider than /8"],
  ["12.0.0.0/7", "TooWide", "open", "wider than /8"],
  ["fc00::/7", "TooWide", "open", "wider than /16"],
  ["127.0.0.0/16", "Reserved", "open", "127.0.0.0/8, which can't be routed (loopback)"],
  ["169.254.169.254/32", "Reserved", "open", "169.254.0.0/16, which can't be routed (link-local)"],
  ["169.252.0.0/14", "Reserved", ["169.252.0.0/15", "169.255.0.0/16"], "(link-local)"],
  ["224.0.0.0/24", "Reserved", "open", "(multicast)"],
  ["::1/128", "Reserved", "open", "(unspecified and loopback)"],
  ["fe80::/64", "Reserved", "open", "(link-local)"],
  ["ff02::/16", "Reserved", "open", "(multicast)"],
  ["172.16.1.0/24", "OverlapsLAN", "open", "172.16.1.0/24, the LAN of this node"],
  ["172.16.1.128/28", "OverlapsLAN", "open", "172.16.1.0/24, the LAN of this node"],
  ["172.16.0.0/22", "OverlapsLAN", ["172.16.0.0/24", "172.16.3.0/24"], "172.16.1.0/24, the LAN of this node"],
  ["fd16:1::/64", "OverlapsLAN", "open", "fd16:1::/64, the LAN of this node"],
  ["fd16:1::/63", "OverlapsLAN", ["fd16:1:0:1::/64"], "fd16:1::/64, the LAN of this node"],
  ["172.16.2.0/28", "OverlapsLAN", "open", '172.16.2.0/24, the LAN of node "n1"'],
  ["10.1.7.0/24", "OverlapsOwn", "open", "10.1.0.0/16, this cluster's own pods"],
  ["10.0.0.0/15", "OverlapsOwn", ["10.0.0.0/16"], "10.1.0.0/16, this cluster's own pods"],
  ["100.64.5.0/24", "OverlapsOwn", "open", "100.64.4.0/22, this cluster's own mesh prefix"],
  ["172.20.0.8/29", "OverlapsOwn", "open", "172.20.0.0/28, which this cluster announces itself"],
  ["172.20.0.0/27", "OverlapsOwn", ["172.20.0.16/28"], "172.20.0.0/28, which this cluster announces itself"],
  ["10.100.0.0/16", "OverlapsLocal", "open", "10.96.0.0/12, one of this cluster's LANs or Services"],
  ["10.96.0.0/11", "OverlapsLocal", ["10.112.0.0/12"], "10.96.0.0/12, one of this cluster's LANs or Services"],
  ["fd96::/107", "OverlapsLocal", ["fd96::10:0/108"], "fd96::/108, one of this cluster's LANs or Services"],
  ["10.2.7.0/24", "OverlapsCluster", "open", '10.2.0.0/16 of cluster "c2", which has the lower number'],
  ["10.2.0.0/15", "OverlapsCluster", "closed", '10.2.0.0/16 of cluster "c2", which has the lower number'],
  ["192.0.2.24/29", "CoversEndpoint", "dialled", 'it holds 192.0.2.24, where cluster "c3" is dialled'],
])("%s is refused (%s) and %j, and the rest of its cluster stays", (prefix, reason, closure, words) => {
  const { situation, refused } = refuse(here(remoteCluster(2, [0]), announcing(3, "10.203.0.0/16", prefix)));
  const message = expect.stringMatching(`^${prefix} of cluster "c3" is not routed: `);
  expect(refused).toEqual([{ cluster: "c3", kind: "prefix", subject: prefix, reason, message }]);
  expect(refused[0]?.message).toContain(words);
  expect(situation.remotes.map(({ prefixes }) => prefixes)).toEqual([
    ["10.2.0.0/16", "100.64.8.0/22"],
    ["10.203.0.0/16", "100.64.12.0/22"],
  ]);
  const parts = closure === "open" ? [] : typeof closure === "string" ? [prefix] : closure;
  const isDialled = closure === "dialled";
  expect(situation.closed).toEqual(parts.map((part): ClosedPrefix => ({ prefix: part, isDialled })));
  const { routes, firewall } = planDataPath(situation);
  const elsewhere = routes.filter((route) => [prefix, ...parts].includes(route.prefix));
  const backstopped = isDialled ? [] : parts;
  expect(elsewhere).toEqual(
    backstopped.map((part) => ({ prefix: part, target: { kind: "unreachable" }, metric: 9999 })),
  );
  expect(firewall?.closedPrefixes).toEqual(parts);
});

test.each([
  ["10.2.0.9", "OverlapsCluster", 'it lies in 10.2.0.0/16 of cluster "c2"'],
  ["100.64.8.1", "OverlapsCluster", 'it lies in 100.64.8.0/22 of cluster "c2"'],
  ["10.4.0.9", "OverlapsCluster", 'it lies in 10.4.0.0/16 of cluster "c4"'],
  ["10.1.0.9", "OverlapsOwn", "it lies in 10.1.0.0/16, this cluster's own pods"],
  ["100.64.4.33", "OverlapsOwn", "it lies in 100.64.4.0/22, this cluster's own mesh prefix"],
  ["172.20.0.3", "OverlapsOwn", "it lies in 172.20.0.0/28, which this cluster announces itself"],
  ["172.16.1.10", "OverlapsOwn", 'it is 172.16.1.10, an address of node "n0" of this cluster'],
  ["172.16.2.11", "OverlapsOwn", 'it is 172.16.2.11, an address of node "n1" of this cluster'],
  ["127.0.0.1", "Reserved", "it lies in 127.0.0.0/8, which can't be routed (loopback)"],
  ["fe80::1", "Reserved", "it lies in fe80::/10, which can't be routed (link-local)"],
])("a gateway is not dialled at %s (%s), and takes no prefix from anybody", (endpoint, reason, words) => {
  const asked = here(remoteCluster(2, [0]), dialledAt(3, endpoint), remoteCluster(4, [0]));
  const { situation, refused } = refuse(asked);
  const message = `gateway "gw0" of cluster "c3" is not dialled at ${endpoint}: ${words}; start its agent with another --endpoint`;
  expect(refused).toEqual([{ cluster: "c3", kind: "endpoint", subject: endpoint, reason, message }]);
  expect(situation.closed).toEqual([]);
  expect(situation.remotes.map(({ prefixes }) => prefixes)).toEqual(asked.remotes.map(({ prefixes }) => prefixes));
  expect(endpointsIn(situation.remotes)).toEqual(["192.0.2.16", undefined, "192.0.2.32"]);
});

test.each([
  ["on a LAN that both clusters have", "172.16.1.77"],
  ["in a range that this cluster declared as its own LANs or Services", "10.96.0.9"],
  ["where another cluster is dialled", "192.0.2.16"],
])("a gateway may be dialled %s", (_, endpoint) => {
  const { situation, refused } = refuse(here(remoteCluster(2, [0]), dialledAt(3, endpoint)));
  expect(refused).toEqual([]);
  expect(endpointsIn(situation.remotes)).toEqual(["192.0.2.16", endpoint]);
});

test("a refused prefix takes no gateway from another cluster, and no backstop keeps that one's tunnels in", () => {
  const asked = here(remoteCluster(2, [0]), announcing(3, "10.2.0.0/15"), dialledAt(4, "10.3.0.9"));
  const { situation, refused } = refuse(asked);
  expect(refused.map(({ cluster, subject }) => [cluster, subject])).toEqual([["c3", "10.2.0.0/15"]]);
  expect(endpointsIn(situation.remotes)).toEqual(["192.0.2.16", "192.0.2.24", "10.3.0.9"]);
  expect(situation.closed).toEqual([{ prefix: "10.2.0.0/15", isDialled: true }]);
});

test("a cluster of which nothing is refused is no other object", () => {
  const asked = here(remoteCluster(2, [0]), remoteCluster(3, [0, 1]));
  const { situation, refused } = refuse(asked);
  expect([refused, situation.closed]).toEqual([[], []]);
  const mixed = refuse(here(...asked.remotes, announcing(4, "10.1.0.0/24"))).situation;
  for (const { remotes } of [situation, mixed])
    expect(remotes.slice(0, 2).every((remote, index) => remote === asked.remotes[index])).toBe(true);
});

test("of two clusters that overlap the lower number has the prefix, in whatever order they come", () => {
  const [low, high] = [announcing(2, "10.2.0.0/16"), announcing(3, "10.2.3.0/24", "10.3.0.0/16")];
  for (const remotes of [
    [low, high],
    [high, low],
  ]) {
    expect(refuse(here(...remotes)).refused).toEqual([
      {
        cluster: "c3",
        kind: "prefix",
        subject: "10.2.3.0/24",
        reason: "OverlapsCluster",
        message:
          '10.2.3.0/24 of cluster "c3" is not routed: it overlaps 10.2.0.0/16 of cluster "c2", which has the lower number; the rest of "c3" is',
      },
    ]);
  }
});

test("what is refused itself takes nothing from others", () => {
  const remotes = [announcing(2, "10.2.0.0/24"), announcing(3, "10.2.0.0/16"), announcing(4, "10.2.9.0/24")];
  expect(refuse(here(...remotes)).refused.map(({ cluster, subject }) => [cluster, subject])).toEqual([
    ["c3", "10.2.0.0/16"],
  ]);
});

test("a cluster may announce a range inside another of its own", () => {
  expect(refuse(here(announcing(2, "10.2.0.0/16", "10.2.4.0/24"))).refused).toEqual([]);
});

test("a mesh prefix that is refused is no mesh prefix any more: nothing is routed to health addresses in it", () => {
  const bad = { ...remoteCluster(2, [0]), prefixes: ["10.2.0.0/16", "172.16.1.0/26"], meshPrefixes: ["172.16.1.0/26"] };
  expect(refuse(here(bad)).situation.remotes).toMatchObject([{ prefixes: ["10.2.0.0/16"], meshPrefixes: [] }]);
});

const withdrawn = (...prefixes: string[]): AskedSituation => ({ ...here(remoteCluster(2, [0])), known: prefixes });
const closedIn = (asked: AskedSituation) => refuse(asked).situation.closed.map(({ prefix }) => prefix);

test("what is withdrawn is closed until all of it is somebody's again", () => {
  expect(closedIn(withdrawn("10.9.0.0/16"))).toEqual(["10.9.0.0/16"]);
  const assigned = (...prefixes: string[]) => ({ ...here(announcing(3, ...prefixes)), known: ["10.9.0.0/16"] });
  expect(closedIn(assigned("10.9.16.0/20"))).toEqual(["10.9.0.0/16"]);
  expect(closedIn(assigned("10.9.0.0/16"))).toEqual([]);
  expect(closedIn(assigned("10.8.0.0/15"))).toEqual([]);
  // What is refused does not count.
  expect(closedIn(assigned("0.0.0.0/0"))).toEqual(["10.9.0.0/16"]);
});

test("what is withdrawn and lies in the LAN by now is left alone, silently, and remembered", () => {
  const asked = withdrawn("172.16.1.64/26", "10.9.0.0/16");
  expect(refuse(asked).refused).toEqual([]);
  expect(closedIn(asked)).toEqual(["10.9.0.0/16"]);
  expect(refuse(asked).known).toContain("172.16.1.64/26");
});

test("a gateway that is dialled in what was withdrawn opens it to tunnels alone", () => {
  const { situation } = refuse({ ...here(dialledAt(2, "10.9.0.9")), known: ["10.9.0.0/16"] });
  expect(situation.closed).toEqual([{ prefix: "10.9.0.0/16", isDialled: true }]);
});

test("a prefix that was carried a moment ago stays closed when it is refused, and when it is withdrawn then", () => {
  const carried = refuse(here(announcing(3, "10.2.0.0/15")));
  expect(carried.situation.closed).toEqual([]);
  const refused = { ...here(remoteCluster(2, [0]), announcing(3, "10.2.0.0/15")), known: carried.known };
  expect(closedIn(refused)).toEqual(["10.2.0.0/15"]);
  expect(closedIn({ ...here(remoteCluster(2, [0])), known: refuse(refused).known })).toContain("10.2.0.0/15");
});

test("what stays touches nothing that stands and nothing of another cluster, and nothing else was refused", () => {
  const prefixes = fc.array(cidrs().map(formatCidr), { maxLength: 4 });
  fc.assert(
    fc.property(fc.array(prefixes, { maxLength: 5 }), (all) => {
      const asked = here(...all.map((texts, index) => ({ ...remoteCluster(index + 2, []), prefixes: texts })));
      const { situation, refused } = refuse(asked);
      const kept = situation.remotes.map((remote) => remote.prefixes.map(parseCidr));
      for (const [index, of] of kept.entries()) {
        const others = kept.filter((_, other) => other !== index).flat();
        expect(of.filter((one) => others.some((other) => overlaps(one, other)))).toEqual([]);
        expect(of.filter((one) => contains(one, parseCidr("172.16.1.0/24")))).toEqual([]);
      }
      const count = (situated: Pick<AskedSituation, "remotes">) =>
        situated.remotes.flatMap((remote) => remote.prefixes).length;
      expect(count(situation) + refused.length).toBe(count(asked));
      const earlier = (cluster: string) => kept.slice(0, Number(cluster.slice(1)) - 2).flat();
      for (const { cluster, subject, reason } of refused.filter((each) => each.reason === "OverlapsCluster")) {
        expect([reason, earlier(cluster).some((other) => overlaps(other, parseCidr(subject)))]).toEqual([reason, true]);
      }
    }),
  );
});

test("of what is refused or withdrawn every address is ours, or routed by its owner, or closed", () => {
  const ours = ["172.16.1.0/24", "172.16.2.0/24", "10.1.0.0/16", "100.64.4.0/22", "172.20.0.0/28", "10.96.0.0/12"];
  const stands = [...ours, "fd16:1::/64", "fd96::/108"].map(parseCidr).concat(RESERVED.map(({ range }) => range));
  const around = fc.constantFrom(...stands).map(({ family, first, length }) => {
    const wider = cidrOf({ family, value: first }, Math.max(family === 4 ? 8 : 16, length - 3));
    return formatCidr(wider);
  });
  const prefixes = fc.array(fc.oneof(cidrs().map(formatCidr), around), { maxLength: 4 });
  fc.assert(
    fc.property(fc.array(prefixes, { maxLength: 4 }), prefixes, (all, known) => {
      const asked = here(...all.map((texts, index) => ({ ...remoteCluster(index + 2, []), prefixes: texts })));
      const { situation, refused } = refuse({ ...asked, known });
      const closed = situation.closed.map(({ prefix }) => parseCidr(prefix));
      const live = situation.remotes.flatMap((remote) => remote.prefixes).map(parseCidr);
      expect(closed.filter((each) => stands.some((stand) => overlaps(stand, each)))).toEqual([]);
      expect(closed.filter((each) => live.some((prefix) => contains(prefix, each)))).toEqual([]);
      const isWide = ({ reason }: { reason: string }) => reason === "DefaultRoute" || reason === "TooWide";
      const gone = [...refused.filter((each) => !isWide(each)).map(({ subject }) => subject), ...known];
      for (const prefix of gone.map(parseCidr))
        for (const address of [nthAddress(prefix, 0), nthAddress(prefix, sizeOf(prefix) - 1n)])
          expect([...stands, ...live, ...closed].some((each) => addressInCidr(each, address))).toBe(true);
    }),
  );
});
