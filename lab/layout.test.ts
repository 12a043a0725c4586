import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { addressInCidr, overlaps, parseAddress, parseCidr } from "../mesh/cidr.ts";
import { attachmentTo, MAX_SITES, TRANSIT_NETS, uplinkOf } from "./addressing.ts";
import { layoutOf } from "./layout.ts";
import { parseLabFile } from "./read-file.ts";

const FILE = parseLabFile(
  `
pools: [{ name: pods, cidr: 10.64.0.0/12, clusterPrefixLength: 16 }]
clusters:
  - name: east
    lan: [fd00:1::/64, 192.168.1.0/24]
    nodes:
      - { name: a, gateway: true }
      - { name: b, lan: "fd00:2::/64" }
      - { name: c, lan: ["192.168.1.0/24", "fd00:1::/64"] }
      - { name: d, lan: "fd00:2::/64" }
  - { name: west, nat: true, lan: 10.1.0.0/27, nodes: [{ name: a, gateway: true, endpoint: [west.example] }] }
`,
  "test.yaml",
);
const [east, west] = layoutOf("mine", FILE).sites;

test("a machine has an address of each family of its LAN, with the same digits, and that LAN's router", () => {
  expect(east?.nodes.map(({ name, bridge, attachments }) => ({ name, bridge, attachments }))).toEqual([
    {
      name: "a",
      bridge: "br0",
      attachments: [
        { family: 4, address: "192.168.1.10", prefixLength: 24, router: "192.168.1.1" },
        { family: 6, address: "fd00:1::10", prefixLength: 64, router: "fd00:1::1" },
      ],
    },
    {
      name: "b",
      bridge: "br1",
      attachments: [{ family: 6, address: "fd00:2::10", prefixLength: 64, router: "fd00:2::1" }],
    },
    {
      name: "c",
      bridge: "br0",
      attachments: [
        { family: 4, address: "192.168.1.11", prefixLength: 24, router: "192.168.1.1" },
        { family: 6, address: "fd00:1::11", prefixLength: 64, router: "fd00:1::1" },
      ],
    },
    {
      name: "d",
      bridge: "br1",
      attachments: [{ family: 6, address: "fd00:2::11", prefixLength: 64, router: "fd00:2::1" }],
    },
  ]);
});

test("LANs that are named twice are one; each machine has a port of its own", () => {
  expect(east?.lans).toEqual([
    { bridge: "br0", cidrs: ["192.168.1.0/24", "fd00:1::/64"] },
    { bridge: "br1", cidrs: ["fd00:2::/64"] },
  ]);
  expect(east?.nodes.map(({ port }) => port)).toEqual(["port1", "port2", "port3", "port4"]);
});

test("a cluster's store is reached by a family that all its machines have", () => {
  expect(east?.storeFamily).toBe(6);
  expect(west?.storeFamily).toBe(4);
});

test("what the file says of a site and its machines is in its place", () => {
  expect(west).toMatchObject({ nat: true, netns: "mine-west-lan", wanDevice: "site2" });
  expect(west?.nodes).toMatchObject([{ netns: "mine-west-a", behindNAT: true, endpoints: ["west.example"] }]);
});

test("no two sites share a transit net, and each has its router and the WAN's in it", () => {
  const sites = Array.from({ length: MAX_SITES }, (_, at) => uplinkOf(at));
  expect(sites[1]?.map(({ address, router }) => [address, router])).toEqual([
    ["203.0.113.10", "203.0.113.9"],
    ["2001:db8:113:1::2", "2001:db8:113:1::1"],
  ]);
  for (const at of [0, 1] as const) {
    const all = parseCidr(TRANSIT_NETS[at]);
    const nets = sites.map((site) => site[at]);
    expect(nets.every((net) => net !== undefined && addressInCidr(all, parseAddress(net.address)))).toBe(true);
    expect(new Set(nets.map((net) => net?.address)).size).toBe(MAX_SITES);
  }
});

test("a machine's address is in its net and not its router's, whatever its number", () => {
  fc.assert(
    fc.property(fc.constantFrom("10.0.0.0/16", "fd00::/64"), fc.integer({ min: 10, max: 9_999 }), (net, number) => {
      const { address, router } = attachmentTo(net, number);
      expect(overlaps(parseCidr(net), parseCidr(`${address}/${net.startsWith("10") ? 32 : 128}`))).toBe(true);
      expect(address).not.toBe(router);
    }),
  );
});
