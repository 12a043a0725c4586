import { expect, test } from "@jest/globals";
import fc from "fast-check";
import type { RemoteCluster, Revision } from "../../mesh/resources.ts";
import { API_VERSION } from "../../mesh/resources.ts";
import { metadata } from "../../mesh/testing/objects.ts";
import type { View } from "../../mesh/view-records.ts";
import { planRemoteClusters } from "./remote-clusters.ts";
import type { RemoteStep } from "./remote-clusters.ts";

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
