import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { TestNode } from "../testing/namespace.ts";
import { makeTestNode } from "../testing/namespace.ts";
import { observeNetSysctls } from "../testing/net-sysctls.ts";
import { observeSysctls, writeSysctl } from "./kernel.ts";
import { disturbedBy, disturberOf, madeOf } from "./side-effects.ts";

let node: TestNode;
beforeAll(async () => {
  node = await makeTestNode("effects");
  await node.run("ip", ["link", "add", "dev", "eth0.5", "type", "bridge"]);
});
afterAll(() => node?.remove());

/** Another name of the same value. */
const ALIAS: Readonly<Record<string, string>> = { "net.ipv4.ip_forward": "net.ipv4.conf.all.forwarding" };

const DEVICE = "eth0.5";
const WRITES = [
  ["net.ipv4.ip_forward", ["1", "0", "2", "1"]],
  ["net.ipv6.conf.all.forwarding", ["1", "0", "2", "1"]],
  ["net.ipv4.fib_multipath_hash_policy", ["1", "0"]],
  ["net.ipv6.fib_multipath_hash_policy", ["1", "0"]],
  [`net.ipv4.conf.${DEVICE}.rp_filter`, ["2", "1", "0"]],
  [`net.ipv4.conf.${DEVICE}.send_redirects`, ["0", "1"]],
  ["net.ipv4.conf.all.send_redirects", ["0", "1"]],
  [`net.ipv6.conf.${DEVICE}.accept_ra`, ["2", "0", "1"]],
  ["net.ipv4.conf.all.accept_redirects", ["1", "0"]],
  ["net.ipv4.conf.default.forwarding", ["0", "1"]],
  [`net.ipv4.conf.${DEVICE}.forwarding`, ["0", "1"]],
  ["net.ipv6.conf.default.forwarding", ["0", "1"]],
  [`net.ipv6.conf.${DEVICE}.forwarding`, ["0", "1"]],
] as const;

test.each(WRITES)("the kernel changes what we say when %s is written, and nothing else", async (key, values) => {
  for (const value of values) {
    const expected = await observeNetSysctls(node.run);
    for (const other of expected.keys()) {
      if (disturberOf(other) === key) expected.set(other, madeOf(other, key, value));
    }
    expected.set(key, value);
    if (ALIAS[key] !== undefined) expected.set(ALIAS[key], value);
    await writeSysctl(node.run, { key, value });
    expect(Object.fromEntries(await observeNetSysctls(node.run))).toEqual(Object.fromEntries(expected));
  }
});

test("the patterns of what a key disturbs find all of it", async () => {
  const all = [...(await observeNetSysctls(node.run)).keys()];
  for (const [key] of WRITES) {
    const found = [...(await observeSysctls(node.run, [], disturbedBy(key))).keys()];
    expect(found.filter((each) => disturberOf(each) === key).toSorted()).toEqual(
      all.filter((each) => disturberOf(each) === key).toSorted(),
    );
  }
});
