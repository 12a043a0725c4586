import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { randomBytes } from "node:crypto";
import type { Run } from "../platform/run.ts";
import { runner } from "../platform/run.ts";
import { podWireFaults } from "./pod-wire-check.ts";
import { podAlias, podDevice, unwirePod, wirePod } from "./pod-link.ts";
import { observePodWires, unroutePod } from "./pod-wires.ts";
import type { TestNode } from "./testing/namespace.ts";
import { makeTestNode } from "./testing/namespace.ts";

const host = runner();
const id = randomBytes(3).toString("hex");
const netns = `tppod${id}`;
const inPod = runner(["ip", "netns", "exec", netns]);
const attachment = { sandbox: id, interface: "net1" };
const link = {
  device: podDevice(id),
  alias: podAlias(attachment),
  netns: `/run/netns/${netns}`,
  interface: "net1",
  addresses: ["10.64.0.2", "fd64::2"],
  mtu: 1420,
};
let made: TestNode;
/** In the node's network namespace, with the paths of everybody. */
let run: Run;

beforeAll(async () => {
  await host("ip", ["netns", "add", netns]);
  made = await makeTestNode("wires");
  run = runner(["nsenter", `--net=/run/netns/${made.name}`, "--"]);
});
afterAll(async () => {
  await host("ip", ["netns", "delete", netns]).catch(() => undefined);
  await made?.remove();
});

/** Runs with the pod wired anew. */
async function wired(act: () => Promise<void>): Promise<void> {
  await wirePod(run, link);
  try {
    await act();
  } finally {
    await unwirePod(run, link.device);
  }
}

test("a node without pods has no wires", async () => {
  expect(await observePodWires(run)).toEqual([]);
});

test("a wire is seen with whose it is and its addresses of both families, and what is not ours is not", async () => {
  await run("ip", ["link", "add", "tpm0", "type", "veth", "peer", "name", "other"]);
  await run("ip", ["link", "add", podDevice("bridge"), "type", "bridge"]);
  await wired(async () => {
    const { device, addresses } = link;
    expect(await observePodWires(run)).toEqual([{ device, attachment, addresses }]);
    await run("ip", ["link", "set", device, "alias", "somebody's"]);
    expect(await observePodWires(run)).toEqual([{ device, attachment: undefined, addresses }]);
  });
  expect(await observePodWires(run)).toEqual([]);
});

test("only the route to an address that was lost goes, again does nothing", async () => {
  await wired(async () => {
    for (let times = 0; times < 2; times++) await unroutePod(run, link.device, "10.64.0.2");
    expect(await observePodWires(run)).toEqual([{ device: link.device, attachment, addresses: ["fd64::2"] }]);
    await unroutePod(run, link.device, "fd64::2");
    expect((await observePodWires(run))[0]?.addresses).toEqual([]);
  });
  await unroutePod(run, link.device, "fd64::2");
});

test("a whole wire has no faults", async () => {
  await wired(async () => {
    expect(await podWireFaults(run, link)).toEqual([]);
  });
});

const onNode = (...args: string[]) => run("ip", args);
const onPod = (...args: string[]) => inPod("ip", args);
const { device } = link;

test.each<[string, () => Promise<unknown>, string[]]>([
  [
    "the device",
    () => onNode("link", "delete", device),
    [`the node has no device ${device}`, "the pod has no interface net1"],
  ],
  ["the interface's name", () => onPod("link", "set", "net1", "name", "net2"), ["the pod has no interface net1"]],
  [
    "the IPv4 address",
    () => onPod("address", "delete", "10.64.0.2/32", "dev", "net1"),
    // The kernel takes routes away with the last address.
    ["net1 of the pod has no address 10.64.0.2", "the pod has no IPv4 default route via 169.254.1.1 on net1"],
  ],
  [
    "the IPv6 address",
    () => onPod("address", "delete", "fd64::2/128", "dev", "net1"),
    ["net1 of the pod has no address fd64::2"],
  ],
  [
    "the IPv4 default route",
    () => onPod("route", "delete", "default"),
    ["the pod has no IPv4 default route via 169.254.1.1 on net1"],
  ],
  [
    "the IPv6 default route",
    () => onPod("-6", "route", "replace", "default", "via", "fe80::2", "dev", "net1"),
    ["the pod has no IPv6 default route via fe80::1 on net1; there is one through fe80::2 net1"],
  ],
  [
    "the next hop of IPv4",
    () => onNode("address", "delete", "169.254.1.1/32", "dev", device),
    [
      `the node's device ${device} has no address 169.254.1.1, which the pod sends to`,
      // The kernel takes routes away with the last address.
      `the node has no route to 10.64.0.2 through ${device}`,
    ],
  ],
  [
    "the next hop of IPv6",
    () => onNode("address", "flush", "dev", device, "scope", "link"),
    [`the node's device ${device} has no address fe80::1, which the pod sends to`],
  ],
  [
    "the host's route",
    () => onNode("route", "delete", "10.64.0.2/32"),
    [`the node has no route to 10.64.0.2 through ${device}`],
  ],
  [
    "the way of the host's route",
    () => onNode("route", "replace", "fd64::2/128", "dev", "lo"),
    [`the node has no route to fd64::2 through ${device}; there is one through lo`],
  ],
])("what was done to %s is told in words", async (_what, damage, faults) => {
  await wired(async () => {
    await damage();
    expect(await podWireFaults(run, link)).toEqual(faults);
    await onPod("link", "set", "net2", "name", "net1").catch(() => undefined);
    await onNode("-6", "route", "flush", "fd64::2/128");
  });
});

test("a device that is down is a fault, and so are the routes that it took with it", async () => {
  await wired(async () => {
    await onNode("link", "set", device, "down");
    expect(await podWireFaults(run, link)).toContain(`the node's device ${device} is down`);
  });
});

test("a pod whose namespace is gone is a fault in words", async () => {
  await wired(async () => {
    const gone = { ...link, netns: "/run/netns/nowhere" };
    expect(await podWireFaults(run, gone)).toEqual(["the pod's network namespace /run/netns/nowhere is gone"]);
    const stale = { ...link, netns: "/proc/self/status" };
    expect(await podWireFaults(run, stale)).toEqual(["the pod's network namespace /proc/self/status is gone"]);
  });
});
