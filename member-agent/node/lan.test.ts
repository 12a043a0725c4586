import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { holdSysctls } from "../../tunnel/sysctls/sync.ts";
import { observeSysctls, writeSysctl } from "../../tunnel/sysctls/kernel.ts";
import type { TestNode } from "../../tunnel/testing/namespace.ts";
import { makeTestNode } from "../../tunnel/testing/namespace.ts";
import { keptSysctls } from "../../tunnel/testing/sysctl-memory.ts";
import { planSysctls } from "../sysctl-plan.ts";
import { observeLan } from "./lan.ts";

let node: TestNode;
let memory: ReturnType<typeof keptSysctls>;
beforeEach(async () => {
  node = await makeTestNode("lan");
  memory = keptSysctls();
  for (const device of ["eth0", "eth1"]) {
    await node.run("ip", ["link", "add", device, "type", "veth", "peer", "name", `far-${device}`]);
    for (const end of [device, `far-${device}`]) await node.run("ip", ["link", "set", "dev", end, "up"]);
  }
  await node.run("ip", ["address", "add", "fd00:1::1/64", "dev", "eth0", "nodad"]);
});
afterEach(() => node?.remove());

describe("the LAN's interface, where none is named", () => {
  test("is that of IPv4's default route, and on a machine that has none, of IPv6's", async () => {
    await expect(observeLan(node.run, undefined, memory)).rejects.toMatchObject({ code: "no-lan" });
    await node.run("ip", ["-6", "route", "add", "unreachable", "default", "metric", "5"]);
    await expect(observeLan(node.run, undefined, memory)).rejects.toMatchObject({ code: "no-lan" });
    await node.run("ip", ["-6", "route", "add", "default", "via", "fe80::2", "dev", "eth0", "proto", "ra"]);
    expect(await observeLan(node.run, undefined, memory)).toMatchObject({
      device: "eth0",
      addresses: ["fd00:1::1/64"],
    });
    await node.run("ip", ["address", "add", "10.0.0.1/24", "dev", "eth1"]);
    await node.run("ip", ["route", "add", "default", "via", "10.0.0.2", "dev", "eth1"]);
    expect(await observeLan(node.run, undefined, memory)).toMatchObject({
      device: "eth1",
      addresses: ["10.0.0.1/24"],
    });
  });

  test("is the first of a default route over several", async () => {
    const hops = ["fe80::2", "fe80::3"].flatMap((via) => ["nexthop", "via", via, "dev", "eth0"]);
    await node.run("ip", ["-6", "route", "add", "default", ...hops]);
    expect(await observeLan(node.run, undefined, memory)).toMatchObject({ device: "eth0" });
  });
});

const ACCEPT_RA = "net.ipv6.conf.eth0.accept_ra";
const FORWARDING = "net.ipv6.conf.eth0.forwarding";
const FORWARD_ALL = { key: "net.ipv6.conf.all.forwarding", value: "1" };

const set = (key: string, value: string) => writeSysctl(node.run, { key, value });

/** One sync of a node whose LAN is eth0. */
async function sync(): Promise<string[]> {
  const lan = await observeLan(node.run, "eth0", memory);
  await holdSysctls(node.run, planSysctls({ lan, hasUnderlay: false }, []), memory);
  return values();
}

async function values(): Promise<string[]> {
  const present = await observeSysctls(node.run, [ACCEPT_RA, FORWARDING]);
  return [ACCEPT_RA, FORWARDING].map((key) => present.get(key) ?? "");
}

const leave = () => holdSysctls(node.run, [], memory);

describe("router advertisements", () => {
  test("are taken until the member leaves, whatever becomes of the routes that they bring", async () => {
    const route = ["default", "via", "fe80::2", "dev", "eth0", "proto", "ra"];
    expect(await values()).toEqual(["1", "0"]);
    expect(await sync()).toEqual(["2", "1"]);
    await node.run("ip", ["-6", "route", "add", ...route]);
    expect(await sync()).toEqual(["2", "1"]);
    await node.run("ip", ["-6", "route", "delete", ...route]);
    expect(await sync()).toEqual(["2", "1"]);
    await set(ACCEPT_RA, "1");
    expect(await sync()).toEqual(["2", "1"]);
    await leave();
    expect(await values()).toEqual(["1", "0"]);
  });

  test("are taken again on a device whose kernel was told to ignore them while we made it forward", async () => {
    await holdSysctls(node.run, [FORWARD_ALL], memory);
    expect(await sync()).toEqual(["2", "1"]);
    await leave();
    expect(await values()).toEqual(["1", "0"]);
  });

  test("are taken on a device that came after we made the kernel forward", async () => {
    await node.run("ip", ["link", "delete", "eth0"]);
    await holdSysctls(node.run, [FORWARD_ALL], memory);
    await node.run("ip", ["link", "add", "eth0", "type", "veth", "peer", "name", "far-eth0"]);
    await node.run("ip", ["link", "set", "dev", "eth0", "up"]);
    await node.run("ip", ["address", "add", "fd00:1::1/64", "dev", "eth0", "nodad"]);
    expect(await values()).toEqual(["1", "1"]);
    expect(await sync()).toEqual(["2", "1"]);
    await leave();
    expect(await values()).toEqual(["1", "0"]);
  });

  test.each([
    ["does not take them", [[ACCEPT_RA, "0"]], ["0", "1"]],
    ["takes them though it forwards", [[ACCEPT_RA, "2"]], ["2", "1"]],
    ["forwarded before", [[FORWARDING, "1"]], ["1", "1"]],
  ] as const)("stay as they are on a device that %s", async (_, before, after) => {
    for (const [key, value] of before) await set(key, value);
    const found = await values();
    expect(await sync()).toEqual(after);
    await leave();
    expect(await values()).toEqual(found);
  });

  test("are left to who says, later, that the kernel is not to take them", async () => {
    await sync();
    await set(ACCEPT_RA, "0");
    expect(await sync()).toEqual(["0", "1"]);
    await leave();
    expect(await values()).toEqual(["0", "0"]);
  });
});
