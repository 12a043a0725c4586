import { afterAll, beforeAll, expect, test } from "@jest/globals";
import fc from "fast-check";
import { membershipKind } from "../../crds/membership.ts";
import { remoteClusterKind } from "../../crds/remote-cluster.ts";
import type { RemoteCluster, Revision } from "../../mesh/resources.ts";
import { API_VERSION } from "../../mesh/resources.ts";
import { metadata } from "../../mesh/testing/objects.ts";
import type { View } from "../../mesh/view-records.ts";
import type { MemberStore } from "../testing/store.ts";
import { startMemberStore } from "../testing/store.ts";
import { planRemoteClusters, writeView } from "./remote-clusters.ts";
import type { RemoteStep } from "./remote-clusters.ts";

let member: MemberStore;
beforeAll(async () => {
  member = await startMemberStore();
});
afterAll(() => member?.remove());

const MEMBERSHIP = { mesh: "m", cluster: "c0", phase: "Joined", localCIDRs: [] } as const;
const self = { name: "c0", number: 1, podCIDRs: [], announcedCIDRs: [], meshPrefixes: [] };

/** Views of up to six remote clusters, each in few enough forms that two views often share some. */
function views(): fc.Arbitrary<View> {
  const entry = fc.record({
    number: fc.integer({ min: 2, max: 7 }),
    tunnel: fc.constantFrom("WireGuard" as const, "VXLAN" as const),
    mtu: fc.constantFrom(undefined, 1_400),
    announced: fc.subarray(["192.168.1.0/24"]),
    ranks: fc.subarray([0, 1]),
  });
  return fc.uniqueArray(entry, { selector: ({ number }) => number, maxLength: 6 }).map((entries) => ({
    self,
    entries: entries.map(({ number, tunnel, mtu, announced, ranks }) => ({
      peer: {
        name: `c${number}`,
        number,
        podCIDRs: [`10.${number}.0.0/16`],
        announcedCIDRs: announced,
        meshPrefixes: [`100.64.${number * 4}.0/22`],
        gateways: ranks.map((rank) => ({
          name: `gw${rank}`,
          rank,
          endpoints: ["192.0.2.1"],
          behindNAT: false,
          basePort: 51_820,
          publicKey: "k",
        })),
      },
      tunnel,
      ...(mtu !== undefined && { mtu }),
    })),
  }));
}

/** What a store holds after the steps. */
function applied(present: readonly RemoteCluster[], steps: readonly RemoteStep[]): RemoteCluster[] {
  const objects = new Map(present.map((object) => [object.metadata.name, object]));
  for (const step of steps) {
    if (step.op === "delete") objects.delete(step.name);
    else if (step.op === "update") objects.set(step.object.metadata.name, { ...step.object, spec: step.spec });
    else
      objects.set(step.name, {
        apiVersion: API_VERSION,
        kind: "RemoteCluster",
        metadata: metadata(step.name),
        spec: step.spec,
        status: { state: "Pending" },
      });
  }
  return [...objects.values()];
}

const at = (generation: number): Revision => ({ epoch: 1, generation });

test("applying a plan leaves nothing to plan, at a later revision either", () => {
  fc.assert(
    fc.property(views(), views(), (before, now) => {
      const present = applied([], planRemoteClusters(before, at(1), []));
      const next = applied(present, planRemoteClusters(now, at(2), present));
      expect(planRemoteClusters(now, at(2), next)).toEqual([]);
      expect(planRemoteClusters(now, at(3), next)).toEqual([]);
      expect(next.map(({ metadata: { name } }) => name).toSorted()).toEqual(
        now.entries.map(({ peer }) => peer.name).toSorted(),
      );
      for (const { peer, tunnel, mtu } of now.entries) {
        const { spec } = next.find(({ metadata: { name } }) => name === peer.name) ?? {};
        expect(spec).toMatchObject({
          number: peer.number,
          tunnel,
          gateways: peer.gateways,
          meshPrefixes: peer.meshPrefixes,
        });
        expect(spec?.mtu).toBe(mtu);
        expect(spec?.prefixes).toEqual([...peer.podCIDRs, ...peer.announcedCIDRs, ...peer.meshPrefixes]);
      }
    }),
  );
});

test("an entry that did not change keeps the revision it came with", () => {
  fc.assert(
    fc.property(views(), (view) => {
      const present = applied([], planRemoteClusters(view, at(1), []));
      expect(present.every(({ spec }) => spec.revision.generation === 1)).toBe(true);
      expect(planRemoteClusters(view, at(9), present)).toEqual([]);
    }),
  );
});

const viewOf = (...numbers: number[]): View => ({
  self: { ...self, podCIDRs: ["10.64.0.0/16"], announcedCIDRs: ["192.168.1.16/28"] },
  entries: numbers.map((number) => ({
    peer: {
      name: `c${number}`,
      number,
      podCIDRs: [`10.${number}.0.0/16`],
      announcedCIDRs: [],
      meshPrefixes: [],
      gateways: [],
    },
    tunnel: "WireGuard",
  })),
});

test("a view is written with all that the member may announce, and never over a later one", async () => {
  const { store } = member;
  await store.create(membershipKind, { metadata: { name: "mesh" }, spec: MEMBERSHIP });
  const written = async () => {
    const { status } = (await store.get(membershipKind, "mesh")) ?? {};
    const names = (await store.list(remoteClusterKind)).map(({ metadata: { name } }) => name);
    return { names, announced: status?.announcedCIDRs, revision: status?.revision };
  };
  const announced = ["192.168.1.16/28"];
  await writeView(store, viewOf(2, 3), at(4));
  expect(await written()).toEqual({ names: ["c2", "c3"], announced, revision: at(4) });
  await writeView(store, viewOf(3), at(5));
  expect(await written()).toEqual({ names: ["c3"], announced, revision: at(5) });
  await writeView(store, viewOf(2, 3), at(4));
  expect(await written()).toEqual({ names: ["c3"], announced, revision: at(5) });
  // A later term of the hub counts anew.
  await writeView(store, viewOf(7), { epoch: 2, generation: 1 });
  expect(await written()).toEqual({ names: ["c7"], announced, revision: { epoch: 2, generation: 1 } });
});

test("a later view that was cut short while it was written is not undone by an earlier one", async () => {
  const { store } = member;
  const later = { epoch: 2, generation: 3 };
  const [step] = planRemoteClusters(viewOf(8), later, []);
  if (step?.op !== "create") throw new Error("a cluster that is not there is created");
  await store.create(remoteClusterKind, { metadata: { name: "c8" }, spec: step.spec });
  await writeView(store, viewOf(7), { epoch: 2, generation: 2 });
  expect((await store.list(remoteClusterKind)).map(({ metadata: { name } }) => name)).toEqual(["c7", "c8"]);
});
