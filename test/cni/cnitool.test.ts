import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { ipInstanceKind } from "../../crds/ip-instance.ts";
import { addressPart } from "../../mesh/cidr.ts";
import { ANNOTATIONS } from "../../mesh/ipam/annotations.ts";
import { objectNameOfAddress } from "../../mesh/names.ts";
import { eventually } from "../../platform/testing/eventually.ts";
import { openCNITool } from "./support/cnitool.ts";
import type { CNITool } from "./support/cnitool.ts";
import { makeCNINode } from "./support/cni-node.ts";
import type { CNINode, TestPod } from "./support/cni-node.ts";
import type { AddResult } from "./support/plugin.ts";

/** The plugin as the CNI project's own runtime drives it, with an agent and a store behind it. */

let node: CNINode;
let cnitool: CNITool;
let made = 0;

const PORTMAP = { type: "portmap", capabilities: { portMappings: true }, backend: "nftables" };

beforeAll(async () => {
  node = await makeCNINode("cnitool");
  cnitool = await openCNITool(node, {
    "pods-1-0": { cniVersion: "1.0.0" },
    "pods-1-1": { cniVersion: "1.1.0" },
    "mapped-1-1": { cniVersion: "1.1.0", behind: [PORTMAP] },
  });
});
afterAll(() => node?.remove());

function makePod(annotations: Readonly<Record<string, string>> = {}): Promise<TestPod> {
  made += 1;
  return node.makePod(`pod-${made}`, annotations);
}

/** Does as told, which must go well, and returns what it said. */
async function well(...words: Parameters<CNITool>): Promise<string> {
  const outcome = await cnitool(...words);
  expect(outcome).toMatchObject({ ok: true });
  return outcome.said;
}

async function add(list: string, pod: TestPod, capabilities?: object): Promise<AddResult> {
  return JSON.parse(await well("add", list, pod, capabilities)) as AddResult;
}

function inPod({ name }: TestPod, words: string): Promise<string> {
  return node.run("ip", ["netns", "exec", name, ...words.split(" ")]);
}

async function addressesInUse(): Promise<readonly string[]> {
  return (await node.store.list(ipInstanceKind)).map(({ spec }) => spec.address);
}

describe.each(["pods-1-0", "pods-1-1", "mapped-1-1"])("by the list %s", (list) => {
  test("a pod gets an address of each family that works, which a CHECK finds and a DEL frees", async () => {
    const pod = await makePod();
    const { cniVersion, ips } = await add(list, pod);
    expect(cniVersion).toBe(list.endsWith("1-0") ? "1.0.0" : "1.1.0");
    expect(ips.map(({ address }) => address)).toEqual([
      expect.stringMatching(/^10\.64\.\d+\.\d+\/32$/),
      expect.stringMatching(/^fd10:64::[0-9a-f:]*\/128$/),
    ]);
    const addresses = ips.map(({ address }) => addressPart(address));
    for (const lan of ["192.0.2.1", "2001:db8::1"]) await inPod(pod, `ping -c 1 -W 5 ${lan}`);
    await well("check", list, pod);
    await eventually(async () => {
      const used = await addressesInUse();
      return addresses.every((address) => used.includes(address)) || used;
    });
    await well("del", list, pod);
    expect(await inPod(pod, "ip -o link show type veth")).toBe("");
    await eventually(async () => {
      const used = await addressesInUse();
      return !addresses.some((address) => used.includes(address)) || used;
    });
  });

  test("a DEL is well twice, without an ADD, and after the pod's namespace is gone", async () => {
    const [pod, never] = [await makePod(), await makePod()];
    await add(list, pod);
    await well("del", list, pod);
    await well("del", list, pod);
    await well("del", list, never);
    await add(list, pod);
    await node.run("ip", ["netns", "delete", pod.name]);
    await well("del", list, pod);
    await node.run("ip", ["netns", "delete", never.name]);
    await well("del", list, never);
  });

  test("an ADD to a namespace that is not there is refused in words, and leaves nothing", async () => {
    const pod = await makePod();
    await node.run("ip", ["netns", "delete", pod.name]);
    expect(await cnitool("add", list, pod)).toMatchObject({ ok: false, said: expect.stringContaining(pod.name) });
    await well("del", list, pod);
  });
});

test("an ADD that is asked again is answered as before", async () => {
  const pod = await makePod();
  const { ips } = await add("pods-1-1", pod);
  expect((await add("pods-1-1", pod)).ips).toEqual(ips);
  await well("del", "pods-1-1", pod);
});

test("a pod on the machines' LAN has an address of it", async () => {
  const pod = await makePod({ [ANNOTATIONS.networkType]: "Underlay" });
  const { ips } = await add("pods-1-1", pod);
  expect(ips.map(({ address }) => address)).toEqual([
    expect.stringMatching(/^192\.0\.2\.\d+\/32$/),
    expect.stringMatching(/^2001:db8::[0-9a-f:]*\/128$/),
  ]);
  await well("check", "pods-1-1", pod);
  await well("del", "pods-1-1", pod);
});

test.each<[string, (pod: TestPod, address: string) => Promise<unknown>]>([
  ["its IPv4 address", (pod, address) => inPod(pod, `ip address delete ${address}/32 dev eth0`)],
  ["its IPv6 address", (pod) => inPod(pod, "ip -6 address flush dev eth0 scope global")],
  ["its default route", (pod) => inPod(pod, "ip route delete default")],
  ["its default route of IPv6", (pod) => inPod(pod, "ip -6 route delete default")],
  ["the node's route to it", (_, address) => node.run("ip", ["route", "delete", `${address}/32`])],
])("a CHECK notices that a pod lacks %s", async (_, damage) => {
  const pod = await makePod();
  const [address = ""] = (await add("pods-1-1", pod)).ips.map((ip) => addressPart(ip.address));
  await eventually(async () => (await addressesInUse()).includes(address));
  await damage(pod, address);
  expect(await cnitool("check", "pods-1-1", pod)).toMatchObject({
    ok: false,
    said: expect.stringContaining("is broken"),
  });
  await well("del", "pods-1-1", pod);
});

test("a reservation that somebody deletes is written again", async () => {
  const pod = await makePod();
  const [address = ""] = (await add("pods-1-1", pod)).ips.map((ip) => addressPart(ip.address));
  const isReserved = async () => (await addressesInUse()).includes(address);
  await eventually(isReserved);
  await node.store.delete(ipInstanceKind, objectNameOfAddress(address));
  await eventually(isReserved);
  await well("check", "pods-1-1", pod);
  await well("del", "pods-1-1", pod);
});

test("a port of the node is mapped to a pod by the plugin that is chained behind, until the pod is deleted", async () => {
  const pod = await makePod();
  const capabilities = { portMappings: [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }] };
  const [ip] = (await add("mapped-1-1", pod, capabilities)).ips;
  const rules = () => node.run("nft", ["list", "ruleset"]);
  expect(await rules()).toContain(`dnat to ${addressPart(ip?.address ?? "")}:80`);
  await well("check", "mapped-1-1", pod, capabilities);
  await well("del", "mapped-1-1", pod, capabilities);
  expect(await rules()).not.toContain("8080");
});

test("STATUS is well, and a GC frees all that the runtime knows nothing of any more", async () => {
  const pods = [await makePod(), await makePod()] as const;
  const results = [await add("pods-1-1", pods[0]), await add("pods-1-1", pods[1])];
  const addresses = results.flatMap(({ ips }) => ips.map(({ address }) => addressPart(address)));
  const isUsed = async (): Promise<boolean[]> => {
    const used = await addressesInUse();
    return addresses.map((address) => used.includes(address));
  };
  await eventually(async () => (await isUsed()).every(Boolean));
  await well("status", "pods-1-1", pods[0]);
  await cnitool.forget();
  await well("gc", "pods-1-1", pods[0]);
  await eventually(async () => !(await isUsed()).some(Boolean));
  for (const pod of pods) expect(await inPod(pod, "ip -o link show type veth")).toBe("");
});
