import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { clusterLinkKind } from "../../crds/cluster-link.ts";
import type { MemberStore } from "../../member-agent/testing/store.ts";
import { startMemberStore } from "../../member-agent/testing/store.ts";
import type { ResourceStore } from "../../platform/store/port.ts";
import { grant } from "../apply/grant.ts";
import { readWishes } from "../apply/wishes.ts";
import { writeChange } from "./link-change.ts";

let served: MemberStore;
beforeAll(async () => {
  served = await startMemberStore();
}, 60_000);
afterAll(() => served?.remove());

/** The store as it is for whoever writes this link right when the hub says that one more of its pairs is up. */
function whileHubWrites(link: string): ResourceStore {
  const { store } = served;
  let isWritten = false;
  return {
    ...store,
    update: async (kind, object) => {
      const present = isWritten ? undefined : await store.get(clusterLinkKind, link);
      isWritten = true;
      if (present !== undefined) {
        const pairs = { ...present.status.pairs, Up: present.status.pairs.Up + 1 };
        await store.updateStatus(clusterLinkKind, { ...present, status: { ...present.status, pairs } });
      }
      return store.update(kind, object);
    },
  };
}

const between = (...names: readonly string[]) => ({ members: { names }, tunnel: "WireGuard" }) as const;

test("a link is changed though the hub writes its status at that moment", async () => {
  await served.store.create(clusterLinkKind, { metadata: { name: "typed" }, spec: between("east", "west") });
  expect(await writeChange(whileHubWrites("typed"), "typed", { mtu: 1400 })).toMatchObject({
    spec: { ...between("east", "west"), mtu: 1400 },
    status: { pairs: { Up: 1 } },
  });
});

test("a link is applied from a file though the hub writes its status at that moment", async () => {
  await served.store.create(clusterLinkKind, { metadata: { name: "filed" }, spec: between("core", "edge") });
  const file = `
apiVersion: trestle.dev/v1alpha1
kind: ClusterLink
metadata: {name: filed}
spec: {members: {names: [core, edge]}, tunnel: WireGuard, mtu: 1400}
`;
  const [wish] = readWishes(file, "hub").wishes;
  if (wish === undefined) throw new Error("the file holds one link");
  expect(await grant(wish, whileHubWrites("filed"))).toBe("configured");
  expect(await served.store.get(clusterLinkKind, "filed")).toMatchObject({
    spec: { ...between("core", "edge"), mtu: 1400 },
    status: { pairs: { Up: 1 } },
  });
});
