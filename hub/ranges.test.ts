import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { clusterKind } from "../crds/cluster.ts";
import type { Cluster, LedgerSpec } from "../mesh/resources.ts";
import { cluster } from "../mesh/testing/objects.ts";
import { resolveLinks } from "../mesh/ties.ts";
import { systemClock } from "../platform/clock.ts";
import { startHubGrounds } from "../test/testing/hub-parts.ts";
import type { HubGrounds } from "../test/testing/hub-parts.ts";
import type { HubLevel } from "./level.ts";
import { asInLedger, enterRanges, outOfStep } from "./ranges.ts";

const ledger: LedgerSpec = {
  rows: [
    { prefix: "10.1.0.0/16", cluster: "east", use: "assigned", pool: "pods" },
    { prefix: "192.168.5.0/24", cluster: "east", use: "announced" },
    { prefix: "172.16.0.0/24", cluster: "east", use: "local" },
  ],
  numbers: [{ cluster: "east", number: 1 }],
};
const identity = { userKey: "U", signingKey: "k", tokenID: "t" };
const east = (spec: Partial<Cluster["spec"]>, joined = true): Cluster =>
  cluster("east", { spec, status: { number: 1, podCIDRs: ["10.1.0.0/16"], ...(joined && { identity }) } });
const inStep = { allowedCIDRs: ["192.168.5.0/24"], localCIDRs: ["172.16.0.0/24"] };

describe("what a cluster announces to its peers", () => {
  test.each([
    [["192.168.5.0/24"], ["192.168.5.0/24"]],
    [["192.168.5.0/24", "8.8.8.0/24"], ["192.168.5.0/24"]],
    [["8.8.8.0/24"], []],
    [[], []],
  ])("of %j is %j: what is in the ledger", (allowedCIDRs, announced) => {
    expect(asInLedger([east({ allowedCIDRs })], ledger).map(({ spec }) => spec.allowedCIDRs)).toEqual([announced]);
  });
});

test.each<[string, Cluster, boolean]>([
  ["names what the ledger has", east(inStep), false],
  ["announces more", east({ ...inStep, allowedCIDRs: ["192.168.5.0/24", "192.168.6.0/24"] }), true],
  ["announces less", east({ ...inStep, allowedCIDRs: [] }), true],
  ["has another site", east({ ...inStep, localCIDRs: ["172.16.1.0/24"] }), true],
  ["declares more pods", east({ ...inStep, podCIDRs: ["10.1.0.0/16", "10.2.0.0/16"] }), true],
  ["declares fewer pods: they only grow", east({ ...inStep, podCIDRs: [] }), false],
  ["has not joined", east({}, false), false],
])("a cluster that %s is out of step: %#", (_, subject, expected) => {
  expect(outOfStep([subject], ledger).length > 0).toBe(expected);
});

describe("a spec that was changed", () => {
  let grounds: HubGrounds;
  beforeAll(async () => {
    grounds = await startHubGrounds();
  });
  afterAll(() => grounds.remove());

  test("is entered, or refused in the condition until it can be had; the other cluster keeps what it has", async () => {
    const { store, joinParts } = await grounds.make();
    const { ledger: own } = joinParts();
    const parts = { store, ledger: own, clock: systemClock };
    const levelNow = async (): Promise<HubLevel> => {
      const clusters = await store.list(clusterKind);
      return {
        clusters,
        leaving: [],
        links: [],
        pools: [],
        ledger: await own.read(),
        resolved: resolveLinks([], []),
      };
    };
    const make = async (name: string, number: number): Promise<void> => {
      const podCIDRs = [`10.${number}.0.0/16`];
      await store.create(clusterKind, {
        metadata: { name },
        spec: { podCIDRs, allowedCIDRs: ["192.168.5.0/24"], localCIDRs: [], paused: false },
      });
      const made = await store.get(clusterKind, name);
      if (made === undefined) throw new Error("just made");
      await store.updateStatus(clusterKind, { ...made, status: { ...made.status, identity, number, podCIDRs } });
    };
    // Both were written before either was in the ledger: admission could not tell.
    await make("east", 1);
    await make("west", 2);
    await enterRanges(parts, await levelNow());
    const conditions = async (name: string) => (await store.get(clusterKind, name))?.status.conditions;
    expect(await conditions("east")).toMatchObject([{ type: "RangesAccepted", status: "True" }]);
    expect(await conditions("west")).toMatchObject([
      { status: "False", reason: "CidrOverlap", message: expect.stringContaining('of cluster "east"') },
    ]);
    const before = await store.list(clusterKind);
    await enterRanges(parts, await levelNow());
    expect(await store.list(clusterKind)).toEqual(before);

    const west = await store.get(clusterKind, "west");
    if (west === undefined) throw new Error("west is there");
    await store.update(clusterKind, { ...west, spec: { ...west.spec, allowedCIDRs: ["192.168.6.0/24"] } });
    await enterRanges(parts, await levelNow());
    expect(await conditions("west")).toMatchObject([{ status: "True", reason: "InLedger" }]);
    expect(
      (await own.read()).rows
        .filter(({ use }) => use === "announced")
        .map(({ prefix, cluster: whose }) => `${prefix} ${whose}`),
    ).toEqual(["192.168.5.0/24 east", "192.168.6.0/24 west"]);
  });
});
