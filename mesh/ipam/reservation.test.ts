import { expect, test } from "@jest/globals";
import { reservationRefusals } from "./reservation.ts";
import type { IPInstance, Network, Subnet } from "./resources.ts";
import { instance, network, subnet } from "./testing/objects.ts";

const overlay = network("overlay");
const lan = network("lan", { type: "Underlay" });
const pods = subnet("pods", "10.1.0.0/16", { reservedIPs: ["10.1.0.5-10.1.0.9", "10.1.0.1"], gateway: "10.1.0.1" });
const office = subnet("office", "192.168.1.0/24", { network: "lan", excludeIPs: ["192.168.1.200-192.168.1.209"] });
const pod = { namespace: "shop", name: "db" };
const nodeAddresses = new Map([["192.168.1.11", "b"]]);
const kept = { node: undefined, attachment: undefined, retained: true } as const;

const refused = (address: string, of: Subnet, on: Network, instances: readonly IPInstance[] = []): string[] =>
  reservationRefusals({ address, pod }, { subnet: of, network: on, instances, nodeAddresses }).map(
    ({ message }) => message,
  );

test.each([
  ["10.1.0.5", pods, overlay],
  ["192.168.1.20", office, lan],
])("%s is kept for a pod that has none yet", (address, of, on) => {
  const others = [
    instance("10.1.0.6", "pods", { pod: { ...pod, uid: "u" } }),
    instance("fd00::1", "pods6", { pod: { ...pod, uid: "u" }, ...kept }),
    instance("10.1.0.7", "pods", { pod: { namespace: "test", name: "db", uid: "u" }, ...kept }),
  ];
  expect(refused(address, of, on, others)).toEqual([]);
});

test.each([
  ["10.2.0.5", pods, overlay, 'does not lie in the range 10.1.0.0-10.1.255.255 of Subnet "pods"'],
  ["10.1.0.1", pods, overlay, 'the gateway of Subnet "pods"'],
  ["10.1.0.4", pods, overlay, 'not among reservedIPs of overlay Subnet "pods"'],
  ["192.168.1.204", office, lan, "or one of its excludeIPs"],
  ["192.168.1.11", office, lan, '192.168.1.11 is the own address of node "b"'],
  ["192.168.1.0", office, lan, "no pod may have 192.168.1.0: it means all of 192.168.1.0/24"],
  ["192.168.1.255", office, lan, "no pod may have 192.168.1.255"],
])("%s can't be kept", (address, of, on, message) => {
  expect(refused(address, of, on)).toEqual([expect.stringContaining(message)]);
});

test("nothing is kept of a Subnet that issues nothing", () => {
  const disabled = { ...office, spec: { ...office.spec, disabled: true } };
  const deleted = { ...office, metadata: { ...office.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" } };
  for (const silent of [disabled, deleted]) {
    expect(refused("192.168.1.20", silent, lan)).toEqual(['Subnet "office" is disabled: it issues nothing']);
  }
});

test("an address that is taken is refused with whose it is", () => {
  const web = instance("192.168.1.20", "office");
  expect(refused("192.168.1.20", office, lan, [web])).toEqual(["192.168.1.20 is in use by shop/web-0"]);
  const waiting = instance("192.168.1.20", "office", kept);
  expect(refused("192.168.1.20", office, lan, [waiting])).toEqual(["192.168.1.20 is kept for shop/web-0"]);
});

test("a pod keeps one address of a family", () => {
  const first = instance("192.168.1.20", "office", { pod: { ...pod, uid: "" }, ...kept });
  expect(refused("192.168.1.21", office, lan, [first])).toEqual([
    "shop/db has 192.168.1.20 for good already, and a pod has one address of a family; release that first",
  ]);
});

test("everything in the way is told at once", () => {
  const disabled = { ...office, spec: { ...office.spec, disabled: true } };
  const web = instance("192.168.1.204", "office");
  expect(refused("192.168.1.204", disabled, lan, [web])).toHaveLength(3);
});
