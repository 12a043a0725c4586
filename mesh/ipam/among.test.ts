import { expect, test } from "@jest/globals";
import { networkAmong, subnetAmong } from "./among.ts";
import type { SubnetPeers } from "./among.ts";
import type { Subnet } from "./resources.ts";
import { instance, network, subnet } from "./testing/objects.ts";

const lan = network("lan", { type: "Underlay", nodeSelector: { site: "berlin" } });
const peers: SubnetPeers = {
  networks: [network("overlay"), lan, network("shed", { type: "Underlay", nodeSelector: { site: "oslo" } })],
  subnets: [
    subnet("pods", "10.64.0.0/17"),
    subnet("rack", "10.64.255.0/24", { range: { start: "10.64.255.0", end: "10.64.255.99" }, blockSize: 25 }),
    subnet("hall", "192.168.1.0/24", {
      network: "lan",
      range: { start: "192.168.1.64", end: "192.168.1.95" },
    }),
  ],
  instances: [instance("10.64.0.9", "pods")],
  podCIDRs: ["10.64.0.0/16"],
};

test("a second overlay is refused, and the first may be written again", () => {
  expect(networkAmong(network("more"), peers.networks)?.message).toBe(
    'a cluster has one overlay Network, and "overlay" is it; add Subnets to it instead',
  );
  expect(networkAmong(network("overlay"), peers.networks)).toBeUndefined();
});

test.each([
  [{ site: "paris" }, undefined],
  [{ site: "paris", rack: "1" }, undefined],
  [{ rack: "1" }, "selector-overlap"],
  [{}, "selector-overlap"],
  [{ site: "berlin", rack: "1" }, "selector-overlap"],
])("an underlay for %j beside one for site=berlin: %s", (nodeSelector, code) => {
  expect(networkAmong(network("more", { type: "Underlay", nodeSelector }), peers.networks)?.code).toBe(code);
});

test.each<[string, Subnet, string | undefined]>([
  ["beside the others", subnet("more", "10.64.128.0/18"), undefined],
  ["on a LAN", subnet("more", "192.168.2.0/24", { network: "lan" }), undefined],
  [
    "of a Network that there isn't",
    subnet("more", "10.64.128.0/17", { network: "pods" }),
    'Subnet "more" is of Network "pods", which does not exist; there are: overlay, lan, shed',
  ],
  [
    "inside another",
    subnet("more", "10.64.1.0/24"),
    'Subnet "more" asks for 10.64.1.0/24, which overlaps 10.64.0.0/17 of Subnet "pods" in Network "overlay"; pick a range outside it',
  ],
  [
    "of one CIDR, with a range that touches the other's",
    subnet("more", "192.168.1.0/24", { network: "lan", range: { start: "192.168.1.95", end: "192.168.1.99" } }),
    'Subnet "more" asks for 192.168.1.95-192.168.1.99, which overlaps the range 192.168.1.64-192.168.1.95 of Subnet "hall"; two Subnets of one CIDR need ranges that don\'t touch',
  ],
  [
    "of one CIDR, with a range apart from the other's",
    subnet("more", "192.168.1.0/24", { network: "lan", range: { start: "192.168.1.96", end: "192.168.1.99" } }),
    undefined,
  ],
  [
    "of one CIDR, with a range apart from the other's, in another Network",
    subnet("more", "192.168.1.0/24", { network: "shed", range: { start: "192.168.1.96", end: "192.168.1.99" } }),
    'Subnet "more" asks for 192.168.1.0/24, which overlaps 192.168.1.0/24 of Subnet "hall" in Network "lan"; pick a range outside it',
  ],
  [
    "of one CIDR, with blocks as long as the other's",
    subnet("more", "10.64.255.0/24", { range: { start: "10.64.255.100", end: "10.64.255.255" }, blockSize: 25 }),
    undefined,
  ],
  [
    "of one CIDR, with longer blocks than the other's",
    subnet("more", "10.64.255.0/24", { range: { start: "10.64.255.100", end: "10.64.255.255" }, blockSize: 27 }),
    'Subnet "more" asks for blocks of /27, which overlap the /25 ones of Subnet "rack" in the same CIDR; set blockSize to 25',
  ],
  [
    "of one CIDR, with blocks of another length because it asks for none",
    subnet("more", "10.64.255.0/24", { range: { start: "10.64.255.100", end: "10.64.255.255" } }),
    'Subnet "more" asks for blocks of /28, which overlap the /25 ones of Subnet "rack" in the same CIDR; set blockSize to 25',
  ],
  [
    "of one CIDR in another Network",
    subnet("more", "10.64.0.0/17", { network: "lan" }),
    'underlay Subnet "more" asks for 10.64.0.0/17, which overlaps the cluster\'s pod CIDR 10.64.0.0/16; pick the range of the LAN',
  ],
  [
    "that no other cluster has a route to",
    subnet("more", "10.65.0.0/17"),
    'overlay Subnet "more" asks for 10.65.0.0/17, which no other cluster has a route to: this cluster\'s pod CIDRs are 10.64.0.0/16',
  ],
])("a Subnet %s", (_, wanted, message) => {
  expect(subnetAmong(wanted, undefined, peers)?.message).toBe(message);
});

test("a Network that is being deleted gets no Subnet, and those that it has may be written again", () => {
  const dying = { ...lan, metadata: { ...lan.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" } };
  const more = subnet("more", "192.168.2.0/24", { network: "lan" });
  const others = { ...peers, networks: [dying] };
  expect(subnetAmong(more, undefined, others)?.message).toBe(
    'Subnet "more" is of Network "lan", which is being deleted and goes with its last Subnet; create it anew then',
  );
  expect(subnetAmong(more, more, others)).toBeUndefined();
});

test("a Subnet that is there is only held against what it excludes", () => {
  const [pods] = peers.subnets;
  const excluding = (address: string) => subnet("pods", "10.64.0.0/17", { excludeIPs: [address], network: "gone" });
  expect(subnetAmong(excluding("10.64.0.9"), pods, peers)?.code).toBe("in-use");
  expect(subnetAmong(excluding("10.64.0.7"), pods, peers)).toBeUndefined();
});

test("an address that is excluded and in use keeps nothing else of its Subnet from being changed", () => {
  const excludeIPs = ["10.64.0.9"];
  const before = subnet("pods", "10.64.0.0/17", { excludeIPs: [...excludeIPs, "none"] });
  const closed = subnet("pods", "10.64.0.0/17", { excludeIPs: ["10.64.0.7", ...excludeIPs], disabled: true });
  expect(subnetAmong(closed, before, peers)).toBeUndefined();
  const more = subnet("pods", "10.64.0.0/17", { excludeIPs: ["10.64.0.8-10.64.0.9"] });
  const instances = [...peers.instances, instance("10.64.0.8", "pods")];
  expect(subnetAmong(more, before, { ...peers, instances })?.message).toMatch(/can't exclude 10.64.0.8/);
});
