import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import { subnetKind } from "../crds/subnet.ts";
import type { Subnet } from "../mesh/ipam/resources.ts";
import { subnetSpec } from "../mesh/ipam/testing/objects.ts";
import { systemClock } from "../platform/clock.ts";
import type { Clock } from "../platform/clock.ts";
import { heldBy } from "./held.ts";
import { startOwnStore } from "./testing/own-store.ts";
import type { OwnStore } from "./testing/own-store.ts";

let own: OwnStore;
beforeAll(async () => {
  own = await startOwnStore();
}, 60_000);
afterEach(async () => {
  await letGo();
  await own.clear();
});
afterAll(() => own?.remove());

const FINALIZER = "trestle.dev/addresses-in-use";
const { signal } = new AbortController();
const never = (): never => {
  throw new Error("there is nothing to wait for");
};

async function heldSubnet(finalizers: readonly string[]): Promise<Subnet> {
  await own.done("network create overlay --type Overlay");
  const draft = { metadata: { name: "pods", finalizers }, spec: subnetSpec("10.64.0.0/16") };
  const subnet = await own.store.create(subnetKind, draft);
  await own.store.delete(subnetKind, "pods");
  return subnet;
}

async function letGo(): Promise<void> {
  const present = await own.store.get(subnetKind, "pods");
  if (present === undefined) return;
  await own.store.update(subnetKind, { ...present, metadata: { ...present.metadata, finalizers: [] } });
}

test("what nobody holds is gone at once", async () => {
  const clock: Clock = { ...systemClock, sleep: never };
  expect(await heldBy(own.store, subnetKind, await heldSubnet([]), { clock, signal })).toEqual([]);
});

test("what is held is waited for until it is let go", async () => {
  const clock: Clock = { ...systemClock, sleep: letGo };
  expect(await heldBy(own.store, subnetKind, await heldSubnet([FINALIZER]), { clock, signal })).toEqual([]);
});

test("another of the same name is not waited for", async () => {
  const subnet = await heldSubnet([FINALIZER]);
  const clock: Clock = {
    ...systemClock,
    sleep: async () => {
      await letGo();
      const draft = { metadata: { name: "pods", finalizers: [FINALIZER] }, spec: subnet.spec };
      await own.store.create(subnetKind, draft);
    },
  };
  expect(await heldBy(own.store, subnetKind, subnet, { clock, signal })).toEqual([]);
});

test("what is not let go is named, and shown as deleted", async () => {
  let elapsed = 0;
  const sleep: Clock["sleep"] = async (ms) => void (elapsed += ms);
  const clock: Clock = { ...systemClock, monotonic: () => elapsed, sleep };
  expect(await heldBy(own.store, subnetKind, await heldSubnet([FINALIZER]), { clock, signal })).toEqual([FINALIZER]);
  expect(await own.done("subnet show pods")).toMatch(/\nDeleted: +\d+s ago: it goes when no address of it is in use\n/);
});
