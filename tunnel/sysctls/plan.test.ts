import { expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Sysctl } from "../state.ts";
import { sysctlPath } from "./kernel.ts";
import type { FormerValues } from "./memory.ts";
import type { SysctlPlan } from "./plan.ts";
import { mayDisturb, planSysctls } from "./plan.ts";
import { disturbedBy, disturberOf, madeOf } from "./side-effects.ts";

test.each([
  ["net.ipv4.ip_forward", "/proc/sys/net/ipv4/ip_forward"],
  ["net.ipv4.conf.eth0.rp_filter", "/proc/sys/net/ipv4/conf/eth0/rp_filter"],
  ["net.ipv4.conf.eth0.5.rp_filter", "/proc/sys/net/ipv4/conf/eth0.5/rp_filter"],
  ["net.ipv6.conf.br-1.2.3.accept_ra", "/proc/sys/net/ipv6/conf/br-1.2.3/accept_ra"],
  ["net.ipv4.neigh.eth0.5.proxy_delay", "/proc/sys/net/ipv4/neigh/eth0.5/proxy_delay"],
  ["net.ipv4.conf.*.forwarding", "/proc/sys/net/ipv4/conf/*/forwarding"],
  ["net.ipv4.fib_multipath_hash_policy", "/proc/sys/net/ipv4/fib_multipath_hash_policy"],
])("%s is %s", (key, path) => {
  expect(sysctlPath(key)).toBe(path);
});

const KEY = "net.ipv4.fib_multipath_hash_policy";
const ON = [{ key: KEY, value: "1" }];
const OFF = [{ key: KEY, value: "0" }];
const OURS = { [KEY]: { former: "0", ours: ["1"] } };
const CUT = { [KEY]: { former: "0", ours: ["2", "1"] } };

test.each<[string, typeof ON, string | undefined, FormerValues, SysctlPlan]>([
  ["as wanted before us: not ours", ON, "1", {}, { remember: {}, returns: [], writes: [], keep: {} }],
  ["changed: the former is remembered", ON, "0", {}, { remember: OURS, returns: [], writes: ON, keep: OURS }],
  ["ours already", ON, "1", OURS, { remember: OURS, returns: [], writes: [], keep: OURS }],
  [
    "changed by another: ours again, the first former value stays",
    ON,
    "2",
    OURS,
    { remember: OURS, returns: [], writes: ON, keep: OURS },
  ],
  ["not wanted any more: goes back", [], "1", OURS, { remember: BACK(), returns: OFF, writes: [], keep: {} }],
  ["not wanted any more, and another's: stays", [], "2", OURS, { remember: OURS, returns: [], writes: [], keep: {} }],
  ["not wanted any more, device gone", [], undefined, OURS, { remember: OURS, returns: [], writes: [], keep: {} }],
  ["wanted, not there: tried, so it is told", ON, undefined, {}, { remember: {}, returns: [], writes: ON, keep: {} }],
  ["a change was cut short", ON, "2", CUT, { remember: CUT, returns: [], writes: ON, keep: OURS }],
  [
    "a change was cut short, and is not wanted any more",
    [],
    "2",
    CUT,
    { remember: { [KEY]: { former: "0", ours: ["2", "1", "0"] } }, returns: OFF, writes: [], keep: {} },
  ],
])("%s", (_what, want, present, memory, plan) => {
  expect(planSysctls(want, new Map(present === undefined ? [] : [[KEY, present]]), memory)).toEqual(plan);
});

/** What is remembered while the value goes back. */
function BACK(): FormerValues {
  return { [KEY]: { former: "0", ours: ["1", "0"] } };
}

const FORWARD4 = "net.ipv4.ip_forward";
const FORWARD6 = "net.ipv6.conf.all.forwarding";
const REDIRECTS = "net.ipv4.conf.all.accept_redirects";
const DEFAULT4 = "net.ipv4.conf.default.forwarding";
const DEFAULT6 = "net.ipv6.conf.default.forwarding";
const ETH = "net.ipv4.conf.eth0.forwarding";
const ETH6 = "net.ipv6.conf.eth0.forwarding";
const ACCEPT_RA = "net.ipv6.conf.eth0.accept_ra";
const KEYS = [FORWARD4, FORWARD6, REDIRECTS, DEFAULT4, DEFAULT6, ETH, ETH6, ACCEPT_RA, KEY];

type Kernel = Map<string, string>;

/** A write as the kernel carries it out; that this is how it does is proven in side-effects.test.ts. */
function write(kernel: Kernel, { key, value }: Sysctl): void {
  for (const other of [...kernel.keys()].filter((each) => disturberOf(each) === key)) {
    if (kernel.get(key) !== value) kernel.set(other, madeOf(other, key, value));
  }
  kernel.set(key, value);
}

interface Node {
  readonly kernel: Kernel;
  memory: FormerValues;
}

/** Syncs, and dies after `steps` steps if it takes more; true when it was through. */
function sync(node: Node, want: readonly Sysctl[], steps = Infinity): boolean {
  const { remember, returns, writes, keep } = planSysctls(want, node.kernel, node.memory);
  const all = [
    () => (node.memory = remember),
    ...[...returns, ...writes].map((each) => () => write(node.kernel, each)),
    () => (node.memory = keep),
  ];
  for (const step of all.slice(0, steps)) step();
  return steps >= all.length;
}

const value = fc.constantFrom("0", "1");
const kernels = fc
  .tuple(...KEYS.map(() => value))
  .map((values) => new Map(KEYS.map((key, at) => [key, values[at] ?? ""])));
const wants = fc
  .tuple(fc.shuffledSubarray(KEYS), kernels)
  .map(([keys, values]) => keys.map((key) => ({ key, value: values.get(key) ?? "" })));
const syncs = fc.record({ want: wants, steps: fc.option(fc.nat(8), { nil: Infinity }) });

test("applying a plan leaves nothing to plan, and leaving restores every value, whatever was cut short before", () => {
  fc.assert(
    fc.property(kernels, fc.array(syncs, { maxLength: 4 }), (before, history) => {
      const node: Node = { kernel: new Map(before), memory: {} };
      for (const { want, steps } of history) {
        if (!sync(node, want, steps)) continue;
        const held = { remember: node.memory, returns: [], writes: [], keep: node.memory };
        for (const { key, value } of want) expect([key, node.kernel.get(key)]).toEqual([key, value]);
        expect(planSysctls(want, node.kernel, node.memory)).toEqual(held);
        expect(mayDisturb(want, node.kernel, node.memory)).toEqual([]);
      }
      sync(node, []);
      expect(node).toEqual({ kernel: before, memory: {} });
    }),
    { numRuns: 2000 },
  );
});

const HELD = [
  { key: ACCEPT_RA, value: "2" },
  { key: FORWARD4, value: "1" },
  { key: FORWARD6, value: "1" },
  { key: KEY, value: "1" },
];

test("leaving that is cut short anywhere is completed by leaving again", () => {
  fc.assert(
    fc.property(kernels, wants, fc.array(fc.nat(12), { maxLength: 4 }), (before, want, cuts) => {
      const node: Node = { kernel: new Map(before), memory: {} };
      sync(node, want);
      for (const steps of cuts) sync(node, [], steps);
      sync(node, []);
      expect(node).toEqual({ kernel: before, memory: {} });
    }),
    { numRuns: 2000 },
  );
});

test("what others wrote into keys that we disturb stays as they wrote it, also when leaving is cut short", () => {
  const disturbed = KEYS.filter((key) => disturberOf(key) !== undefined);
  const others = fc
    .subarray(disturbed)
    .chain((keys) => fc.tuple(...keys.map((key) => fc.tuple(fc.constant(key), fc.constantFrom("0", "1", "2")))));
  fc.assert(
    fc.property(kernels, others, fc.nat(12), (before, changes, steps) => {
      const node: Node = { kernel: new Map(before), memory: {} };
      sync(node, HELD);
      const expected = new Map(before);
      for (const [key, value] of changes) {
        if (node.kernel.get(key) !== value) expected.set(key, value); // else nobody can tell that it was written
        write(node.kernel, { key, value });
      }
      sync(node, HELD);
      sync(node, [], steps);
      sync(node, []);
      expect(node).toEqual({ kernel: expected, memory: {} });
    }),
    { numRuns: 2000 },
  );
});

test("another agent that resets a key is put right, and the first former values go back", () => {
  fc.assert(
    fc.property(kernels, fc.array(fc.constantFrom(FORWARD4, FORWARD6, ACCEPT_RA, KEY)), (before, resets) => {
      const node: Node = { kernel: new Map(before), memory: {} };
      sync(node, HELD);
      const formers = node.memory;
      for (const key of resets) {
        // Where it had our value when we came, it is another's first word that counts, not ours.
        if (formers[key] === undefined) continue;
        write(node.kernel, { key, value: "0" });
        sync(node, HELD);
        for (const { key, value } of HELD) expect([key, node.kernel.get(key)]).toEqual([key, value]);
      }
      expect(node.memory).toEqual(formers);
      sync(node, []);
      expect(node.kernel).toEqual(before);
    }),
  );
});

test("a disturber that another set back itself is his, and what he disturbed goes back to what it was", () => {
  const before = new Map([...KEYS.map((key) => [key, "0"] as const), [ETH, "1"]]);
  const node: Node = { kernel: new Map(before), memory: {} };
  sync(node, HELD);
  write(node.kernel, { key: FORWARD4, value: "0" });
  expect(node.kernel.get(REDIRECTS)).toBe("1");
  sync(node, []);
  expect(node.kernel).toEqual(before);
});

test("a disturber that another set to a value of his own stays, and so does all that it made", () => {
  const node: Node = { kernel: new Map(KEYS.map((key) => [key, "0"])), memory: {} };
  sync(node, HELD);
  write(node.kernel, { key: FORWARD4, value: "2" });
  const theirs = [FORWARD4, REDIRECTS, DEFAULT4, ETH].map((key) => [key, node.kernel.get(key)]);
  sync(node, []);
  expect(theirs).toEqual([FORWARD4, REDIRECTS, DEFAULT4, ETH].map((key) => [key, node.kernel.get(key)]));
});

test.each([
  ["0", "0"],
  ["1", "1"],
])("a device that came since ends as one that came to default.forwarding=%s", (byDefault, end) => {
  const node: Node = {
    kernel: new Map([...KEYS.map((key) => [key, "0"] as const), [DEFAULT4, byDefault]]),
    memory: {},
  };
  const came = "net.ipv4.conf.veth.9.forwarding";
  sync(node, HELD);
  node.kernel.set(came, node.kernel.get(DEFAULT4) ?? "");
  node.kernel.delete(ETH);
  sync(node, HELD);
  sync(node, []);
  expect([node.kernel.get(came), node.kernel.get(DEFAULT4), node.kernel.has(ETH)]).toEqual([end, byDefault, false]);
});

test("accept_ra is written before forwarding and goes back after it and after every device's", () => {
  const kernel = new Map([...KEYS.map((key) => [key, "0"] as const), [ACCEPT_RA, "1"], [ETH6, "1"]]);
  const there = planSysctls(HELD, kernel, {});
  expect(there.writes).toEqual(HELD);
  const node: Node = { kernel, memory: {} };
  sync(node, HELD);
  const back = planSysctls([], kernel, node.memory).returns.map(({ key }) => key);
  expect(back.slice(0, 2).toSorted()).toEqual([FORWARD4, FORWARD6]);
  expect(back.indexOf(ACCEPT_RA)).toBeGreaterThan(back.indexOf(ETH6));
});

test("what else to look at is asked for only when a disturber will be written", () => {
  const off = new Map([
    [FORWARD4, "0"],
    [KEY, "0"],
  ]);
  expect(mayDisturb(HELD.slice(3), off, {})).toEqual([]);
  expect(mayDisturb(HELD.slice(1, 2), off, {})).toEqual(disturbedBy(FORWARD4));
  expect(mayDisturb([], new Map([[FORWARD4, "1"]]), { [FORWARD4]: { former: "0", ours: ["1"] } })).toEqual(
    disturbedBy(FORWARD4),
  );
});
