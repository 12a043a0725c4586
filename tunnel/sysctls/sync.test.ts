import { afterAll, beforeAll, beforeEach, expect, test } from "@jest/globals";
import type { Run } from "../../platform/run.ts";
import { eventually } from "../../platform/testing/eventually.ts";
import type { Sysctl } from "../state.ts";
import { mortal } from "../testing/crash.ts";
import type { TestNode } from "../testing/namespace.ts";
import { connect, makeTestNode } from "../testing/namespace.ts";
import { observeNetSysctls } from "../testing/net-sysctls.ts";
import { keptSysctls } from "../testing/sysctl-memory.ts";
import { observeSysctls, writeSysctl } from "./kernel.ts";
import { holdSysctls } from "./sync.ts";

let node: TestNode;
let peer: TestNode;
beforeAll(async () => {
  [node, peer] = await Promise.all([makeTestNode("hardened"), makeTestNode("router")]);
  await connect([node, ["192.0.2.1/24"]], [peer, ["192.0.2.2/24"]]);
  await node.run("ip", ["link", "add", "dev", "mgmt.7", "type", "bridge"]);
});
afterAll(() => Promise.all([node?.remove(), peer?.remove()]));

const FORWARD = "net.ipv4.ip_forward";
const FORWARD6 = "net.ipv6.conf.all.forwarding";
const REDIRECTS = "net.ipv4.conf.all.accept_redirects";

/** What a hardening guide asks for, but for one device that somebody lets forward. */
const HARDENED: readonly Sysctl[] = [
  { key: FORWARD, value: "0" },
  { key: FORWARD6, value: "0" },
  { key: "net.ipv4.conf.mgmt.7.forwarding", value: "1" },
  { key: "net.ipv6.conf.mgmt.7.forwarding", value: "1" },
  { key: REDIRECTS, value: "0" },
  { key: "net.ipv4.conf.default.accept_redirects", value: "0" },
  { key: "net.ipv4.conf.all.secure_redirects", value: "0" },
  { key: "net.ipv4.conf.all.rp_filter", value: "1" },
  { key: "net.ipv4.conf.eth0.rp_filter", value: "1" },
  { key: "net.ipv4.conf.all.send_redirects", value: "0" },
  { key: "net.ipv4.conf.eth0.send_redirects", value: "1" },
  { key: "net.ipv6.conf.eth0.accept_ra", value: "1" },
  { key: "net.ipv4.fib_multipath_hash_policy", value: "0" },
  { key: "net.ipv6.fib_multipath_hash_policy", value: "3" },
];

/** What a gateway wants: two keys are as it wants them already. */
const WANT: readonly Sysctl[] = [
  { key: "net.ipv6.conf.eth0.accept_ra", value: "2" },
  { key: FORWARD, value: "1" },
  { key: FORWARD6, value: "1" },
  { key: "net.ipv4.fib_multipath_hash_policy", value: "1" },
  { key: "net.ipv6.fib_multipath_hash_policy", value: "1" },
  { key: "net.ipv4.conf.eth0.rp_filter", value: "2" },
  { key: "net.ipv4.conf.eth0.send_redirects", value: "0" },
  { key: "net.ipv4.conf.all.send_redirects", value: "0" },
];

const write = async (sysctls: readonly Sysctl[]) => {
  for (const sysctl of sysctls) await writeSysctl(node.run, sysctl);
};
const all = async () => Object.fromEntries(await observeNetSysctls(node.run));
const valueOf = async (key: string) => (await observeSysctls(node.run, [key])).get(key);
const steps = (sysctls: readonly Sysctl[]) => sysctls.map(({ key, value }) => ({ step: `sysctl ${key}=${value}` }));

beforeEach(() => write(HARDENED));

test("what differs is written in the order wanted, kept without another step, and all is as before after leaving", async () => {
  const before = await all();
  const memory = keptSysctls();
  expect(await holdSysctls(node.run, WANT, memory)).toEqual(steps(WANT.slice(0, -1)));
  const saves = memory.saves();
  expect(await holdSysctls(node.run, WANT, memory)).toEqual([]);
  expect(memory.saves()).toBe(saves);
  for (const { key, value } of WANT) expect([key, await valueOf(key)]).toEqual([key, value]);
  expect((await holdSysctls(node.run, [], memory)).filter(({ error }) => error !== undefined)).toEqual([]);
  expect(await all()).toEqual(before);
  expect(memory.now()).toEqual({});
  expect(await holdSysctls(node.run, [], memory)).toEqual([]);
});

test("a process that ends after any step is completed by the next one: the machine is as before", async () => {
  const before = await all();
  for (let step = 0, died = true; died; step += 1) {
    const memory = keptSysctls();
    const joining = mortal(node.run, memory, step, (program) => program === "tee");
    await holdSysctls(joining.run, WANT, joining.sysctlMemory);
    const leaving = mortal(node.run, memory, step, (program) => program === "tee");
    await holdSysctls(leaving.run, [], leaving.sysctlMemory).catch(() => undefined);
    await holdSysctls(node.run, [], memory);
    expect({ step, sysctls: await all(), memory: memory.now() }).toEqual({ step, sysctls: before, memory: {} });
    died = joining.died() || leaving.died();
  }
});

test("leaving that ends after any step is completed by the next process, too", async () => {
  const before = await all();
  for (let step = 0, died = true; died; step += 1) {
    const memory = keptSysctls();
    await holdSysctls(node.run, WANT, memory);
    const leaving = mortal(node.run, memory, step, (program) => program === "tee");
    await holdSysctls(leaving.run, [], leaving.sysctlMemory);
    await holdSysctls(node.run, [], memory);
    expect({ step, sysctls: await all(), memory: memory.now() }).toEqual({ step, sysctls: before, memory: {} });
    died = leaving.died();
  }
});

test("what another agent changed meanwhile stays, also where leaving makes the kernel change it", async () => {
  const memory = keptSysctls();
  const before = await all();
  await holdSysctls(node.run, WANT, memory);
  const theirs = [
    { key: REDIRECTS, value: "1" },
    { key: "net.ipv4.conf.eth0.forwarding", value: "0" },
    { key: "net.ipv4.conf.eth0.rp_filter", value: "0" },
    { key: "net.ipv6.conf.mgmt.7.forwarding", value: "0" },
    { key: "net.ipv4.conf.eth0.log_martians", value: "1" },
  ];
  await write(theirs);
  await holdSysctls(node.run, [], memory);
  const expected = { ...before, ...Object.fromEntries(theirs.map(({ key, value }) => [key, value])) };
  expect(await all()).toEqual(expected);
  await write([{ key: "net.ipv4.conf.eth0.log_martians", value: "0" }]);
});

test("what another agent resets is put right by the next sync, and the first former value goes back", async () => {
  const memory = keptSysctls();
  const before = await all();
  await holdSysctls(node.run, WANT, memory);
  const first = memory.now();
  for (const reset of [
    { key: FORWARD, value: "0" },
    { key: FORWARD6, value: "0" },
    { key: "net.ipv4.conf.eth0.rp_filter", value: "0" },
  ]) {
    await write([reset]);
    expect((await holdSysctls(node.run, WANT, memory)).map(({ step }) => step)).toHaveLength(1);
    expect(memory.now()).toEqual(first);
  }
  for (const { key, value } of WANT) expect([key, await valueOf(key)]).toEqual([key, value]);
  await holdSysctls(node.run, [], memory);
  expect(await all()).toEqual(before);
});

test("devices that came end as if they had come to the former defaults, and devices that went are no matter", async () => {
  const memory = keptSysctls();
  await node.run("ip", ["link", "add", "dev", "goes", "type", "bridge"]);
  await holdSysctls(node.run, WANT, memory);
  await node.run("ip", ["link", "delete", "dev", "goes"]);
  await node.run("ip", ["link", "add", "dev", "came", "type", "bridge"]);
  const forwarding = ["net.ipv4.conf.came.forwarding", "net.ipv6.conf.came.forwarding"];
  for (const key of forwarding) expect([key, await valueOf(key)]).toEqual([key, "1"]);
  expect((await holdSysctls(node.run, [], memory)).filter(({ error }) => error !== undefined)).toEqual([]);
  for (const key of forwarding) expect([key, await valueOf(key)]).toEqual([key, "0"]);
  expect(memory.now()).toEqual({});
  await node.run("ip", ["link", "delete", "dev", "came"]);
});

test("a key that does not exist is reported, and the others are written", async () => {
  const missing = { key: "net.ipv4.conf.nowhere.rp_filter", value: "2" };
  const memory = keptSysctls();
  const [first, second] = await holdSysctls(node.run, [missing, ...WANT.slice(3, 4)], memory);
  expect(first?.error).toContain("nowhere");
  expect(second).toEqual(steps(WANT.slice(3, 4))[0]);
});

test.each([/ip_forward/, /accept_redirects/, /ipv6.*mgmt.7/, /hash_policy/])(
  "what could not be put back is not forgotten: %p",
  async (pattern) => {
    const memory = keptSysctls();
    const before = await all();
    await holdSysctls(node.run, WANT, memory);
    const refusing: Run = (program, args, options) =>
      program === "tee" && args.some((arg) => pattern.test(arg))
        ? Promise.reject(new Error("read-only file system"))
        : node.run(program, args, options);
    for (const _attempt of [1, 2]) {
      const outcomes = await holdSysctls(refusing, [], memory);
      expect(outcomes.filter(({ error }) => error !== undefined)).not.toEqual([]);
    }
    await holdSysctls(node.run, [], memory);
    expect(await all()).toEqual(before);
    expect(memory.now()).toEqual({});
  },
);

test("where nothing can be saved, what is known to go back is written all the same, and the rest is told", async () => {
  const known = { [FORWARD]: { former: "0", ours: ["1"] }, [REDIRECTS]: { former: "0", ours: ["0"] } };
  const full = { load: () => Promise.resolve(known), save: () => Promise.reject(new Error("no space left on device")) };
  const want = [WANT[1], WANT[5]].filter((sysctl) => sysctl !== undefined);
  const told = { step: "remember former sysctls", error: "no space left on device" };
  expect(await holdSysctls(node.run, want, full)).toEqual([told, { step: `sysctl ${FORWARD}=1` }]);
  expect([await valueOf(FORWARD), await valueOf("net.ipv4.conf.eth0.rp_filter")]).toEqual(["1", "1"]);
  expect((await holdSysctls(node.run, [], full))[0]).toEqual(told);
  expect([await valueOf(FORWARD), await valueOf(REDIRECTS)]).toEqual(["0", "0"]);
});

test("packets pass where others set rp_filter=1 for all: a device's 2 outweighs it", async () => {
  await write([{ key: "net.ipv4.conf.all.rp_filter", value: "1" }]);
  // A source that is routed elsewhere, so that a strict filter on eth0 drops it.
  await node.run("ip", ["address", "add", "198.51.100.1/24", "dev", "mgmt.7"]);
  await node.run("ip", ["link", "set", "dev", "mgmt.7", "up"]);
  await peer.run("ip", ["address", "add", "198.51.100.2/32", "dev", "lo"]);
  const count = async (counter: string) => Number((await node.run("nstat", ["-asz", counter])).split(/\s+/)[2]);
  const counts = async () => ({
    filtered: await count("TcpExtIPReversePathFilter"),
    echos: await count("IcmpInEchos"),
  });
  const send = () => peer.run("ping", ["-c", "1", "-W", "1", "-I", "198.51.100.2", "192.0.2.1"]).catch(() => "");
  await peer.run("ping", ["-c", "1", "-W", "5", "192.0.2.1"]); // ARP of that source would be filtered, uncounted
  const before = await counts();
  await send();
  expect(await counts()).toEqual({ ...before, filtered: before.filtered + 1 });
  const memory = keptSysctls();
  await holdSysctls(node.run, WANT, memory);
  await send();
  expect(await counts()).toEqual({ filtered: before.filtered + 1, echos: before.echos + 1 });
  await holdSysctls(node.run, [], memory);
  await node.run("ip", ["address", "delete", "198.51.100.1/24", "dev", "mgmt.7"]);
});

/** One router advertisement (RFC 4861, 4.2): hop limit 64, no flags, lifetime 1800 s. The kernel adds the checksum. */
const ADVERTISE = `
use Socket;
socket(my $s, 10, 3, 58) or die $!;
setsockopt($s, 41, 18, pack("i", 255)) or die $!; # IPV6_MULTICAST_HOPS
my $to = Socket::pack_sockaddr_in6(0, Socket::inet_pton(10, "ff02::1"), $ARGV[0]);
send($s, pack("CCnCCnNN", 134, 0, 0, 64, 0, 1800, 0, 0), 0, $to) or die $!;
`;

test("a default route of router advertisements survives coming and leaving, for accept_ra=2 is there first and last", async () => {
  const index = (await peer.run("cat", ["/sys/class/net/eth0/ifindex"])).trim();
  const learned = async () => (await node.run("ip", ["-6", "route", "show", "default", "proto", "ra"])) !== "";
  const learn = () =>
    eventually(async () => {
      await peer.run("perl", ["-e", ADVERTISE, index]).catch(() => undefined); // not before its address is settled
      return learned();
    });
  await learn();
  const memory = keptSysctls();
  await holdSysctls(node.run, WANT, memory);
  expect(await learned()).toBe(true);
  await holdSysctls(node.run, [], memory);
  expect(await learned()).toBe(true);
  // Learned anew: the kernel looks for such routes to delete only where one came since it last did.
  await node.run("ip", ["-6", "route", "delete", "default"]);
  await learn();
  await holdSysctls(node.run, WANT.slice(1), memory);
  expect(await learned()).toBe(false);
  await holdSysctls(node.run, [], memory);
});
