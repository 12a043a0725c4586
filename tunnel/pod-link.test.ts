import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { runner } from "../platform/run.ts";
import { planPodLink, podDevice, unwirePod, wirePod } from "./pod-link.ts";

test("the two sides of a dual-stack pod's wire are two batches of ip", () => {
  const link = { device: "tp0", netns: "/run/netns/x", addresses: ["10.64.0.2", "fd64::2"], mtu: 1420 };
  expect(planPodLink(link)).toEqual({
    host: [
      "link add tp0 mtu 1420 type veth peer name eth0 mtu 1420 netns /run/netns/x",
      "link set tp0 addrgenmode none",
      "address add 169.254.1.1/32 dev tp0 scope host",
      "address add fe80::1/64 dev tp0 nodad",
      "link set tp0 up",
      "route add 10.64.0.2/32 dev tp0",
      "route add fd64::2/128 dev tp0",
    ],
    pod: [
      "link set lo up",
      "address add 10.64.0.2/32 dev eth0",
      "address add fd64::2/128 dev eth0 nodad",
      "link set eth0 up",
      "route add default via 169.254.1.1 dev eth0 onlink",
      "route add default via fe80::1 dev eth0 onlink",
    ],
  });
});

test("any pod has a device name the kernel takes, and two pods have two", () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (a, b) => {
      expect(podDevice(a)).toMatch(/^tp[0-9a-f]{12}$/);
      expect(podDevice(a).length).toBeLessThanOrEqual(15);
      expect(podDevice(a) === podDevice(b)).toBe(a === b);
    }),
  );
});

describe("in real namespaces", () => {
  const host = runner();
  const id = randomBytes(3).toString("hex");
  const node = `tpnode${id}`;
  const pods = [`tppod${id}a`, `tppod${id}b`];
  const onNode = runner(["ip", "netns", "exec", node]);
  const inPod = (at: number) => runner(["ip", "netns", "exec", pods[at] ?? ""]);
  const linkOf = (at: number) => ({
    device: podDevice(`${id}/${at}`),
    netns: `/run/netns/${pods[at]}`,
    addresses: [`10.64.0.${at + 2}`, `fd64::${at + 2}`],
    mtu: 1420,
  });

  beforeAll(async () => {
    for (const netns of [node, ...pods]) await host("ip", ["netns", "add", netns]);
    await onNode("ip", ["link", "set", "lo", "up"]);
    await onNode("ip", ["link", "add", "br0", "type", "bridge"]);
    await onNode("ip", ["link", "set", "br0", "up"]);
    await onNode("ip", ["address", "add", "192.168.1.10/24", "dev", "br0"]);
    await onNode("sysctl", ["-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"]);
    await Promise.all([wirePod(onNode, linkOf(0)), wirePod(onNode, linkOf(1))]);
  });
  afterAll(async () => {
    for (const netns of [node, ...pods]) await host("ip", ["netns", "delete", netns]).catch(() => undefined);
  });

  test.each(["10.64.0.3", "fd64::3"])("a pod reaches its neighbour on the node by %s at once", async (address) => {
    await expect(inPod(0)("ping", ["-c", "1", "-W", "2", address])).resolves.toContain("1 received");
  });

  test("what the node sends to a pod comes from the node's own address, not from the next hop", async () => {
    await expect(onNode("ip", ["route", "get", "10.64.0.2"])).resolves.toContain("src 192.168.1.10");
  });

  test("a wire that can't be made whole leaves nothing", async () => {
    const before = await onNode("ip", ["address"]);
    const failing = { ...linkOf(0), device: podDevice("another"), netns: `/run/netns/${pods[1]}` };
    await expect(wirePod(onNode, failing)).rejects.toThrow("File exists");
    expect(await onNode("ip", ["address"])).toBe(before);
  });

  test("a pod that is wired already keeps its wire when it is wired again", async () => {
    await expect(wirePod(onNode, linkOf(0))).rejects.toThrow("File exists");
    await expect(inPod(0)("ping", ["-c", "1", "-W", "2", "10.64.0.3"])).resolves.toContain("1 received");
  });

  test("unwiring takes device, address and route, and again does nothing", async () => {
    await unwirePod(onNode, linkOf(1).device);
    await unwirePod(onNode, linkOf(1).device);
    expect(await onNode("ip", ["route"])).not.toContain("10.64.0.3");
    expect(await onNode("ip", ["link"])).not.toContain(linkOf(1).device);
    await expect(inPod(0)("ping", ["-c", "1", "-W", "2", "169.254.1.1"])).resolves.toContain("1 received");
  });
});
