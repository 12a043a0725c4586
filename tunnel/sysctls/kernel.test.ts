import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { TestNode } from "../testing/namespace.ts";
import { makeTestNode } from "../testing/namespace.ts";
import { observeSysctls, writeSysctl } from "./kernel.ts";

let node: TestNode;
beforeAll(async () => {
  node = await makeTestNode("sysctl");
  await node.run("ip", ["link", "add", "dev", "eth0.5", "type", "bridge"]);
  await node.run("ip", ["link", "add", "dev", "a[b]*", "type", "bridge"]);
});
afterAll(() => node?.remove());

test.each(["net.ipv4.conf.eth0.5.rp_filter", "net.ipv4.conf.a[b]*.rp_filter", "net.ipv4.ip_forward"])(
  "%s is written and read",
  async (key) => {
    for (const value of ["1", "0"]) {
      await writeSysctl(node.run, { key, value });
      expect(await observeSysctls(node.run, [key])).toEqual(new Map([[key, value]]));
    }
  },
);

test("a pattern stands for every device, and for all and default", async () => {
  const seen = await observeSysctls(node.run, ["net.ipv4.ip_forward"], ["net.ipv4.conf.*.forwarding"]);
  const devices = ["all", "default", "lo", "eth0.5", "a[b]*"].map((device) => `net.ipv4.conf.${device}.forwarding`);
  expect([...seen.keys()]).toEqual(expect.arrayContaining(["net.ipv4.ip_forward", ...devices]));
});

test("keys that do not exist are left out of what is observed", async () => {
  const keys = ["net.ipv4.conf.nowhere.rp_filter", "net.ipv4.ip_forward"];
  expect([...(await observeSysctls(node.run, keys)).keys()]).toEqual(["net.ipv4.ip_forward"]);
});

test("no keys, no program", async () => {
  const none = () => Promise.reject(new Error("ran something"));
  expect(await observeSysctls(none, [])).toEqual(new Map());
});
