import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { ipInstanceKind } from "../../crds/ip-instance.ts";
import { namespaceKind } from "../../crds/namespace.ts";
import { podKind } from "../../crds/pod.ts";
import { ANNOTATIONS } from "../../mesh/ipam/annotations.ts";
import type { IPInstance } from "../../mesh/ipam/resources.ts";
import { eventually } from "../../platform/testing/eventually.ts";
import { call, makeCNINode } from "./support/cni-node.ts";
import type { CNINode, TestPod } from "./support/cni-node.ts";
import { addAsRuntime, deleteAsRuntime, resultOf } from "./support/runtime.ts";
import type { RunningPod } from "./support/runtime.ts";

/** What becomes of pods' addresses while what is around them changes. */

const SLOW_MS = 300_000;
const DONE = { code: 0, output: "" };

let node: CNINode;
let made = 0;

beforeAll(async () => {
  node = await makeCNINode("changes");
}, SLOW_MS);
afterAll(() => node?.remove());

/** A pod that chooses no Network. */
async function addPlain(): Promise<RunningPod> {
  made += 1;
  return addAsRuntime(node, await node.makePod(`plain-${made}`), `plain-${made}`);
}

async function addAgain({ pod }: RunningPod, sandbox: string): Promise<readonly string[]> {
  const { output } = await call(node.socket, "ADD", pod, { sandbox });
  return resultOf(output).ips.map(({ address }) => address);
}

function isOf(range: "192.0.2." | "10.64.", { addresses }: RunningPod): boolean {
  return addresses.some((address) => address.startsWith(range));
}

test.each<[string, { readonly change: () => Promise<unknown>; readonly undo: () => Promise<unknown> }]>([
  [
    "the cluster's default Network is another",
    {
      change: () => node.ask("network", "set-default", "lan"),
      undo: () => node.ask("network", "set-default", "pods"),
    },
  ],
  [
    "its namespace chooses another Network",
    {
      change: () => {
        const metadata = { name: "default", annotations: { [ANNOTATIONS.network]: "lan" } };
        return node.store.create(namespaceKind, { metadata, spec: {} });
      },
      undo: () => node.store.delete(namespaceKind, "default"),
    },
  ],
])(
  "a pod that runs keeps its addresses when %s, and a new one gets what is chosen now",
  async (_, { change, undo }) => {
    const running = await addPlain();
    expect(isOf("10.64.", running)).toBe(true);
    await change();
    const others: RunningPod[] = [];
    await eventually(async () => {
      const other = await addPlain();
      others.push(other);
      return isOf("192.0.2.", other) || other.addresses;
    });
    const isAsBefore = async (sandbox: string): Promise<void> => {
      expect(await addAgain(running, sandbox)).toEqual(running.addresses);
      expect(await call(node.socket, "CHECK", running.pod, { sandbox })).toEqual(DONE);
    };
    await isAsBefore(running.sandbox);
    await node.killAgent();
    node.startAgent();
    await node.ready();
    await isAsBefore(running.sandbox);
    await isAsBefore(`${running.pod.name}.next`);
    await undo();
    await deleteAsRuntime(node, running.pod, `${running.pod.name}.next`);
    for (const { pod, sandbox } of others) await deleteAsRuntime(node, pod, sandbox);
  },
  SLOW_MS,
);

async function instancesOf({ name }: TestPod): Promise<readonly IPInstance[]> {
  return (await node.store.list(ipInstanceKind)).filter(({ spec }) => spec.pod.name === name);
}

test.each<[string, (ended: RunningPod) => Promise<unknown>]>([
  ["deletes its sandbox", ({ pod, sandbox }) => deleteAsRuntime(node, pod, sandbox)],
  ["is not there to say so", ({ pod }) => node.run("ip", ["netns", "delete", pod.name])],
])(
  "a pod that failed or was evicted frees its addresses though its object stays, or they are kept for the next, when the runtime %s",
  async (_, end) => {
    made += 1;
    const [plain, kept] = [
      await node.makePod(`failed-${made}`),
      await node.makePod(`kept-${made}`, { [ANNOTATIONS.retain]: "true" }),
    ];
    const running = [await addAsRuntime(node, plain, plain.name), await addAsRuntime(node, kept, kept.name)] as const;
    await eventually(async () => (await instancesOf(plain)).length + (await instancesOf(kept)).length === 4);
    for (const each of running) await end(each);
    await eventually(async () => (await instancesOf(plain)).length === 0 || (await instancesOf(plain)));
    await eventually(async () => {
      const instances = await instancesOf(kept);
      const isKept = ({ spec, status }: IPInstance): boolean =>
        status.phase === "Retained" && spec.node === undefined && spec.attachment === undefined;
      return (instances.length === 2 && instances.every(isKept)) || instances;
    });
    const objects = (await node.store.list(podKind)).map(({ spec }) => spec.name);
    expect(objects).toEqual(expect.arrayContaining([plain.name, kept.name]));
    await node.store.delete(podKind, `default.${kept.name}`);
    await node.run("ip", ["netns", "delete", kept.name]).catch(() => undefined);
    const next = await node.makePod(kept.name);
    expect(await addAsRuntime(node, next, `${kept.name}.next`)).toMatchObject({ addresses: running[1].addresses });
  },
  SLOW_MS,
);
