import { expect, test } from "@jest/globals";
import { layoutOf } from "./layout.ts";
import { planPathLimit } from "./path-limit.ts";
import { parseLabFile } from "./read-file.ts";
import { planTopology } from "./topology.ts";

const FILE = parseLabFile(
  `
pools: [{ name: pods, cidr: 10.64.0.0/12, clusterPrefixLength: 16 }]
clusters:
  - name: east
    lan: [192.168.1.0/24, "fd00:1::/64"]
    nodes: [{ name: a, gateway: true }, { name: b, lan: 192.168.9.0/24 }]
  - { name: west, nat: true, mtu: 1400, lan: 192.168.2.0/24, nodes: [{ name: a, gateway: true }] }
`,
  "test.yaml",
);
const layout = layoutOf("mine", FILE);
const plan = planTopology(layout);

/** What is done in a namespace, first its own ends of cables, then others'. */
function lines(netns: string): readonly string[] {
  return [...plan.links, ...plan.ports].filter((batch) => batch.netns === netns).flatMap((batch) => batch.lines);
}

test("a site's router has a bridge a LAN, and leaves by its uplink alone", () => {
  expect(lines("mine-east-lan")).toEqual([
    "link set lo alias trestle-lab:mine",
    "link set lo up",
    "link add br0 mtu 1500 type bridge",
    "link set br0 up",
    "address replace 192.168.1.1/24 dev br0",
    "address replace fd00:1::1/64 dev br0 nodad",
    "link add br1 mtu 1500 type bridge",
    "link set br1 up",
    "address replace 192.168.9.1/24 dev br1",
    "link add uplink mtu 1500 type veth peer name site1 netns mine-wan mtu 1500",
    "link set uplink up",
    "address replace 203.0.113.2/29 dev uplink",
    "route replace default via 203.0.113.1 dev uplink",
    "address replace 2001:db8:113::2/64 dev uplink nodad",
    "route replace default via 2001:db8:113::1 dev uplink",
    "link set port1 master br0",
    "link set port1 up",
    "link set port2 master br1",
    "link set port2 up",
  ]);
});

test("the WAN knows the way to every LAN, but to none behind NAT", () => {
  expect(lines("mine-wan").filter((line) => line.startsWith("route"))).toEqual([
    "route add 192.168.1.0/24 via 203.0.113.2 dev site1",
    "route add fd00:1::/64 via 2001:db8:113::2 dev site1",
    "route add 192.168.9.0/24 via 203.0.113.2 dev site1",
  ]);
  expect(plan.rulesets.map(({ netns }) => netns)).toEqual(["mine-west-lan"]);
  expect(plan.rulesets[0]?.text).toContain('oifname "uplink" masquerade');
});

test("a machine has its addresses, a default route of each family, and its site's MTU", () => {
  expect(lines("mine-east-a").slice(2)).toEqual([
    "link add eth0 mtu 1500 type veth peer name port1 netns mine-east-lan mtu 1500",
    "link set eth0 up",
    "address replace 192.168.1.10/24 dev eth0",
    "route replace default via 192.168.1.1 dev eth0",
    "address replace fd00:1::10/64 dev eth0 nodad",
    "route replace default via fd00:1::1 dev eth0",
  ]);
  expect(lines("mine-west-a")).toContain(
    "link add eth0 mtu 1400 type veth peer name port1 netns mine-west-lan mtu 1400",
  );
});

test("every namespace is made before anything is done in it, and carries the lab's mark", () => {
  const used = [...plan.links, ...plan.ports, ...plan.sysctls, ...plan.rulesets].map(({ netns }) => netns);
  expect(used.filter((netns) => !plan.namespaces.includes(netns))).toEqual([]);
  for (const netns of plan.namespaces) expect(lines(netns)).toContain("link set lo alias trestle-lab:mine");
});

test("a narrow path is narrow at both ends, silent where it is told to be, and mended whole again", () => {
  const [, west] = layout.sites;
  if (west === undefined) throw new Error("the file above has two sites");
  const links = (bytes: number) => [
    { netns: "mine-west-lan", lines: [`link set uplink mtu ${bytes}`] },
    { netns: "mine-wan", lines: [`link set site2 mtu ${bytes}`] },
  ];
  const none = "add table inet silent_site2\ndelete table inet silent_site2\n";
  const loud = planPathLimit(layout, west, { bytes: 1300, silent: false });
  expect(loud).toEqual({ links: links(1300), rulesets: loud.rulesets.map(({ netns }) => ({ netns, text: none })) });
  const silent = planPathLimit(layout, west, { bytes: 1300, silent: true });
  expect(silent.links).toEqual(links(1300));
  for (const { text } of silent.rulesets) expect(text).toContain("icmpv6 type packet-too-big icmpv6 mtu 1300 drop");
  expect(planPathLimit(layout, west, undefined)).toEqual({ ...loud, links: links(1400) });
});

test.each([1279, 1401])("a path of %d bytes is refused for a site of 1400", (bytes) => {
  const [, west] = layout.sites;
  if (west === undefined) throw new Error("the file above has two sites");
  expect(() => planPathLimit(layout, west, { bytes, silent: false })).toThrow(
    `the uplink of west can carry packets of 1280 to 1400 bytes, not of ${bytes}`,
  );
});
