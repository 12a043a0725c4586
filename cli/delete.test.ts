import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import { ipInstanceKind } from "../crds/ip-instance.ts";
import { instance } from "../mesh/ipam/testing/objects.ts";
import type { ResourceStore } from "../platform/store/port.ts";
import { deleteStored } from "./delete.ts";
import { kindNamed } from "./kinds/registry.ts";
import { startOwnStore } from "./testing/own-store.ts";
import type { OwnStore } from "./testing/own-store.ts";

let own: OwnStore;
beforeAll(async () => {
  own = await startOwnStore();
}, 60_000);
afterEach(() => own.clear());
afterAll(() => own?.remove());

const running = instance("10.1.0.5", "pods", { retained: true });
const { node: _, attachment: __, ...kept } = running.spec;
const { name } = running.metadata;

const { kind, deletion } = kindNamed("member", "ip");
const guarded = { kind, guard: deletion.by === "store" ? deletion.refusal : undefined };

/** The store as it is when a pod starts with the address right before it is deleted. */
function whilePodStarts(): ResourceStore {
  const { store } = own;
  return {
    ...store,
    delete: async (kind, object, precondition) => {
      const present = await store.get(ipInstanceKind, name);
      if (present !== undefined) await store.update(ipInstanceKind, { ...present, spec: running.spec });
      return store.delete(kind, object, precondition);
    },
  };
}

test("an address that a pod gets while it is released stays the pod's", async () => {
  await own.store.create(ipInstanceKind, { metadata: { name }, spec: kept });
  const deleting = deleteStored(whilePodStarts(), guarded, name);
  await expect(deleting).rejects.toMatchObject({ code: "in-use", message: expect.stringContaining("shop/web-0") });
  expect((await own.store.get(ipInstanceKind, name))?.spec).toEqual(running.spec);
});

test("what changes in another way while it is deleted is deleted", async () => {
  await own.store.create(ipInstanceKind, { metadata: { name }, spec: kept });
  const { store } = own;
  let isCounted = false;
  const whileCounted: ResourceStore = {
    ...store,
    delete: async (kind, object, precondition) => {
      const present = isCounted ? undefined : await store.get(ipInstanceKind, name);
      isCounted = true;
      if (present !== undefined) {
        await store.updateStatus(ipInstanceKind, { ...present, status: { phase: "Retained" } });
      }
      return store.delete(kind, object, precondition);
    },
  };
  await deleteStored(whileCounted, guarded, name);
  expect(await store.list(ipInstanceKind)).toEqual([]);
});
