import { spawn } from "node:child_process";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { systemClock } from "../platform/clock.ts";
import { eventually } from "../platform/testing/eventually.ts";
import type { TestNode } from "./testing/namespace.ts";
import { makeTestNode, pidsIn } from "./testing/namespace.ts";
import { concernsIp, watchKernel } from "./watch.ts";

test.each([
  ["Deleted 10.2.0.0/16 nhid 7 via 10.9.0.5 dev eth0 proto 174 mtu 1300 ", true],
  ["id 77 via 10.9.0.5 dev eth0 scope link proto 174 ", true],
  ["Deleted 5: trs0-0: <POINTOPOINT> mtu 1420 qdisc noop state DOWN group default ", true],
  ["3: trsmesh    inet 10.66.1.1/32 scope global trsmesh\\       valid_lft forever ", true],
  ["2: eth0@if3: <BROADCAST,MULTICAST> mtu 1500 qdisc noqueue state DOWN group default ", true],
  ["2: eth1@if3: <BROADCAST,MULTICAST> mtu 1500 qdisc noqueue state DOWN group default ", false],
  ["Deleted 10.2.0.0/16 via 10.9.0.5 dev eth0 proto 17 ", false],
  ["Deleted 7: trnvx: <BROADCAST,MULTICAST,NOARP> mtu 1450 qdisc noop state DOWN group default ", true],
  ["10.66.2.1 dev trsvx lladdr 02:74:67:00:02:00 PERMANENT ", true],
  ["Deleted fe80::74:67ff:fe00:200 dev trnvx6 lladdr 02:74:67:00:02:00 PERMANENT ", true],
  ["10.66.2.1 dev trsvx FAILED ", true],
  ["192.0.2.2 dev trsvx lladdr 02:74:67:00:02:00 NOARP PERMANENT ", true],
  ["10.66.2.9 dev trsvx lladdr 02:74:67:00:01:00 NOARP ", false],
  ["Deleted ff02::2 dev trsvx lladdr 33:33:00:00:00:02 NOARP ", false],
  ["10.2.0.7 dev eth0 lladdr 9e:0b:4e:72:73:e5 REACHABLE ", false],
  ["10.2.0.7 dev flannel.1 lladdr 9e:0b:4e:72:73:e5 PERMANENT ", false],
  ["10.66.2.1 dev trsvx scope link ", false],
  ["10.2.0.0/16 dev eth0 proto kernel scope link src 10.2.0.1 ", false],
])("%j concerns us: %p", (line, expected) => {
  expect(concernsIp(line, ["eth0"])).toBe(expected);
});

let node: TestNode;
beforeAll(async () => {
  node = await makeTestNode("watch");
});
afterAll(() => node.remove());

test("what changes with our mark wakes, what is foreign does not, and nothing runs after the end", async () => {
  const { run } = node;
  await run("ip", ["link", "add", "dev", "other", "type", "bridge"]);
  const stop = new AbortController();
  let wakes = 0;
  let told = 0;
  const woken: string[] = [];
  const isExpected = (line: string): boolean => woken.push(line) === 0;
  const deps = { prefix: node.prefix, clock: systemClock, devices: ["eth0"], onDevice: () => told++, isExpected };
  const watching = watchKernel(deps, () => wakes++, stop.signal);
  /** Does it again and again, for a monitor takes a moment to listen. */
  const wakesAfter = async (program: string, ...args: string[]) => {
    const before = wakes;
    await eventually(async () => {
      await run(program, args);
      return wakes > before || args;
    });
  };
  await wakesAfter("ip", "route", "replace", "unreachable", "10.2.0.0/16", "proto", "174");
  await wakesAfter("sh", "-c", "nft add table inet trestle; nft delete table inet trestle");
  await wakesAfter("sh", "-c", "ip link add dev trs0-0 type bridge; ip link delete dev trs0-0");
  expect(told).toBe(0);
  await wakesAfter("sh", "-c", "ip link add dev eth0 type bridge; ip link delete dev eth0");
  expect(told).toBeGreaterThan(0);
  /** Monitors tell in order, so once both told of something, they told of all before. */
  const settled = async (mark: string) => {
    const route = `unreachable ${mark} proto 174`;
    const since = woken.length;
    await run("sh", ["-c", `ip route add ${route}; nft add table inet trestle; nft delete table inet trestle`]);
    const isTold = (text: string) => woken.slice(since).some((line) => line.includes(text));
    await eventually(() => (isTold(mark) && isTold("delete table inet trestle")) || woken.slice(since));
  };
  await run("ip", [
    "link",
    "add",
    "dev",
    "trsvx",
    ..."type vxlan id 1 dstport 1 local 127.0.0.1 nolearning".split(" "),
  ]);
  const entry = "02:00:00:00:00:01 dev trsvx";
  await settled("198.18.0.1");
  await wakesAfter("sh", "-c", `bridge fdb add ${entry} dst 192.0.2.1; bridge fdb delete ${entry}`);
  const neighbour = "10.9.0.1 dev trsvx";
  await settled("198.18.0.2");
  await wakesAfter("sh", "-c", `ip neigh add ${neighbour} nud failed; ip neigh delete ${neighbour}`);
  await run("ip", ["link", "delete", "dev", "trsvx"]);
  await settled("198.18.0.3");
  const before = woken.length;
  await run("ip", ["route", "add", "unreachable", "10.3.0.0/16", "proto", "static"]);
  await run("nft", ["add", "table", "inet", "other"]);
  await run("ip", ["link", "delete", "dev", "other"]);
  await settled("198.18.0.4");
  expect(woken.slice(before)).toHaveLength(2);
  expect(wakes).toBe(woken.length);
  stop.abort();
  await watching;
  await eventually(async () => (await pidsIn(node.name)).length === 1 || pidsIn(node.name));
});

test("an agent that is killed leaves no monitor behind", async () => {
  const program = `
    import { watchKernel } from "${import.meta.dirname}/watch.ts";
    import { systemClock } from "${import.meta.dirname}/../platform/clock.ts";
    const deps = { prefix: ${JSON.stringify(node.prefix)}, clock: systemClock, devices: [], onDevice: () => undefined, isExpected: () => false };
    await watchKernel(deps, () => undefined, new AbortController().signal);`;
  const agent = spawn(process.execPath, ["--input-type=module", "-e", program], { stdio: "ignore" });
  const monitors = async () => (await pidsIn(node.name)).length - 1;
  await eventually(async () => (await monitors()) === 2 || monitors());
  agent.kill("SIGKILL");
  await eventually(async () => (await monitors()) === 0 || monitors());
});
