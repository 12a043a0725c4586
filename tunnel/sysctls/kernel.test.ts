import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { TestNode } from "../testing/namespace.ts";
import { makeTestNode } from "../testing/namespace.ts";
import { applySysctls, observeSysctls } from "./kernel.ts";
import type { FormerValue } from "./plan.ts";
import { planSysctls } from "./plan.ts";

let node: TestNode;
beforeAll(async () => {
  node = await makeTestNode("sysctl");
  await node.run("ip", ["link", "add", "dev", "eth0.5", "type", "bridge"]);
}, 60_000);
afterAll(() => node.remove(), 60_000);

const DOTTED = "net.ipv4.conf.eth0.5.rp_filter";

test("values are written, kept and put back, for a device with a dot in its name too", async () => {
  const saves: Readonly<Record<string, FormerValue>>[] = [];
  const memory = {
    load: () => Promise.resolve(saves.at(-1) ?? {}),
    save: (values: Readonly<Record<string, FormerValue>>) => {
      saves.push(values);
      return Promise.resolve();
    },
  };
  const keys = [DOTTED, "net.ipv4.ip_forward"];
  const before = await observeSysctls(node.run, keys);
  expect([...before.keys()].toSorted()).toEqual(keys.toSorted());
  const sync = async (want: readonly { key: string; value: string }[]) =>
    applySysctls(node.run, planSysctls(want, await observeSysctls(node.run, keys), await memory.load()), memory);
  const want = [
    { key: DOTTED, value: before.get(DOTTED) === "2" ? "1" : "2" },
    { key: "net.ipv4.ip_forward", value: before.get("net.ipv4.ip_forward") === "1" ? "0" : "1" },
  ];
  expect(await sync(want)).toEqual(want.map(({ key, value }) => ({ step: `sysctl ${key}=${value}` })));
  const written = saves.length;
  expect(await sync(want)).toEqual([]);
  expect(saves).toHaveLength(written);
  await sync([]);
  expect(await observeSysctls(node.run, keys)).toEqual(before);
  expect(saves.at(-1)).toEqual({});
}, 60_000);

test("keys that do not exist are left out of what is observed, and reported when written", async () => {
  const missing = "net.ipv4.conf.nowhere.rp_filter";
  expect([...(await observeSysctls(node.run, [missing, "net.ipv4.ip_forward"])).keys()]).toEqual([
    "net.ipv4.ip_forward",
  ]);
  const memory = { load: () => Promise.resolve({}), save: () => Promise.resolve() };
  const plan = planSysctls([{ key: missing, value: "2" }], new Map(), {});
  const [outcome] = await applySysctls(node.run, plan, memory);
  expect(outcome?.error).toContain("nowhere");
}, 60_000);

test("where nothing can be saved, what is known to go back is written all the same, and the rest is told", async () => {
  const [forward, filter] = ["net.ipv4.ip_forward", "net.ipv4.conf.lo.rp_filter"] as const;
  await node.run("sh", ["-c", "echo 0 > /proc/sys/net/ipv4/ip_forward; echo 0 > /proc/sys/net/ipv4/conf/lo/rp_filter"]);
  const memory = {
    load: () => Promise.resolve({ [forward]: { former: "0", ours: "1" } }),
    save: () => Promise.reject(new Error("no space left on device")),
  };
  const want = [
    { key: forward, value: "1" },
    { key: filter, value: "2" },
  ];
  const observe = () => observeSysctls(node.run, [forward, filter]);
  const outcomes = await applySysctls(node.run, planSysctls(want, await observe(), await memory.load()), memory);
  expect(outcomes).toEqual([
    { step: "remember former sysctls", error: "no space left on device" },
    { step: "sysctl net.ipv4.ip_forward=1" },
  ]);
  expect(await observe()).toEqual(
    new Map([
      [forward, "1"],
      [filter, "0"],
    ]),
  );
}, 60_000);

test("no keys, no program", async () => {
  const none = () => Promise.reject(new Error("ran something"));
  expect(await observeSysctls(none, [])).toEqual(new Map());
});
