import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { ipInstanceKind } from "../../crds/ip-instance.ts";
import { objectNameOfAddress } from "../../mesh/names.ts";
import { MeshError, messageOf } from "../../platform/errors.ts";
import { runner } from "../../platform/run.ts";
import { eventually } from "../../platform/testing/eventually.ts";
import { observeProxies } from "../../tunnel/underlay/proxies.ts";
import { attachmentOf } from "../testing/address-node.ts";
import { callOf, PodBench, sandboxOf, UNDERLAY } from "./testing/pod-bench.ts";
import type { TestPod } from "./testing/pod-bench.ts";

const SLOW_MS = 60_000;

let bench: PodBench;
/** How much more gets through between the agent and its store. */
let messages = Infinity;

beforeAll(async () => {
  bench = await PodBench.open("faults", reachStore);
}, SLOW_MS);
afterAll(() => bench?.remove(), SLOW_MS);

async function reachStore(): Promise<void> {
  if (messages <= 0) throw new MeshError("store-unreachable", "the store does not answer", { retry: true });
  messages -= 1;
}

/** Has the pod's namespace hold what its wire needs to be free; undone by what is returned. */
async function obstruct({ facts: { pod } }: TestPod, ...commands: readonly string[]): Promise<() => Promise<unknown>> {
  const inPod = (words: string): Promise<string> => runner()("ip", ["-n", pod.name, ...words.split(" ")]);
  await inPod("link add x0 type veth peer name x1");
  for (const words of commands) await inPod(words);
  return () => inPod("link delete x0");
}

const hasNothing = async (pod: TestPod, sandbox: string): Promise<void> => {
  expect(bench.agent.ipam.of(attachmentOf(sandbox))).toEqual([]);
  expect(await bench.routed(sandbox)).toBeUndefined();
  expect(await observeProxies(bench.outside, "eth0")).toEqual([]);
  await eventually(async () => {
    const all = await bench.cluster.store.list(ipInstanceKind);
    return all.every(({ spec }) => spec.pod.uid !== pod.facts.pod.uid) || all.map(({ spec }) => spec);
  });
};

test.each<[string, readonly string[], Readonly<Record<string, string>>]>([
  ["the first step on the node", ["link set x1 name eth0"], {}],
  ["the last step in the pod", ["link set x0 up", "link set x1 up", "route add default dev x0"], {}],
  ["the last step in a pod on the LAN", ["link set x0 up", "link set x1 up", "route add default dev x0"], UNDERLAY],
])(
  "an ADD that fails at %s leaves no address, no wire and no reservation",
  async (_, commands, annotations) => {
    const [pod, sandbox] = [await bench.makePod(annotations), sandboxOf()];
    const clear = await obstruct(pod, ...commands);
    expect(await bench.add(pod, sandbox).catch(messageOf)).toContain("File exists");
    await hasNothing(pod, sandbox);
    await clear();
    await bench.add(pod, sandbox);
    await bench.check(pod, sandbox);
    await bench.del(sandbox);
  },
  SLOW_MS,
);

test(
  "an ADD that can't have the LAN answered leaves no address, no wire, no reservation and nothing that is answered for",
  async () => {
    const [pod, sandbox] = [await bench.makePod(UNDERLAY), sandboxOf()];
    let isRefused = false;
    const failing = bench.networkBy(async (program, args, options) => {
      const done = await bench.outside(program, args, options);
      if (!args.includes("proxy") || !args.includes("replace")) return done;
      isRefused = true;
      throw new MeshError("program-failed", "RTNETLINK answers: no", { retry: true });
    });
    await expect(failing.add(callOf(pod, sandbox))).rejects.toMatchObject({ message: "RTNETLINK answers: no" });
    expect(isRefused).toBe(true);
    await hasNothing(pod, sandbox);
  },
  SLOW_MS,
);

test(
  "a CHECK knows what the store said of an address: of another pod's that it is, and no fault of one that it said nothing of",
  async () => {
    const [pod, sandbox] = [await bench.makePod(), sandboxOf()];
    const [address = ""] = await bench.add(pod, sandbox);
    const name = objectNameOfAddress(address);
    const written = async () => bench.cluster.store.get(ipInstanceKind, name);
    await eventually(async () => (await written())?.spec.attachment?.sandbox === sandbox);
    // The agent hears of the change, and can do nothing about it.
    messages = 1;
    await bench.cluster.store.delete(ipInstanceKind, name);
    await eventually(() => messages === 0);
    await bench.check(pod, sandbox);
    messages = 1;
    const other = { namespace: "shop", name: "db", uid: "uid-db" };
    const spec = { address, subnet: "pods", network: "overlay", node: "b", pod: other, retained: false };
    await bench.cluster.store.create(ipInstanceKind, { metadata: { name }, spec });
    const words = expect.stringContaining(`${address} is of pod shop/db on node b by now`);
    await eventually(async () => {
      await expect(bench.check(pod, sandbox)).rejects.toMatchObject({ code: 103, message: words });
      return true;
    });
    messages = Infinity;
    await eventually(() => bench.agent.ipam.of(attachmentOf(sandbox)).length === 1);
    await bench.del(sandbox);
  },
  SLOW_MS,
);

test("a pod that the runtime and the cluster know by different uids is not given anything yet", async () => {
  const pod = await bench.makePod();
  const call = callOf(pod, sandboxOf());
  const other = { ...call, args: { ...call.args, K8S_POD_UID: "another" } };
  await expect(bench.pods.add(other)).rejects.toMatchObject({ code: "pod-unknown", retry: true });
});

test("STATUS is well while addresses can be given, and else tells whether the node's routes are there at least", async () => {
  await expect(bench.networkBy(bench.outside, { isReady: false }).status()).resolves.toBeUndefined();
  await bench.agent.ipam.stop();
  await expect(bench.networkBy(bench.outside).status()).rejects.toMatchObject({
    code: 50,
    message: expect.stringContaining("addresses"),
  });
  await expect(bench.networkBy(bench.outside, { isReady: false }).status()).rejects.toMatchObject({
    code: 51,
    message: expect.stringContaining("routes"),
  });
  await bench.agent.follow();
  await expect(bench.networkBy(bench.outside).status()).resolves.toBeUndefined();
});
