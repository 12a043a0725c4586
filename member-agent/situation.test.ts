import { expect, test } from "@jest/globals";
import type { Family } from "../mesh/resources.ts";
import { remoteOf, remotesOf } from "./situation.ts";

const RESOLVED = new Map([
  ["gw.example", ["192.0.2.7", "2001:db8::7"]],
  ["v6.example", ["2001:db8::6"]],
]);

const endpointOf = (endpoints: readonly string[], families: readonly Family[]) => {
  const gateway = { name: "g", rank: 0, endpoints, behindNAT: false, basePort: 51_820, publicKey: "k" };
  const published = { name: "west", number: 2, prefixes: [], meshPrefixes: [], gateways: [gateway] };
  return remoteOf({ ...published, tunnel: "WireGuard" }, { families, resolved: RESOLVED }).gateways[0]?.endpoint;
};

test.each<[string, readonly string[], readonly Family[], string | undefined]>([
  ["the first that there is", ["192.0.2.1", "192.0.2.2"], [4], "192.0.2.1"],
  ["the first, of whatever family, where there are both", ["2001:db8::1", "192.0.2.1"], [4, 6], "2001:db8::1"],
  ["the first of a family that this node has", ["2001:db8::1", "192.0.2.1"], [4], "192.0.2.1"],
  ["none where no family is shared", ["2001:db8::1"], [4], undefined],
  ["none where there is none", [], [4, 6], undefined],
  ["the first address of a name", ["gw.example", "192.0.2.1"], [4, 6], "192.0.2.7"],
  ["an address of a name of a family that this node has", ["gw.example"], [6], "2001:db8::7"],
  ["the next after a name of no use", ["v6.example", "192.0.2.1"], [4], "192.0.2.1"],
  ["the next after a name that nobody knows", ["gone.example", "192.0.2.1"], [4], "192.0.2.1"],
  ["none where the only name is unknown", ["gone.example"], [4, 6], undefined],
  ["canonical text", ["2001:DB8:0::1"], [6], "2001:db8::1"],
  ["nothing with a zone, and no IPv4 in disguise", ["fe80::1%eth0", "::ffff:192.0.2.1"], [4, 6], undefined],
])("a gateway is dialled at %s", (_, endpoints, families, expected) => {
  expect(endpointOf(endpoints, families)).toBe(expected);
});

test("all that a linked cluster announces are its prefixes, and packets go as the link says", () => {
  const peer = {
    name: "west",
    number: 2,
    podCIDRs: ["10.2.0.0/16"],
    announcedCIDRs: ["192.168.9.0/28"],
    meshPrefixes: ["100.64.8.0/22"],
    gateways: [],
  };
  const self = { ...peer, name: "east", number: 1 };
  const view = { self, entries: [{ peer, tunnel: "VXLAN" as const, mtu: 1400 }] };
  expect(remotesOf(view, { families: [4], resolved: RESOLVED })).toEqual([
    {
      name: "west",
      number: 2,
      prefixes: ["10.2.0.0/16", "192.168.9.0/28", "100.64.8.0/22"],
      meshPrefixes: ["100.64.8.0/22"],
      gateways: [],
      tunnel: "VXLAN",
      accepts: ["VXLAN"],
      sends: "VXLAN",
      mtu: 1400,
    },
  ]);
});
