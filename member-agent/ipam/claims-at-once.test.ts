import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { ipInstanceKind } from "../../crds/ip-instance.ts";
import { networkKind } from "../../crds/network.ts";
import { subnetKind } from "../../crds/subnet.ts";
import { ANNOTATIONS } from "../../mesh/ipam/annotations.ts";
import { supplyOf } from "../../mesh/ipam/supply.ts";
import { subnetSpec } from "../../mesh/ipam/testing/objects.ts";
import { systemClock } from "../../platform/clock.ts";
import { eventually } from "../../platform/testing/eventually.ts";
import { startMemberStore } from "../testing/store.ts";
import type { MemberStore } from "../testing/store.ts";
import { Life } from "./testing/life.ts";
import { MemoryKernel } from "./testing/memory-kernel.ts";
import { ModelAgent } from "./testing/model-agent.ts";

const NODES = ["n0", "n1", "n2", "n3"];
const PODS = 1_000;
const SUBNETS = {
  // 1,000 addresses that pods may have, in 32 blocks.
  pods: subnetSpec("10.0.0.0/22", { blockSize: 27, reservedIPs: ["10.0.3.233-10.0.3.254"] }),
  hall: subnetSpec("192.168.0.0/22", { network: "lan", range: { start: "192.168.0.1", end: "192.168.3.232" } }),
};

let member: MemberStore;
let root: string;
let agents: readonly ModelAgent[];
let lives: readonly Life[];

beforeAll(async () => {
  member = await startMemberStore();
  root = await mkdtemp(path.join(tmpdir(), "trestle-claims-"));
  const { store } = member;
  await store.create(networkKind, { metadata: { name: "overlay" }, spec: { type: "Overlay", nodeSelector: {} } });
  await store.create(networkKind, { metadata: { name: "lan" }, spec: { type: "Underlay", nodeSelector: {} } });
  for (const [name, spec] of Object.entries(SUBNETS)) await store.create(subnetKind, { metadata: { name }, spec });
  lives = NODES.map(
    () =>
      new Life(
        () => 0,
        () => undefined,
      ),
  );
  agents = NODES.map((node, at) => {
    const common = { kernel: new MemoryKernel(), store, where: path.join(root, node), clock: systemClock };
    return new ModelAgent({ ...common, node, life: lives[at] as Life, lastLevel: undefined });
  });
  await eventually(() => agents.every(({ ipam }) => ipam?.serving === true) || "an agent does not serve");
});
afterAll(async () => {
  for (const life of lives) life.end();
  await Promise.all(agents.map(({ done }) => done));
  await member.remove();
  await rm(root, { recursive: true, force: true });
});

const used = async (subnet: string): Promise<number> =>
  (await member.store.list(ipInstanceKind)).filter(({ spec }) => spec.subnet === subnet).length;

/** As a runtime does: who is told that there is none at the moment asks again. */
async function untilServed(add: () => Promise<readonly string[]>): Promise<readonly string[]> {
  let given: readonly string[] = [];
  await eventually(async () => (given = await add()).length > 0, 240_000);
  return given;
}

test.each(["pods", "hall"] as const)(
  "four agents give 1,000 pods at once the 1,000 addresses of %s, and take them back",
  async (subnet) => {
    const { total, reserved } = supplyOf(SUBNETS[subnet]);
    expect(total - reserved).toBe(PODS);
    const calls = Array.from({ length: PODS }, (_, n) => {
      const name = `${subnet}-${n}`;
      const facts = { pod: { namespace: "shop", name, uid: name }, annotations: { [ANNOTATIONS.subnet]: subnet } };
      const attachment = { sandbox: name, interface: "eth0" };
      const agent = agents[n % agents.length] as ModelAgent;
      return {
        add: () => agent.add({ ...facts, namespaceAnnotations: {} }, attachment),
        del: () => agent.del(attachment),
      };
    });
    const given = (await Promise.all(calls.map(({ add }) => untilServed(add)))).flat();
    expect(new Set(given).size).toBe(PODS);
    await eventually(async () => (await used(subnet)) === PODS || used(subnet));
    await Promise.all(calls.map(({ del }) => del()));
    await eventually(async () => (await used(subnet)) === 0 || used(subnet));
  },
  300_000,
);
