import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { dataPathPlanner, planDataPath } from "./plan.ts";
import type { Remote, Situation } from "./situation.ts";
import { remoteCluster, situationOf, situations } from "./testing/situations.ts";

const on = (remotes: readonly Remote[]): Situation =>
  situationOf({ nodes: 2, gateways: 1, node: 0, families: [4, 6], remotes });

test("a planner with a memory plans what one without does, whatever it saw before", () => {
  fc.assert(
    fc.property(
      fc.array(situations(), { minLength: 2, maxLength: 5 }),
      fc.array(fc.nat(4), { maxLength: 5 }),
      (seen, again) => {
        const plan = dataPathPlanner();
        const revisited = again
          .map((index) => seen[index % seen.length])
          .filter((situation) => situation !== undefined);
        for (const situation of [...seen, ...revisited]) expect(plan(situation)).toEqual(planDataPath(situation));
      },
    ),
  );
});

test("a planner with a memory sees each single thing that changed", () => {
  fc.assert(
    fc.property(situations(), situations(), (one, other) => {
      for (const key of Object.keys(one) as (keyof Situation)[]) {
        const plan = dataPathPlanner();
        plan(one);
        const changed = { ...one, [key]: other[key] };
        expect(plan(changed)).toEqual(planDataPath(changed));
      }
    }),
  );
});

test("what is planned for a cluster that stayed as it was stays the very same objects", () => {
  const plan = dataPathPlanner();
  const before = plan(on([remoteCluster(2, [0, 1]), remoteCluster(3, [0])]));
  // Equal, but read anew.
  const after = plan(on([remoteCluster(2, [0, 1]), { ...remoteCluster(3, [0]), mtu: 1400 }]));
  const pick = ({ routes, nexthops, wireGuard }: typeof before, number: number) => ({
    routes: routes.filter(
      ({ prefix }) => prefix.startsWith(`10.${number}.`) || prefix.startsWith(`100.64.${number * 4}.`),
    ),
    groups: nexthops.filter(({ id }) => id === 1_954_000_000 + number * 2),
    peers: wireGuard.flatMap(({ peers }) => peers.filter(({ publicKey }) => publicKey.startsWith(`key-${number}-`))),
  });
  const [kept, former] = [pick(after, 2), pick(before, 2)];
  expect([kept.routes.length, kept.groups.length, kept.peers.length]).toEqual([6, 1, 2]);
  for (const part of ["routes", "groups", "peers"] as const) {
    for (const [index, each] of kept[part].entries()) expect(each).toBe(former[part][index]);
  }
  expect(pick(after, 3).routes).not.toEqual(pick(before, 3).routes);
});
