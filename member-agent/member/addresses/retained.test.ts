import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import { ipBlockKind } from "../../../crds/ip-block.ts";
import { ipInstanceKind } from "../../../crds/ip-instance.ts";
import { podKind } from "../../../crds/pod.ts";
import { workloadKind } from "../../../crds/workload.ts";
import type { IPInstance, IPInstanceSpec } from "../../../mesh/ipam/resources.ts";
import { instance } from "../../../mesh/ipam/testing/objects.ts";
import { systemClock } from "../../../platform/clock.ts";
import { MeshError } from "../../../platform/errors.ts";
import { eventually } from "../../../platform/testing/eventually.ts";
import { embeddedDirectory } from "../../ipam/directory-embedded.ts";
import type { EmbeddedDirectory } from "../../ipam/directory-embedded.ts";
import type { PodDirectory } from "../../ipam/directory.ts";
import { silent } from "../../testing/folder.ts";
import type { MemberStore } from "../../testing/store.ts";
import { startMemberStore } from "../../testing/store.ts";
import type { Keeper } from "./retained.ts";
import { mayGo, releaseRetained } from "./retained.ts";
import { emptyStore } from "./testing/store.ts";

const podSaying = (annotations: Record<string, string>, namespaceAnnotations: Record<string, string> = {}) => ({
  pod: { namespace: "shop", name: "web-0", uid: "u" },
  annotations,
  namespaceAnnotations,
});
const [NO, YES] = [{ "trestle.dev/retain-ip": "false" }, { "trestle.dev/retain-ip": "true" }];

test.each<[string, Keeper, boolean]>([
  ["its set is gone", { ownerExists: false, pod: undefined }, true],
  ["its set is there, and the pod is not", { ownerExists: true, pod: undefined }, false],
  ["its set is there, and the pod says nothing", { ownerExists: true, pod: podSaying({}) }, false],
  ["the pod wants it no longer", { ownerExists: true, pod: podSaying(NO) }, true],
  ["the namespace wants it no longer", { ownerExists: true, pod: podSaying({}, NO) }, true],
  ["the pod wants it, though its namespace doesn't", { ownerExists: true, pod: podSaying(YES, NO) }, false],
  ["nobody can tell", { ownerExists: undefined, pod: undefined }, false],
  ["nobody can tell of the set, and the pod wants it no longer", { ownerExists: undefined, pod: podSaying(NO) }, true],
])("whether an address may go of which %s", (_, keeper, may) => {
  expect(mayGo(keeper)).toBe(may);
});

let member: MemberStore;
let directory: EmbeddedDirectory;
const life = new AbortController();
beforeAll(async () => {
  member = await startMemberStore();
  directory = embeddedDirectory(member.store, { clock: systemClock, log: silent }, life.signal);
}, 60_000);
afterEach(() => emptyStore(member.store));
afterAll(async () => {
  life.abort();
  await directory?.done;
  await member?.remove();
}, 60_000);

const KEPT: Partial<IPInstanceSpec> = { retained: true, attachment: undefined, node: undefined };

async function keep(address: string, spec: Partial<IPInstanceSpec> = {}): Promise<IPInstance> {
  const made = instance(address, "pods", { ...KEPT, ...spec });
  await member.store.create(ipBlockKind, {
    metadata: { name: `${made.metadata.name}-32` },
    spec: { cidr: `${address}/32`, node: "a", purpose: "Pods" },
  });
  return member.store.create(ipInstanceKind, made);
}
const release = async (of: PodDirectory = directory) =>
  releaseRetained(member.store, of, await member.store.list(ipInstanceKind));
const left = async () => [
  (await member.store.list(ipInstanceKind)).map(({ spec }) => spec.address),
  (await member.store.list(ipBlockKind)).map(({ spec }) => spec.cidr),
];

test("addresses of a set stay while it is there, however few pods it has, and go with it", async () => {
  const { metadata } = await member.store.create(workloadKind, {
    metadata: { name: "statefulset.shop.web" },
    spec: { kind: "StatefulSet", namespace: "shop", name: "web" },
  });
  const owner = { kind: "StatefulSet", name: "web", uid: metadata.uid };
  await keep("10.64.0.1", { owner });
  await keep("10.64.0.2", { owner, attachment: { sandbox: "s", interface: "eth0" }, node: "a" });
  await release();
  expect(await left()).toEqual([
    ["10.64.0.1", "10.64.0.2"],
    ["10.64.0.1/32", "10.64.0.2/32"],
  ]);
  await member.store.delete(workloadKind, "statefulset.shop.web");
  // The directory learns it in its own time; the address that a pod still has is that pod's to give back.
  await eventually(async () => (await directory.ownerExists("shop", owner)) === false);
  await Promise.all([release(), release()]);
  expect(await left()).toEqual([["10.64.0.2"], ["10.64.0.2/32"]]);
}, 60_000);

test("the address of a pod by itself stays when the pod goes, and goes when the pod says so", async () => {
  await keep("10.64.0.1", { pod: { namespace: "shop", name: "db", uid: "u" } });
  await release();
  expect(await left()).toEqual([["10.64.0.1"], ["10.64.0.1/32"]]);
  await member.store.create(podKind, {
    metadata: { name: "shop.db", annotations: NO },
    spec: { namespace: "shop", name: "db", node: "a" },
  });
  await release();
  expect(await left()).toEqual([[], []]);
}, 60_000);

test("an address that was bound again meanwhile stays, and so does what nobody can tell of", async () => {
  const gone = { kind: "StatefulSet", name: "web", uid: "gone" };
  const before = await keep("10.64.0.1", { owner: gone });
  const spec = { ...before.spec, node: "b", attachment: { sandbox: "new", interface: "eth0" } };
  await member.store.update(ipInstanceKind, { ...before, spec });
  await releaseRetained(member.store, directory, [before]);
  expect(await left()).toEqual([["10.64.0.1"], ["10.64.0.1/32"]]);

  await keep("10.64.0.2", { owner: gone });
  await release({
    find: () => Promise.reject(new MeshError("pod-unknown", "the store is silent", { retry: true })),
    ownerExists: () => Promise.resolve(undefined),
  });
  expect((await left())[0]).toEqual(["10.64.0.1", "10.64.0.2"]);
}, 60_000);
