import { expect, test } from "@jest/globals";
import fc from "fast-check";
import type { TunnelKind } from "../../mesh/resources.ts";
import { planDataPath } from "../plan.ts";
import type { Remote } from "../situation.ts";
import { remoteCluster, situationOf } from "../testing/situations.ts";
import { kindsInKernel } from "./kinds-in-kernel.ts";

/** What an agent that was told `remotes` left in the kernel, as the next one finds it. */
function kernelOf(remotes: readonly Remote[]) {
  const { routes, nexthops } = planDataPath(
    situationOf({ nodes: 2, gateways: 2, node: 0, remotes, families: [4, 6], places: [{ lan: 0, families: [4, 6] }] }),
  );
  return { routes, nexthops };
}

const kindStates = fc.constantFrom<Pick<Remote, "accepts" | "sends">>(
  { accepts: ["WireGuard"], sends: "WireGuard" },
  { accepts: ["VXLAN"], sends: "VXLAN" },
  { accepts: ["WireGuard", "VXLAN"], sends: "WireGuard" },
  { accepts: ["WireGuard", "VXLAN"], sends: "VXLAN" },
);

test("an agent that starts finds by which kinds the one before it reached each cluster", () => {
  const remotes = fc.uniqueArray(
    fc.record({
      number: fc.integer({ min: 2, max: 9 }),
      ranks: fc.subarray([0, 1, 2], { minLength: 1 }),
      families: fc.constantFrom([4] as const, [4, 6] as const),
      kinds: kindStates,
    }),
    { selector: ({ number }) => number, maxLength: 5 },
  );
  fc.assert(
    fc.property(remotes, fc.constantFrom<TunnelKind>("WireGuard", "VXLAN"), (clusters, wanted) => {
      const before = clusters.map(({ number, ranks, families, kinds }) => ({
        ...remoteCluster(number, ranks, { families }),
        ...kinds,
      }));
      const now = before.map((remote): Remote => ({ ...remote, tunnel: wanted, accepts: [wanted], sends: wanted }));
      const found = kindsInKernel(now, kernelOf(before), 7);
      for (const { name, accepts, sends } of before) {
        const isBoth = accepts.length > 1;
        expect(found.get(name)).toEqual({ accepts, sends, ...(isBoth && { otherUsedMs: 7 }) });
      }
    }),
  );
});

test("a node that was no gateway before, and sent to those of its cluster, begins anew", () => {
  const remote = { ...remoteCluster(2, [0]), tunnel: "VXLAN", accepts: ["VXLAN"], sends: "VXLAN" } as const;
  const asNode = { nodes: 3, gateways: 1, node: 2, remotes: [remote], families: [4, 6] } as const;
  for (const places of [
    [{ lan: 0, families: [4, 6] }],
    [
      { lan: 0, families: [4] },
      { lan: 0, families: [4] },
      { lan: 1, families: [4] },
    ],
  ] as const) {
    const { routes, nexthops } = planDataPath(situationOf({ ...asNode, places }));
    expect(routes.find(({ prefix, metric }) => metric === undefined && remote.prefixes.includes(prefix))).toBeDefined();
    expect(kindsInKernel([remote], { routes, nexthops }, 0)).toEqual(new Map());
  }
});

test("a cluster that no tunnel led to is begun anew", () => {
  const gone = remoteCluster(2, []);
  const fresh = remoteCluster(3, [0]);
  expect(kindsInKernel([gone, fresh], kernelOf([gone]), 0)).toEqual(new Map());
  expect(kindsInKernel([fresh], { routes: [], nexthops: [] }, 0)).toEqual(new Map());
});
