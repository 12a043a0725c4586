import { beforeEach, expect, test } from "@jest/globals";
import { namespaceKind } from "../crds/namespace.ts";
import { podKind } from "../crds/pod.ts";
import { workloadKind } from "../crds/workload.ts";
import { systemClock } from "../platform/clock.ts";
import { createLog } from "../platform/log.ts";
import type { ResourceStore } from "../platform/store/port.ts";
import { memoryStore } from "../platform/testing/memory-store.ts";
import { deletePods, putPods } from "./pod-objects.ts";
import type { PodWish } from "./pod-objects.ts";

const OWNER = { kind: "StatefulSet", name: "web" };
const wish = (name: string, more: Partial<PodWish> = {}): PodWish => ({
  namespace: "shop",
  name,
  node: "a",
  annotations: {},
  ...more,
});

let store: ResourceStore;
beforeEach(() => {
  ({ store } = memoryStore({ clock: systemClock, log: createLog({ level: "silent", pretty: false }) }).connect());
});

const podUid = async (name: string) => (await store.get(podKind, name))?.metadata.uid;

test("pods are made known with their namespace and their owner, and each is told its uid", async () => {
  const annotations = { "trestle.dev/subnet": "office" };
  const wishes = ["web-0", "web-1"].map((name) => wish(name, { owner: OWNER, annotations }));
  const uids = await putPods(store, [...wishes, wish("alone")]);
  const workload = await store.get(workloadKind, "statefulset.shop.web");
  expect(workload?.spec).toEqual({ ...OWNER, namespace: "shop" });
  expect(await store.get(podKind, "shop.web-1")).toMatchObject({
    metadata: { uid: uids[1], annotations },
    spec: { namespace: "shop", name: "web-1", node: "a", owner: { ...OWNER, uid: workload?.metadata.uid } },
  });
  expect((await store.get(podKind, "shop.alone"))?.spec.owner).toBeUndefined();
  expect(uids).toEqual(await Promise.all(["shop.web-0", "shop.web-1", "shop.alone"].map(podUid)));
  expect(new Set(uids).size).toBe(3);
});

test("a pod that is known already is the same pod; elsewhere, or of another owner, it is another", async () => {
  const [first] = await putPods(store, [wish("web-0", { owner: OWNER })]);
  expect(await putPods(store, [wish("web-0", { owner: OWNER, annotations: { a: "b" } })])).toEqual([first]);
  expect((await store.get(podKind, "shop.web-0"))?.metadata.annotations).toEqual({ a: "b" });
  const [moved] = await putPods(store, [wish("web-0", { owner: OWNER, node: "b" })]);
  const [left] = await putPods(store, [wish("web-0", { node: "b" })]);
  expect(new Set([first, moved, left]).size).toBe(3);
});

test("a namespace keeps the annotations it has, and gets those it is given", async () => {
  await putPods(store, [wish("one", { namespaceAnnotations: { a: "1", b: "1" } })]);
  await putPods(store, [wish("two", { namespaceAnnotations: { b: "2" } }), wish("three")]);
  expect((await store.get(namespaceKind, "shop"))?.metadata.annotations).toEqual({ a: "1", b: "2" });
});

test("an owner stays when its pods go, unless it is to go with them", async () => {
  const [first] = await putPods(store, [wish("web-0", { owner: OWNER }), wish("alone")]);
  const pods = [wish("web-0", { owner: OWNER }), wish("alone")];
  await deletePods(store, pods, { withOwners: false });
  expect(await store.list(podKind)).toEqual([]);
  const kept = await store.get(workloadKind, "statefulset.shop.web");
  const [second] = await putPods(store, [wish("web-0", { owner: OWNER })]);
  expect(second).not.toBe(first);
  expect(await store.get(workloadKind, "statefulset.shop.web")).toEqual(kept);
  for (let times = 2; times > 0; times -= 1) await deletePods(store, pods, { withOwners: true });
  expect([await store.list(podKind), await store.list(workloadKind)]).toEqual([[], []]);
});

test("many that write at once make each pod and each owner once", async () => {
  const wishes = Array.from({ length: 30 }, (_, at) => wish(`web-${at}`, { owner: OWNER }));
  const [first, ...others] = await Promise.all([1, 2, 3].map(() => putPods(store, wishes)));
  for (const other of others) expect(other).toEqual(first);
});
