import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { ANNOTATIONS } from "../../mesh/ipam/annotations.ts";
import type { PodFacts } from "../../mesh/ipam/annotations.ts";
import { subnetSpec } from "../../mesh/ipam/testing/objects.ts";
import { systemClock } from "../../platform/clock.ts";
import { messageOf } from "../../platform/errors.ts";
import { runner } from "../../platform/run.ts";
import type { Run } from "../../platform/run.ts";
import { eventually } from "../../platform/testing/eventually.ts";
import { LinkDeletions } from "../../tunnel/link-deletions.ts";
import { podDevice } from "../../tunnel/pod-link.ts";
import { observePodWires } from "../../tunnel/pod-wires.ts";
import { makeLoneNode } from "../../tunnel/testing/lone-node.ts";
import type { TestNode } from "../../tunnel/testing/namespace.ts";
import { observeProxies } from "../../tunnel/underlay/proxies.ts";
import { AddressCluster, factsOf } from "../testing/address-node.ts";
import type { AddressNode } from "../testing/address-node.ts";
import { silent } from "../testing/folder.ts";
import { PodNetwork } from "./pod-network.ts";
import type { Call } from "./serve.ts";

const SLOW_MS = 60_000;
const SUBNETS = {
  pods: subnetSpec("10.0.0.0/26", { blockSize: 26 }),
  six: subnetSpec("fd00::/122", { blockSize: 122 }),
  hall: subnetSpec("192.0.2.0/24", { network: "lan", range: { start: "192.0.2.64", end: "192.0.2.79" } }),
};

const life = new AbortController();
const deletions = new LinkDeletions();
let node: TestNode;
/** Its network, and this machine's files: pods' namespaces are there. */
let outside: Run;
let cluster: AddressCluster;
let agent: AddressNode;
let pods: PodNetwork;
/** What the cluster knows of pods, by name. */
const known = new Map<string, PodFacts>();
const namespaces: string[] = [];

beforeAll(async () => {
  node = await makeLoneNode("pods");
  outside = runner(["nsenter", `--net=/run/netns/${node.name}`, "--"]);
  cluster = await AddressCluster.open(SUBNETS);
  agent = await cluster.node("a");
  pods = networkBy(outside);
}, SLOW_MS);
afterAll(async () => {
  life.abort();
  await cluster?.remove();
  for (const name of namespaces) await runner()("ip", ["netns", "delete", name]).catch(() => undefined);
  await node?.remove();
}, SLOW_MS);

/** @param run runs programs on the node */
function networkBy(run: Run): PodNetwork {
  const directory = { find: async (_: string, name: string) => known.get(name), ownerExists: async () => true };
  const parts = {
    ipam: agent.ipam,
    run,
    deletions,
    lan: () => ({ device: "eth0", podMtu: 1420 }),
    directory: () => directory,
    isReady: () => true,
    clock: systemClock,
    log: silent,
  };
  return new PodNetwork(parts, life.signal);
}

interface TestPod {
  readonly netns: string;
  readonly facts: PodFacts;
}

async function makePod(annotations: Readonly<Record<string, string>> = {}): Promise<TestPod> {
  const name = `trs-test-pod-${randomBytes(3).toString("hex")}`;
  await runner()("ip", ["netns", "add", name]);
  namespaces.push(name);
  const facts = factsOf(name, annotations);
  known.set(name, facts);
  return { netns: `/run/netns/${name}`, facts };
}

const callOf = ({ netns, facts: { pod } }: TestPod, sandbox: string): Call<"ADD"> => ({
  command: "ADD",
  version: "1.1.0",
  configuration: { name: "trestle", type: "trestle-cni" },
  attachment: { sandbox, interface: "eth0" },
  netns,
  args: { K8S_POD_NAMESPACE: pod.namespace, K8S_POD_NAME: pod.name, K8S_POD_UID: pod.uid },
});
const add = async (pod: TestPod, sandbox: string): Promise<string[]> =>
  (await pods.add(callOf(pod, sandbox))).addresses.map(({ address }) => address);
const del = (sandbox: string): Promise<void> => pods.del({ attachment: { sandbox, interface: "eth0" } });
const check = (pod: TestPod, sandbox: string): Promise<void> =>
  pods.check({ ...callOf(pod, sandbox), command: "CHECK" });
/** What the node's kernel has for a sandbox: addresses that are routed to it; undefined without a wire. */
const routed = async (sandbox: string): Promise<readonly string[] | undefined> =>
  (await observePodWires(outside)).find(({ attachment }) => attachment?.sandbox === sandbox)?.addresses;
const sandboxOf = (): string => `sandbox-${randomBytes(4).toString("hex")}`;

test(
  "an ADD that is asked again is answered the same, with its wire as it was, or mended",
  async () => {
    const [pod, sandbox] = [await makePod(), sandboxOf()];
    const addresses = await add(pod, sandbox);
    expect(await add(pod, sandbox)).toEqual(addresses);
    expect(await routed(sandbox)).toEqual(addresses);
    await outside("ip", ["link", "delete", podDevice(`${sandbox}/eth0`)]);
    await expect(check(pod, sandbox)).rejects.toMatchObject({ code: 103 });
    expect(await add(pod, sandbox)).toEqual(addresses);
    await check(pod, sandbox);
    await del(sandbox);
    await del(sandbox);
    expect(await routed(sandbox)).toBeUndefined();
    await expect(check(pod, sandbox)).rejects.toMatchObject({ message: expect.stringContaining("no address") });
  },
  SLOW_MS,
);

test(
  "two ADDs of one pod at a time, each of a sandbox of its own, leave one wire, to which the addresses are routed",
  async () => {
    const pod = await makePod();
    const [first, second] = [sandboxOf(), sandboxOf()];
    const [one, other] = await Promise.all([add(pod, first), add(pod, second)]);
    expect(other).toEqual(one);
    expect(await routed(first)).toBeUndefined();
    expect(await routed(second)).toEqual(one);
    await del(first);
    await check(pod, second);
    await del(second);
  },
  SLOW_MS,
);

test(
  "two pods whose runtime has them change sandboxes with each other do not wait for each other",
  async () => {
    const [one, other] = [await makePod(), await makePod()];
    const [first, second] = [sandboxOf(), sandboxOf()];
    const addAt = async (pod: TestPod, sandbox: string, name: string): Promise<string[]> => {
      const { addresses } = await pods.add({ ...callOf(pod, sandbox), attachment: { sandbox, interface: name } });
      return addresses.map(({ address }) => address);
    };
    const before = [await addAt(one, first, "net1"), await addAt(other, second, "eth0")];
    expect(await Promise.all([addAt(one, second, "net1"), addAt(other, first, "eth0")])).toEqual(before);
    expect([await routed(second), await routed(first)]).toEqual(before);
    for (const [sandbox, name] of [
      [second, "net1"],
      [first, "eth0"],
    ] as const)
      await pods.del({ attachment: { sandbox, interface: name } });
    expect([await routed(second), await routed(first)]).toEqual([undefined, undefined]);
  },
  SLOW_MS,
);

test(
  "a DEL of the former sandbox takes nothing from the new one, before, beside or after its ADD",
  async () => {
    const pod = await makePod({ [ANNOTATIONS.networkType]: "Underlay" });
    let former = sandboxOf();
    const [address = ""] = await add(pod, former);
    for (let n = 0; n < 5; n += 1) {
      const next = sandboxOf();
      const [, again] = await Promise.all([del(former), add(pod, next)]);
      await del(former);
      expect(await routed(next)).toEqual(again);
      expect(await observeProxies(outside, "eth0")).toEqual(again);
      await check(pod, next);
      former = next;
    }
    await del(former);
    expect(await observeProxies(outside, "eth0")).not.toContain(address);
  },
  SLOW_MS,
);

test(
  "a DEL that is slow to take what the LAN is told away takes it away before its new sandbox is told to have it",
  async () => {
    const pod = await makePod({ [ANNOTATIONS.networkType]: "Underlay" });
    const slow = networkBy(async (program, args, options) => {
      if (args.includes("proxy") && args.includes("delete")) await delay(500);
      return outside(program, args, options);
    });
    const [former, next] = [sandboxOf(), sandboxOf()];
    await slow.add(callOf(pod, former));
    const deleted = slow.del({ attachment: { sandbox: former, interface: "eth0" } });
    const { addresses } = await slow.add(callOf(pod, next));
    await deleted;
    expect(await observeProxies(outside, "eth0")).toEqual(addresses.map(({ address }) => address));
    await check(pod, next);
    await del(next);
  },
  SLOW_MS,
);

test(
  "an ADD whose wire can't be made leaves no address and no device",
  async () => {
    const [pod, sandbox] = [await makePod(), sandboxOf()];
    await runner()("ip", ["-n", pod.facts.pod.name, "link", "add", "eth0", "type", "veth", "peer", "name", "x0"]);
    const failed = await add(pod, sandbox).catch(messageOf);
    expect(failed).toContain("File exists");
    expect(agent.ipam.of({ sandbox, interface: "eth0" })).toEqual([]);
    expect(await routed(sandbox)).toBeUndefined();
    await runner()("ip", ["-n", pod.facts.pod.name, "link", "delete", "eth0"]);
    expect(await add(pod, sandbox)).toHaveLength(2);
    await del(sandbox);
  },
  SLOW_MS,
);

test(
  "a DEL without an ADD, and one whose namespace is gone, are done",
  async () => {
    const [pod, sandbox] = [await makePod(), sandboxOf()];
    await del(sandbox);
    await add(pod, sandbox);
    await runner()("ip", ["netns", "delete", pod.facts.pod.name]);
    await del(sandbox);
    expect(agent.ipam.of({ sandbox, interface: "eth0" })).toEqual([]);
    await expect(add(pod, sandbox)).rejects.toMatchObject({ code: 3, message: expect.stringContaining(pod.netns) });
  },
  SLOW_MS,
);

test(
  "a GC takes away what the runtime knows nothing of, and nothing that is being added meanwhile",
  async () => {
    const [known, stale, late] = [await makePod(), await makePod(), await makePod()];
    const other = await makePod();
    await pods.add({ ...callOf(other, "gc-other"), configuration: { name: "other", type: "trestle-cni" } });
    await add(known, "gc-known");
    await add(stale, "gc-stale");
    // Its wire is not made before the GC has begun.
    const begun = Promise.withResolvers<void>();
    const slow = networkBy(async (...command) => begun.promise.then(() => outside(...command)));
    const adding = slow.add(callOf(late, "gc-late")).then(({ addresses }) => addresses.map(({ address }) => address));
    await eventually(async () => agent.ipam.of({ sandbox: "gc-late", interface: "eth0" }).length > 0);
    const gc = slow.gc({
      command: "GC",
      version: "1.1.0",
      configuration: { name: "trestle", type: "trestle-cni" },
      valid: [{ sandbox: "gc-known", interface: "eth0" }],
    });
    begun.resolve();
    const [addresses] = await Promise.all([adding, gc]);
    expect(await routed("gc-stale")).toBeUndefined();
    expect(await routed("gc-late")).toEqual(addresses);
    await check(known, "gc-known");
    await check(late, "gc-late");
    // It was asked for by another list, which says itself what is valid of it.
    await check(other, "gc-other");
    for (const sandbox of ["gc-known", "gc-late", "gc-other"]) await del(sandbox);
  },
  SLOW_MS,
);

test(
  "the LAN is answered for the underlay pods that there are, whatever became of the entries",
  async () => {
    const [pod, sandbox] = [await makePod({ [ANNOTATIONS.networkType]: "Underlay" }), sandboxOf()];
    const [address = ""] = await add(pod, sandbox);
    await outside("ip", ["neigh", "delete", "proxy", address, "dev", "eth0"]);
    await expect(check(pod, sandbox)).rejects.toMatchObject({ message: expect.stringContaining(address) });
    await pods.reconcileProxies();
    await check(pod, sandbox);
    await agent.ipam.release({ sandbox, interface: "eth0" });
    await pods.reconcileProxies();
    expect(await observeProxies(outside, "eth0")).toEqual([]);
    await del(sandbox);
  },
  SLOW_MS,
);

test("a pod that the runtime and the cluster know by different uids is not given anything yet", async () => {
  const pod = await makePod();
  const call = callOf(pod, sandboxOf());
  const other = { ...call, args: { ...call.args, K8S_POD_UID: "another" } };
  await expect(pods.add(other)).rejects.toMatchObject({ code: "pod-unknown", retry: true });
});
