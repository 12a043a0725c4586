import { describe, expect, test } from "@jest/globals";
import { ANNOTATIONS } from "./annotations.ts";
import type { Annotations, PodFacts } from "./annotations.ts";
import { chooseAddresses } from "./choice.ts";
import { DEFAULT_NETWORK } from "./network-choice.ts";
import type { Choices } from "./network-choice.ts";
import { network, subnet } from "./testing/objects.ts";

const LAN = { network: "lan" };
const choices: Choices = {
  networks: [
    network("overlay"),
    network("lan", { type: "Underlay", nodeSelector: { site: "berlin" } }),
    network("hall", { type: "Underlay", nodeSelector: { site: "paris" } }),
  ],
  subnets: [
    subnet("pods", "10.64.0.0/17", { reservedIPs: ["10.64.0.0", "10.64.0.50-10.64.0.60"], excludeIPs: ["10.64.0.55"] }),
    subnet("pods6", "fd64::/112"),
    subnet("rack", "192.168.1.0/25", { ...LAN, nodeSelector: { rack: "1" } }),
    subnet("attic", "192.168.1.128/26", { ...LAN, gateway: "192.168.1.129" }),
    subnet("vault", "192.168.1.192/27", { ...LAN, private: true }),
    subnet("closed", "192.168.1.224/27", { ...LAN, disabled: true }),
    subnet("stage", "192.168.7.0/24", { network: "hall" }),
  ],
  node: { name: "a", labels: { site: "berlin", rack: "1" } },
  nodeAddresses: new Map([["192.168.1.11", "b"]]),
};

const facts = (annotations: Annotations, rest: Partial<PodFacts> = {}): PodFacts => ({
  pod: { namespace: "shop", name: "web-1", uid: "uid-1" },
  annotations,
  namespaceAnnotations: {},
  ...rest,
});
const SET = { owner: { kind: "StatefulSet", name: "web", uid: "uid-web" } };

/** The Network, and of each family the Subnets to try, or the one address. */
function chosen(pod: PodFacts, among: Choices = choices) {
  const { value, refusal } = chooseAddresses(pod, among);
  if (refusal !== undefined) return `${refusal.code}: ${refusal.message}`;
  const families = value.families.map(
    ({ address, subnets }) => address ?? subnets.map(({ metadata }) => metadata.name),
  );
  return [value.network.metadata.name, ...families];
}

describe("a pod that says nothing", () => {
  test("has one address of each family of the overlay", () => {
    expect(chosen(facts({}))).toEqual(["overlay", ["pods"], ["pods6"]]);
  });

  test("has what its namespace says", () => {
    const namespaceAnnotations = { [ANNOTATIONS.networkType]: "Underlay" };
    expect(chosen(facts({}, { namespaceAnnotations }))).toEqual(["lan", ["rack", "attic"]]);
    expect(chosen(facts({ [ANNOTATIONS.network]: "overlay" }, { namespaceAnnotations }))).toEqual([
      "overlay",
      ["pods"],
      ["pods6"],
    ]);
  });

  test("has the default Network's, if one is", () => {
    const [overlay, lan, ...rest] = choices.networks;
    const marked = { ...lan!, metadata: { ...lan!.metadata, annotations: { [DEFAULT_NETWORK]: "true" } } };
    expect(chosen(facts({}), { ...choices, networks: [overlay!, marked, ...rest] })).toEqual([
      "lan",
      ["rack", "attic"],
    ]);
  });
});

test("Subnets for this very node come before those for any, and in the order a person states where one does", () => {
  expect(chosen(facts({ [ANNOTATIONS.network]: "lan" }))).toEqual(["lan", ["rack", "attic"]]);
  expect(chosen(facts({ [ANNOTATIONS.subnet]: "attic, rack" }))).toEqual(["lan", ["attic", "rack"]]);
  const elsewhere = { ...choices, node: { name: "b", labels: { site: "berlin", rack: "2" } } };
  expect(chosen(facts({ [ANNOTATIONS.network]: "lan" }), elsewhere)).toEqual(["lan", ["attic"]]);
});

test("a private Subnet is used by who names it", () => {
  expect(chosen(facts({ [ANNOTATIONS.subnet]: "vault" }))).toEqual(["lan", ["vault"]]);
});

test("an address by name is of its Subnet, and of a list the pod's ordinal says which", () => {
  expect(chosen(facts({ [ANNOTATIONS.ip]: "192.168.1.130" }))).toEqual(["lan", "192.168.1.130"]);
  const list = { [ANNOTATIONS.ip]: "10.64.0.50;10.64.0.51;10.64.0.52" };
  expect(chosen(facts(list, SET))).toEqual(["overlay", "10.64.0.51"]);
});

test.each<[string, boolean, PodFacts]>([
  ["a StatefulSet's", true, facts({}, SET)],
  ["a StatefulSet's that says no", false, facts({ [ANNOTATIONS.retain]: "false" }, SET)],
  ["any", false, facts({})],
  ["any that says so", true, facts({ [ANNOTATIONS.retain]: "true" })],
])("the addresses of a pod outlive it: %s: %s", (_, retain, pod) => {
  expect(chooseAddresses(pod, choices).value?.retain).toBe(retain);
});

test.each<[Annotations, string]>([
  [
    { [ANNOTATIONS.networkType]: "underlay" },
    'bad-annotation: trestle.dev/network-type is Overlay or Underlay, not "underlay"',
  ],
  [{ [ANNOTATIONS.retain]: "yes" }, 'bad-annotation: trestle.dev/retain-ip is "true" or "false", not "yes"'],
  [{ [ANNOTATIONS.network]: "attic" }, 'unknown-network: there is no Network "attic"; there are: overlay, lan, hall'],
  [
    { [ANNOTATIONS.network]: "hall" },
    'wrong-node: Network "hall" is for nodes with site=paris, and node "a" is none of them',
  ],
  [
    { [ANNOTATIONS.network]: "overlay", [ANNOTATIONS.networkType]: "Underlay" },
    'contradiction: the annotations contradict each other: Network "overlay" is an Overlay, trestle.dev/network-type says Underlay',
  ],
  [
    { [ANNOTATIONS.network]: "overlay", [ANNOTATIONS.subnet]: "attic" },
    'contradiction: the annotations contradict each other: trestle.dev/subnet is of Network "lan", trestle.dev/network says "overlay"',
  ],
  [
    { [ANNOTATIONS.subnet]: "pods,attic" },
    'contradiction: the annotations contradict each other: Subnet "attic" is of Network "lan", not of "overlay"',
  ],
  [
    { [ANNOTATIONS.subnet]: "attic", [ANNOTATIONS.ip]: "192.168.1.9" },
    "contradiction: the annotations contradict each other: trestle.dev/ip 192.168.1.9 lies in none of trestle.dev/subnet attic",
  ],
  [
    { [ANNOTATIONS.subnet]: "cellar" },
    'unknown-subnet: trestle.dev/subnet names "cellar", which does not exist; there are: pods, pods6, rack, attic, vault, closed, stage',
  ],
  [{ [ANNOTATIONS.subnet]: "closed" }, 'no-subnet: Subnet "closed" is disabled: it issues nothing'],
  [
    { [ANNOTATIONS.ip]: "10.64.0.9" },
    'not-reserved: 10.64.0.9 is not among reservedIPs of overlay Subnet "pods", so a node may have given it to any pod; reserve it first',
  ],
  [
    { [ANNOTATIONS.ip]: "10.64.0.55" },
    'excluded: 10.64.0.55 is the gateway of Subnet "pods", or one of its excludeIPs',
  ],
  [
    { [ANNOTATIONS.ip]: "192.168.1.129" },
    'excluded: 192.168.1.129 is the gateway of Subnet "attic", or one of its excludeIPs',
  ],
  [
    { [ANNOTATIONS.ip]: "192.168.1.11" },
    'excluded: 192.168.1.11 is the own address of node "b", so no pod may have it; ask for another',
  ],
  [
    { [ANNOTATIONS.ip]: "10.64.0.0" },
    "bad-address: no pod may have 10.64.0.0: it means all of 10.64.0.0/17, not one machine",
  ],
  [
    { [ANNOTATIONS.ip]: "192.168.1.191" },
    "bad-address: no pod may have 192.168.1.191: it means all of 192.168.1.128/26, not one machine",
  ],
  [
    { [ANNOTATIONS.networkType]: "Underlay", [ANNOTATIONS.ip]: "10.64.0.50" },
    'contradiction: the annotations contradict each other: trestle.dev/ip 10.64.0.50 is of Network "overlay", an Overlay, trestle.dev/network-type says Underlay',
  ],
  [
    { [ANNOTATIONS.ip]: "172.16.0.1" },
    'unknown-subnet: trestle.dev/ip 172.16.0.1 is in no Subnet of Network "overlay"',
  ],
  [
    { [ANNOTATIONS.ip]: "10.64.0.50,10.64.0.51" },
    "bad-annotation: trestle.dev/ip gives a pod two addresses of one family: 10.64.0.50,10.64.0.51",
  ],
  [
    { [ANNOTATIONS.ip]: "10.64.0.50;10.64.0.51" },
    "bad-annotation: trestle.dev/ip has a list of 2, which goes by the ordinal of StatefulSet pods, and web-1 is none; give it one",
  ],
])("%j is refused", (annotations, message) => {
  expect(chosen(facts(annotations))).toBe(message);
});

test("a list of addresses that is too short is refused", () => {
  expect(chosen(facts({ [ANNOTATIONS.ip]: "10.64.0.50" }, SET))).toBe(
    "bad-annotation: trestle.dev/ip has a list of 1, and web-1 needs number 2; make the list longer",
  );
});

test("a namespace can't give all its pods one address", () => {
  const namespaceAnnotations = { [ANNOTATIONS.ip]: "10.64.0.50" };
  expect(chosen(facts({}, { namespaceAnnotations }))).toMatch(/^bad-annotation: namespace "shop" has trestle.dev\/ip/);
});
