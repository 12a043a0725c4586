import { afterAll, beforeAll, expect, test } from "@jest/globals";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { runner } from "../../platform/run.ts";
import { eventually } from "../../platform/testing/eventually.ts";
import { podDevice } from "../../tunnel/pod-link.ts";
import { observeProxies } from "../../tunnel/underlay/proxies.ts";
import { attachmentOf } from "../testing/address-node.ts";
import { callOf, PodBench, sandboxOf, UNDERLAY } from "./testing/pod-bench.ts";
import type { TestPod } from "./testing/pod-bench.ts";

const SLOW_MS = 60_000;

let bench: PodBench;

beforeAll(async () => {
  bench = await PodBench.open("pods");
}, SLOW_MS);
afterAll(() => bench?.remove(), SLOW_MS);

test(
  "an ADD that is asked again is answered the same, with its wire as it was, or mended",
  async () => {
    const [pod, sandbox] = [await bench.makePod(), sandboxOf()];
    const addresses = await bench.add(pod, sandbox);
    expect(await bench.add(pod, sandbox)).toEqual(addresses);
    expect(await bench.routed(sandbox)).toEqual(addresses);
    await bench.outside("ip", ["link", "delete", podDevice(`${sandbox}/eth0`)]);
    await expect(bench.check(pod, sandbox)).rejects.toMatchObject({ code: 103 });
    expect(await bench.add(pod, sandbox)).toEqual(addresses);
    await bench.check(pod, sandbox);
    await bench.del(sandbox);
    await bench.del(sandbox);
    expect(await bench.routed(sandbox)).toBeUndefined();
    await expect(bench.check(pod, sandbox)).rejects.toMatchObject({ message: expect.stringContaining("no address") });
  },
  SLOW_MS,
);

test(
  "two ADDs of one pod at a time, each of a sandbox of its own, leave one wire, to which the addresses are routed",
  async () => {
    const pod = await bench.makePod();
    const [first, second] = [sandboxOf(), sandboxOf()];
    const [one, other] = await Promise.all([bench.add(pod, first), bench.add(pod, second)]);
    expect(other).toEqual(one);
    expect(await bench.routed(first)).toBeUndefined();
    expect(await bench.routed(second)).toEqual(one);
    await bench.del(first);
    await bench.check(pod, second);
    await bench.del(second);
  },
  SLOW_MS,
);

test(
  "two pods whose runtime has them change sandboxes with each other do not wait for each other",
  async () => {
    const [one, other] = [await bench.makePod(), await bench.makePod()];
    const [first, second] = [sandboxOf(), sandboxOf()];
    const addAt = async (pod: TestPod, sandbox: string, name: string): Promise<string[]> => {
      const { addresses } = await bench.pods.add({ ...callOf(pod, sandbox), attachment: { sandbox, interface: name } });
      return addresses.map(({ address }) => address);
    };
    const before = [await addAt(one, first, "net1"), await addAt(other, second, "eth0")];
    expect(await Promise.all([addAt(one, second, "net1"), addAt(other, first, "eth0")])).toEqual(before);
    expect([await bench.routed(second), await bench.routed(first)]).toEqual(before);
    for (const [sandbox, name] of [
      [second, "net1"],
      [first, "eth0"],
    ] as const)
      await bench.pods.del({ attachment: { sandbox, interface: name } });
    expect([await bench.routed(second), await bench.routed(first)]).toEqual([undefined, undefined]);
  },
  SLOW_MS,
);

test(
  "a DEL of the former sandbox takes nothing from the new one, before, beside or after its ADD",
  async () => {
    const pod = await bench.makePod(UNDERLAY);
    let former = sandboxOf();
    const [address = ""] = await bench.add(pod, former);
    for (let n = 0; n < 5; n += 1) {
      const next = sandboxOf();
      const [, again] = await Promise.all([bench.del(former), bench.add(pod, next)]);
      await bench.del(former);
      expect(await bench.routed(next)).toEqual(again);
      expect(await observeProxies(bench.outside, "eth0")).toEqual(again);
      await bench.check(pod, next);
      former = next;
    }
    await bench.del(former);
    expect(await observeProxies(bench.outside, "eth0")).not.toContain(address);
  },
  SLOW_MS,
);

test(
  "a DEL that is slow to take what the LAN is told away takes it away before its new sandbox is told to have it",
  async () => {
    const pod = await bench.makePod(UNDERLAY);
    const slow = bench.networkBy(async (program, args, options) => {
      if (args.includes("proxy") && args.includes("delete")) await delay(500);
      return bench.outside(program, args, options);
    });
    const [former, next] = [sandboxOf(), sandboxOf()];
    await slow.add(callOf(pod, former));
    const deleted = slow.del({ attachment: { sandbox: former, interface: "eth0" } });
    const { addresses } = await slow.add(callOf(pod, next));
    await deleted;
    expect(await observeProxies(bench.outside, "eth0")).toEqual(addresses.map(({ address }) => address));
    await bench.check(pod, next);
    await bench.del(next);
  },
  SLOW_MS,
);

test(
  "an ADD that comes to its turn when its sandbox is gone takes nothing from the one that came after it",
  async () => {
    const pod = await bench.makePod();
    const [gone, next] = [sandboxOf(), sandboxOf()];
    const netns = `/run/netns/${await bench.makeNamespace()}`;
    const found = Promise.withResolvers<void>();
    const slow = bench.networkBy(bench.outside, { onFind: () => found.promise });
    const late = slow.add({ ...callOf(pod, gone), netns });
    // Its runtime has given up: it deletes what it made of the sandbox, and makes another.
    await slow.del({ attachment: attachmentOf(gone) });
    await runner()("ip", ["netns", "delete", path.basename(netns)]);
    const addresses = await bench.add(pod, next);
    found.resolve();
    await expect(late).rejects.toMatchObject({ code: 3 });
    await bench.check(pod, next);
    expect(await bench.routed(next)).toEqual(addresses);
    await bench.del(next);
  },
  SLOW_MS,
);

test(
  "a DEL without an ADD, and one whose namespace is gone, are done",
  async () => {
    const [pod, sandbox] = [await bench.makePod(), sandboxOf()];
    await bench.del(sandbox);
    await bench.add(pod, sandbox);
    await runner()("ip", ["netns", "delete", pod.facts.pod.name]);
    await bench.del(sandbox);
    expect(bench.agent.ipam.of(attachmentOf(sandbox))).toEqual([]);
    await expect(bench.add(pod, sandbox)).rejects.toMatchObject({
      code: 3,
      message: expect.stringContaining(pod.netns),
    });
  },
  SLOW_MS,
);

test(
  "a GC takes away what the runtime knows nothing of, and nothing that is being added meanwhile",
  async () => {
    const [known, stale, late] = [await bench.makePod(), await bench.makePod(), await bench.makePod()];
    const other = await bench.makePod();
    await bench.pods.add({ ...callOf(other, "gc-other"), configuration: { name: "other", type: "trestle-cni" } });
    await bench.add(known, "gc-known");
    await bench.add(stale, "gc-stale");
    // Its wire is not made before the GC has begun.
    const begun = Promise.withResolvers<void>();
    const slow = bench.networkBy(async (...command) => {
      if (command[0] === "ip") await begun.promise;
      return bench.outside(...command);
    });
    const adding = slow.add(callOf(late, "gc-late")).then(({ addresses }) => addresses.map(({ address }) => address));
    await eventually(async () => bench.agent.ipam.of({ sandbox: "gc-late", interface: "eth0" }).length > 0);
    const gc = slow.gc({
      command: "GC",
      version: "1.1.0",
      configuration: { name: "trestle", type: "trestle-cni" },
      valid: [{ sandbox: "gc-known", interface: "eth0" }],
    });
    begun.resolve();
    const [addresses] = await Promise.all([adding, gc]);
    expect(await bench.routed("gc-stale")).toBeUndefined();
    expect(await bench.routed("gc-late")).toEqual(addresses);
    await bench.check(known, "gc-known");
    await bench.check(late, "gc-late");
    // It was asked for by another list, which says itself what is valid of it.
    await bench.check(other, "gc-other");
    for (const sandbox of ["gc-known", "gc-late", "gc-other"]) await bench.del(sandbox);
  },
  SLOW_MS,
);

test(
  "the LAN is answered for the underlay pods that there are, whatever became of the entries",
  async () => {
    const [pod, sandbox] = [await bench.makePod(UNDERLAY), sandboxOf()];
    const [address = ""] = await bench.add(pod, sandbox);
    await bench.outside("ip", ["neigh", "delete", "proxy", address, "dev", "eth0"]);
    await expect(bench.check(pod, sandbox)).rejects.toMatchObject({ message: expect.stringContaining(address) });
    await bench.pods.reconcileProxies();
    await bench.check(pod, sandbox);
    await bench.agent.ipam.release(attachmentOf(sandbox));
    await bench.pods.reconcileProxies();
    expect(await observeProxies(bench.outside, "eth0")).toEqual([]);
    await bench.del(sandbox);
  },
  SLOW_MS,
);
