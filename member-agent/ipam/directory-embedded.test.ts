import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { namespaceKind } from "../../crds/namespace.ts";
import { podKind } from "../../crds/pod.ts";
import { workloadKind } from "../../crds/workload.ts";
import { systemClock } from "../../platform/clock.ts";
import { connectNats } from "../../platform/nats/connection.ts";
import { openEmbeddedStore } from "../../platform/store/embedded.ts";
import { createStoreBucket } from "../../platform/store/make-bucket.ts";
import type { ResourceStore } from "../../platform/store/port.ts";
import { eventually } from "../../platform/testing/eventually.ts";
import { startTestNats } from "../../platform/testing/nats.ts";
import type { TestNats } from "../../platform/testing/nats.ts";
import { silent } from "../testing/folder.ts";
import { embeddedDirectory } from "./directory-embedded.ts";
import type { EmbeddedDirectory } from "./directory-embedded.ts";

const life = new AbortController();
const common = { clock: systemClock, log: silent, signal: life.signal };
let nats: TestNats;
let store: ResourceStore;
let directory: EmbeddedDirectory;

beforeAll(async () => {
  nats = await startTestNats();
  const dial = { servers: [nats.url], name: "test", waitOnFirstConnect: false };
  const connection = await connectNats({ ...dial, ...common });
  await createStoreBucket({ connection, bucket: "store", ...common });
  store = await openEmbeddedStore({ connection, bucket: "store", ...common });
  directory = embeddedDirectory(store, common, life.signal);
  await directory.synced;
}, 60_000);
afterAll(async () => {
  life.abort();
  await directory?.done;
  await nats?.remove();
}, 60_000);

const owner = (uid: string) => ({ kind: "StatefulSet", name: "web", uid });
const addPod = (name: string, annotations: Record<string, string>, uid?: string) =>
  store.create(podKind, {
    metadata: { name: `shop.${name}`, annotations },
    spec: { namespace: "shop", name, node: "a", ...(uid !== undefined && { owner: owner(uid) }) },
  });

test("a pod is told with its annotations, its namespace's and its owner, as soon as it is there", async () => {
  expect(await directory.find("shop", "web-0")).toBeUndefined();
  await store.create(namespaceKind, { metadata: { name: "shop", annotations: { of: "shop" } }, spec: {} });
  const { metadata } = await addPod("web-0", { of: "pod" }, "u");
  expect(await directory.find("shop", "web-0")).toEqual({
    pod: { namespace: "shop", name: "web-0", uid: metadata.uid },
    annotations: { of: "pod" },
    namespaceAnnotations: { of: "shop" },
    owner: owner("u"),
  });
  await addPod("loner", {});
  expect(await directory.find("shop", "loner")).not.toHaveProperty("owner");
}, 60_000);

test("an owner is gone once it was deleted, or another of its name took its place", async () => {
  const add = () =>
    store.create(workloadKind, {
      metadata: { name: "statefulset.shop.web" },
      spec: { kind: "StatefulSet", namespace: "shop", name: "web" },
    });
  expect(await directory.ownerExists("shop", owner("u"))).toBe(false);
  const { uid } = (await add()).metadata;
  expect(await directory.ownerExists("shop", owner(uid))).toBe(true);
  expect(await directory.ownerExists("shop", owner("another"))).toBe(false);
  await store.delete(workloadKind, "statefulset.shop.web");
  await eventually(async () => (await directory.ownerExists("shop", owner(uid))) === false);
  const later = (await add()).metadata.uid;
  expect(await directory.ownerExists("shop", owner(uid))).toBe(false);
  await eventually(async () => (await directory.ownerExists("shop", owner(later))) === true);
}, 60_000);

test("with a store that is silent, what was seen is told at once, and of the rest that nobody can tell", async () => {
  await addPod("seen", { of: "seen" });
  const workload = await store.get(workloadKind, "statefulset.shop.web");
  const elder = embeddedDirectory(store, common, life.signal);
  await elder.synced;
  await eventually(async () => (await elder.find("shop", "seen")) !== undefined);
  await nats.pause();
  try {
    const [seen, unseen, known, unknown] = await Promise.allSettled([
      elder.find("shop", "seen"),
      elder.find("shop", "unseen"),
      elder.ownerExists("shop", owner(workload?.metadata.uid ?? "")),
      elder.ownerExists("shop", owner("another")),
    ]);
    expect(seen).toMatchObject({ value: { annotations: { of: "seen" }, namespaceAnnotations: { of: "shop" } } });
    expect(unseen).toMatchObject({ reason: { code: "pod-unknown", retry: true } });
    expect(known).toMatchObject({ value: true });
    expect(unknown).toMatchObject({ value: undefined });
  } finally {
    nats.resume();
  }
}, 60_000);

test("a directory that has yet to read the store asks it", async () => {
  const early = embeddedDirectory(store, common, life.signal);
  expect(await early.find("shop", "seen")).toMatchObject({ namespaceAnnotations: { of: "shop" } });
  await early.synced;
}, 60_000);
