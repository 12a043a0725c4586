import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { runner } from "../platform/run.ts";
import { planPodLink, podAlias, podDevice, podMacs, readPodAlias, unwirePod, wirePod } from "./pod-link.ts";

test("the two sides of a dual-stack pod's wire are two batches of ip", () => {
  const link = {
    device: "tp0",
    alias: "trestle abc net1",
    netns: "/run/netns/x",
    interface: "net1",
    addresses: ["10.64.0.2", "fd64::2"],
    mtu: 1420,
  };
  const { deviceMac, interfaceMac } = podMacs("tp0");
  expect(planPodLink(link)).toEqual({
    host: [
      `link add tp0 mtu 1420 address ${deviceMac} type veth peer name net1 mtu 1420 address ${interfaceMac} netns "/run/netns/x"`,
      'link set tp0 alias "trestle abc net1" addrgenmode none',
      "address add 169.254.1.1/32 dev tp0 scope host",
      "address add fe80::1/64 dev tp0 nodad",
      "link set tp0 up",
      `neigh add 10.64.0.2 lladdr ${interfaceMac} dev tp0 nud permanent`,
      `neigh add fd64::2 lladdr ${interfaceMac} dev tp0 nud permanent`,
      "route replace 10.64.0.2/32 dev tp0",
      "route replace fd64::2/128 dev tp0",
    ],
    pod: [
      "link set lo up",
      "address replace 10.64.0.2/32 dev net1",
      "address replace fd64::2/128 dev net1 nodad",
      "link set net1 up",
      "route add default via 169.254.1.1 dev net1 onlink",
      "route add default via fe80::1 dev net1 onlink",
    ],
  });
});

test.each(["a#b", 'a"b', "a'b", "a\\b", "a\nb"])("a name that would change what ip is told is refused: %j", (name) => {
  const link = { device: "tp0", alias: "", netns: "/run/netns/x", interface: name, addresses: [], mtu: 1420 };
  expect(() => planPodLink(link)).toThrow(JSON.stringify(name));
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

test("the ends of a wire have two MAC addresses that are one station's and locally administered", () => {
  fc.assert(
    fc.property(fc.string(), (key) => {
      const { deviceMac, interfaceMac } = podMacs(podDevice(key));
      expect(deviceMac).toMatch(/^.[26ae](:[0-9a-f]{2}){5}$/);
      expect(interfaceMac).toMatch(/^.[26ae](:[0-9a-f]{2}){5}$/);
      expect(deviceMac).not.toBe(interfaceMac);
    }),
  );
});

test("an alias is read as the attachment that it was made of", () => {
  const attachment = { sandbox: "3f".repeat(32), interface: "net1.5" };
  expect(readPodAlias(podAlias(attachment))).toEqual(attachment);
});

test.each(["", "trestle", "trestle abc", "trestle abc ", "trestle abc eth0 more", "others abc eth0"])(
  "%j is no pod's alias",
  (text) => {
    expect(readPodAlias(text)).toBeUndefined();
  },
);

describe("in real namespaces", () => {
  const host = runner();
  const id = randomBytes(3).toString("hex");
  const node = `tpnode${id}`;
  const pods = [`tppod${id}a`, `tppod${id}b`];
  const onNode = runner(["ip", "netns", "exec", node]);
  const inPod = (at: number) => runner(["ip", "netns", "exec", pods[at] ?? ""]);
  const linkOf = (at: number) => ({
    device: podDevice(`${id}/${at}`),
    alias: podAlias({ sandbox: `${id}${at}`, interface: "eth0" }),
    interface: "eth0",
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

  test.each([4, 6] as const)(
    "what the node is asked to send by IPv%i before the pod is there delays nothing that it sends afterwards",
    async (family) => {
      const link = linkOf(1);
      const address = link.addresses.find((each) => each.includes(":") === (family === 6)) ?? "";
      await unwirePod(onNode, link.device);
      await wirePod(async (program, args, options) => {
        if (program === "nsenter") await onNode("sh", ["-c", 'ping -c 2 -i 0.1 -W 0.1 "$0" || true', address]);
        return onNode(program, args, options);
      }, link);
      const [, rttMs] = /time=([\d.]+) ms/.exec(await onNode("ping", ["-c", "1", "-W", "5", address])) ?? [];
      // The kernel asks for a neighbour once a second.
      expect(Number(rttMs)).toBeLessThan(400);
    },
  );

  test("both ends have the MAC addresses that wiring tells, the host end the alias", async () => {
    const { device, alias } = linkOf(0);
    const { deviceMac, interfaceMac } = podMacs(device);
    expect(await onNode("ip", ["link", "show", device])).toMatch(new RegExp(`${deviceMac}[^]*alias ${alias}$`, "m"));
    expect(await inPod(0)("ip", ["link", "show", "eth0"])).toContain(interfaceMac);
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

  test("a pod that comes back in a new sandbox is routed to that one, while the former's wire is still there", async () => {
    const netns = `tppod${id}c`;
    await host("ip", ["netns", "add", netns]);
    const again = { ...linkOf(1), device: podDevice("again"), netns: `/run/netns/${netns}` };
    try {
      await wirePod(onNode, again);
      for (const address of again.addresses) {
        expect(await onNode("ip", ["route", "get", address])).toContain(`dev ${again.device}`);
        await expect(inPod(0)("ping", ["-c", "1", "-W", "2", address])).resolves.toContain("1 received");
      }
    } finally {
      await unwirePod(onNode, again.device);
      await host("ip", ["netns", "delete", netns]);
    }
  });

  test("a pod whose namespace has IPv6 switched off gets its address of it", async () => {
    const netns = `tppod${id}d`;
    await host("ip", ["netns", "add", netns]);
    const link = { ...linkOf(1), device: podDevice("off"), addresses: ["fd64::9"], netns: `/run/netns/${netns}` };
    try {
      await host("ip", ["netns", "exec", netns, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1"]);
      await host("ip", ["netns", "exec", netns, "sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1"]);
      await wirePod(onNode, link);
      await expect(inPod(0)("ping", ["-c", "1", "-W", "2", "fd64::9"])).resolves.toContain("1 received");
    } finally {
      await unwirePod(onNode, link.device);
      await host("ip", ["netns", "delete", netns]);
    }
  });

  test("unwiring takes device, address and route, and again does nothing", async () => {
    await unwirePod(onNode, linkOf(1).device);
    await unwirePod(onNode, linkOf(1).device);
    expect(await onNode("ip", ["route"])).not.toContain("10.64.0.3");
    expect(await onNode("ip", ["link"])).not.toContain(linkOf(1).device);
    await expect(inPod(0)("ping", ["-c", "1", "-W", "2", "169.254.1.1"])).resolves.toContain("1 received");
  });
});
