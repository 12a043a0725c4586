import { runner } from "../../platform/run.ts";
import { podAlias, podDevice, unwirePod, wirePod } from "../pod-link.ts";
import { writeSysctl } from "../sysctls/kernel.ts";
import { underlaySysctls } from "../underlay/sysctls.ts";
import type { TestNode } from "./namespace.ts";
import { makeTestNode } from "./namespace.ts";
import { forward } from "./traffic.ts";

/** Two hosts and a machine on one LAN, which is a bridge of the machine's, and two pods that are on no host yet. */
export interface TestLan {
  readonly a: TestNode;
  readonly b: TestNode;
  /** Its device is {@link MACHINE_NIC}; it never looks again whether a neighbour is still where it was. */
  readonly machine: TestNode;
  readonly pods: readonly [TestNode, TestNode];
  readonly remove: () => Promise<void>;
}

/** Addresses of each, of the two families; `free` is nobody's. */
export const LAN = {
  a: ["192.168.7.1", "fd77::1"],
  b: ["192.168.7.2", "fd77::2"],
  machine: ["192.168.7.9", "fd77::9"],
  pod: ["192.168.7.50", "fd77::50"],
  free: ["192.168.7.99", "fd77::99"],
} as const;
export const NIC = "eth0";
export const MACHINE_NIC = "br0";

const AN_HOUR_MS = "3600000";

/** Makes all of it, hosts with forwarding and what the underlay asks of them. */
export async function makeLan(): Promise<TestLan> {
  const [a, b, machine, ...pods] = (await Promise.all(["a", "b", "lan", "pod1", "pod2"].map(makeTestNode))) as [
    TestNode,
    TestNode,
    TestNode,
    TestNode,
    TestNode,
  ];
  await machine.run("ip", ["link", "add", MACHINE_NIC, "type", "bridge"]);
  for (const [host, port, addresses] of [
    [a, "port-a", LAN.a],
    [b, "port-b", LAN.b],
  ] as const) {
    const peer = ["peer", "name", port, "netns", machine.name];
    await runner()("ip", ["link", "add", NIC, "netns", host.name, "type", "veth", ...peer]);
    await machine.run("ip", ["link", "set", port, "master", MACHINE_NIC, "up"]);
    await bringUp(host, NIC, addresses);
    await forward(host);
    for (const sysctl of underlaySysctls(NIC)) await writeSysctl(host.run, sysctl);
  }
  await bringUp(machine, MACHINE_NIC, LAN.machine);
  for (const family of ["ipv4", "ipv6"]) {
    const key = `net.${family}.neigh.${MACHINE_NIC}.base_reachable_time_ms`;
    await writeSysctl(machine.run, { key, value: AN_HOUR_MS });
  }
  const remove = async () => {
    await Promise.all([a, b, machine, ...pods].map((node) => node.remove()));
  };
  return { a, b, machine, pods, remove };
}

async function bringUp({ run }: TestNode, device: string, [four, six]: readonly [string, string]): Promise<void> {
  await run("ip", ["address", "add", `${four}/24`, "dev", device]);
  await run("ip", ["address", "add", `${six}/64`, "dev", device, "nodad"]);
  await run("ip", ["link", "set", device, "up"]);
}

/** Wires a pod to a host, with the pod's addresses of the LAN. */
export async function putPod(host: TestNode, pod: TestNode): Promise<void> {
  // A node's own /run does not show where namespaces are.
  const outside = runner(["nsenter", `--net=/run/netns/${host.name}`, "--"]);
  await wirePod(outside, {
    device: podDevice(pod.name),
    alias: podAlias({ sandbox: pod.name, interface: "eth0" }),
    netns: `/run/netns/${pod.name}`,
    interface: "eth0",
    addresses: LAN.pod,
    mtu: 1420,
  });
}

/** Ends {@link putPod}. */
export async function takePod(host: TestNode, pod: TestNode): Promise<void> {
  await unwirePod(host.run, podDevice(pod.name));
}

export async function macOf({ run }: TestNode, device: string): Promise<string> {
  return (await run("cat", [`/sys/class/net/${device}/address`])).trim();
}

/** The MAC that the LAN's machine has for an address. */
export async function knownMac({ run }: TestNode, address: string): Promise<string | undefined> {
  const shown = await run("ip", ["neigh", "show", address, "dev", MACHINE_NIC]);
  return /lladdr (\S+)/.exec(shown)?.[1];
}
