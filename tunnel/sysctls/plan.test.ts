import { expect, test } from "@jest/globals";
import fc from "fast-check";
import type { FormerValue, SysctlPlan } from "./plan.ts";
import { planSysctls, sysctlPath } from "./plan.ts";

test.each([
  ["net.ipv4.ip_forward", "/proc/sys/net/ipv4/ip_forward"],
  ["net.ipv4.conf.eth0.rp_filter", "/proc/sys/net/ipv4/conf/eth0/rp_filter"],
  ["net.ipv4.conf.eth0.5.rp_filter", "/proc/sys/net/ipv4/conf/eth0.5/rp_filter"],
  ["net.ipv6.conf.br-1.2.3.accept_ra", "/proc/sys/net/ipv6/conf/br-1.2.3/accept_ra"],
  ["net.ipv4.neigh.eth0.5.proxy_delay", "/proc/sys/net/ipv4/neigh/eth0.5/proxy_delay"],
  ["net.ipv4.fib_multipath_hash_policy", "/proc/sys/net/ipv4/fib_multipath_hash_policy"],
])("%s is %s", (key, path) => {
  expect(sysctlPath(key)).toBe(path);
});

const KEY = "net.ipv4.ip_forward";
const ON = [{ key: KEY, value: "1" }];
const OURS = { [KEY]: { former: "0", ours: "1" } };
type Memory = Readonly<Record<string, FormerValue>>;

test.each<[string, typeof ON, string | undefined, Memory, SysctlPlan]>([
  ["as wanted before us: not ours", ON, "1", {}, { remember: {}, writes: [], keep: {} }],
  ["changed: the former value is remembered", ON, "0", {}, { remember: OURS, writes: ON, keep: OURS }],
  ["ours already", ON, "1", OURS, { remember: OURS, writes: [], keep: OURS }],
  [
    "changed by another: ours again, the first former value stays",
    ON,
    "2",
    OURS,
    { remember: OURS, writes: ON, keep: OURS },
  ],
  ["not wanted any more: goes back", [], "1", OURS, { remember: OURS, writes: [{ key: KEY, value: "0" }], keep: {} }],
  ["not wanted any more, and another's now: stays", [], "2", OURS, { remember: OURS, writes: [], keep: {} }],
  ["not wanted any more, and its device gone", [], undefined, OURS, { remember: OURS, writes: [], keep: {} }],
  ["wanted and not there: tried, so that it is reported", ON, undefined, {}, { remember: {}, writes: ON, keep: {} }],
])("%s", (_what, want, present, memory, plan) => {
  expect(planSysctls(want, new Map(present === undefined ? [] : [[KEY, present]]), memory)).toEqual(plan);
});

test("applying a plan leaves nothing to plan, and leaving restores every value", () => {
  const keys = ["a", "b", "c"];
  const values = fc
    .tuple(...keys.map(() => fc.constantFrom("0", "1", "2")))
    .map((list) => new Map(keys.map((key, index) => [key, list[index] ?? ""])));
  const wants = fc
    .tuple(values, fc.subarray(keys))
    .map(([all, some]) => some.map((key) => ({ key, value: all.get(key) ?? "" })));
  fc.assert(
    fc.property(values, fc.array(wants, { maxLength: 4 }), (before, history) => {
      const kernel = new Map(before);
      let memory: Memory = {};
      for (const want of [...history, []]) {
        const plan = planSysctls(want, kernel, memory);
        for (const { key, value } of plan.writes) kernel.set(key, value);
        memory = plan.keep;
        expect(planSysctls(want, kernel, memory)).toEqual({ remember: memory, writes: [], keep: memory });
      }
      expect(kernel).toEqual(before);
      expect(memory).toEqual({});
    }),
  );
});
