import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { setTimeout as delay } from "node:timers/promises";
import { ipInstanceKind } from "../../crds/ip-instance.ts";
import { objectNameOfAddress } from "../../mesh/names.ts";
import { retryOnConflict } from "../../platform/store/amend.ts";
import { eventually } from "../../platform/testing/eventually.ts";
import { observeProxies } from "../../tunnel/underlay/proxies.ts";
import { attachmentOf, factsOf } from "../testing/address-node.ts";
import { addAnswer } from "./answer.ts";
import { callOf, PodBench, sandboxOf, UNDERLAY } from "./testing/pod-bench.ts";

/** What the runtime, the store and the kernel do not say alike. */

const SLOW_MS = 60_000;

let bench: PodBench;

beforeAll(async () => {
  bench = await PodBench.open("doubt");
}, SLOW_MS);
afterAll(() => bench?.remove(), SLOW_MS);

/** Has the store say that an address is another node's. */
async function giveAway(address: string): Promise<void> {
  const { store } = bench.cluster;
  const find = () => store.get(ipInstanceKind, objectNameOfAddress(address));
  await eventually(async () => (await find()) !== undefined);
  const others = { node: "b", pod: factsOf("other").pod, attachment: attachmentOf("other") };
  await retryOnConflict(async () => {
    const present = await find();
    if (present !== undefined) await store.update(ipInstanceKind, { ...present, spec: { ...present.spec, ...others } });
  });
}

test(
  "a DEL that meets the look at what the LAN is told leaves nothing there",
  async () => {
    const [pod, sandbox] = [await bench.makePod(UNDERLAY), sandboxOf()];
    const [begun, over] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const slow = bench.networkBy(async (program, args, options) => {
      if (args.includes("link") && args.includes("delete")) {
        begun.resolve();
        await over.promise;
      }
      return bench.outside(program, args, options);
    });
    await slow.add(callOf(pod, sandbox));
    const deleted = slow.del({ attachment: attachmentOf(sandbox) });
    await begun.promise;
    const looked = slow.reconcileProxies();
    // A look that waits for nobody takes no longer.
    await Promise.race([looked, delay(1_000)]);
    over.resolve();
    await Promise.all([deleted, looked]);
    expect(await observeProxies(bench.outside, "eth0")).toEqual([]);
  },
  SLOW_MS,
);

test("a namespace that is the node's own, or none, is refused, and nothing is made there", async () => {
  const [pod, sandbox] = [await bench.makePod(), sandboxOf()];
  const before = await bench.outside("ip", ["address"]);
  const own = { ...callOf(pod, sandbox), netns: bench.netns, attachment: { sandbox, interface: "eth9" } };
  await expect(bench.pods.add(own)).rejects.toMatchObject({
    code: 4,
    message: expect.stringMatching(/CNI_NETNS .* own/),
  });
  for (const netns of ["/etc/passwd", "/etc"]) {
    const said = `CNI_NETNS ${netns} is no network namespace`;
    await expect(bench.pods.add({ ...own, netns })).rejects.toMatchObject({ code: 4, message: said });
  }
  expect(await bench.outside("ip", ["address"])).toBe(before);
  expect(bench.agent.ipam.of(own.attachment)).toEqual([]);
});

test("no pod can be started before the store said what pods there are, and STATUS says so", async () => {
  const pod = await bench.makePod();
  const early = bench.networkBy(bench.outside, { isHeard: false });
  await expect(early.add(callOf(pod, sandboxOf()))).rejects.toMatchObject({ code: "pod-unknown", retry: true });
  await expect(early.status()).rejects.toMatchObject({ code: 50, message: expect.stringContaining("store") });
  await bench.pods.status();
});

test(
  "a pod that lost an address of one family is broken, and keeps the other",
  async () => {
    const [pod, sandbox] = [await bench.makePod(), sandboxOf()];
    const [, said = ""] = addAnswer("1.1.0", await bench.pods.add(callOf(pod, sandbox))).split("\n");
    const prevResult = JSON.parse(said) as Record<string, unknown>;
    const [lost = "", left = ""] = bench.agent.ipam.of(attachmentOf(sandbox)).map(({ address }) => address);
    const checked = { ...callOf(pod, sandbox), command: "CHECK" } as const;
    const told = { ...checked, configuration: { ...checked.configuration, prevResult } };
    await bench.pods.check(told);
    await giveAway(lost);
    await eventually(async () => bench.agent.ipam.of(attachmentOf(sandbox)).length === 1);
    await expect(bench.pods.check(told)).rejects.toMatchObject({ code: 103, message: expect.stringContaining(lost) });
    expect(await bench.routed(sandbox)).toContain(left);
  },
  SLOW_MS,
);

test("what nobody knows the list of, no list's GC takes away: it may be another's", async () => {
  const [pod, sandbox] = [await bench.makePod(), sandboxOf()];
  // As a node that lost its disk takes it over from the kernel.
  const adopted = await bench.agent.add(pod.facts, sandbox);
  const { configuration } = callOf(pod, sandbox);
  await bench.pods.gc({ command: "GC", version: "1.1.0", configuration, valid: [] });
  expect(bench.agent.ipam.of(attachmentOf(sandbox)).map(({ address }) => address)).toEqual(adopted);
  await bench.del(sandbox);
});
