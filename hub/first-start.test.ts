import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { cidrPoolKind } from "../crds/cidr-pool.ts";
import { ledgerKind } from "../crds/ledger.ts";
import type { ResourceStore } from "../platform/store/port.ts";
import { failingStore } from "../test/testing/failing-store.ts";
import { startHubGrounds } from "../test/testing/hub-parts.ts";
import type { HubGrounds } from "../test/testing/hub-parts.ts";
import { prepareFirstStart } from "./first-start.ts";

let grounds: HubGrounds;
beforeAll(async () => {
  grounds = await startHubGrounds();
});
afterAll(() => grounds.remove());

/** A store with nothing in it. */
async function empty(): Promise<ResourceStore> {
  const { store } = await grounds.make();
  for (const { metadata } of await store.list(cidrPoolKind)) await store.delete(cidrPoolKind, metadata.name);
  await store.delete(ledgerKind, "mesh");
  return store;
}

const pools = async (store: ResourceStore) =>
  (await store.list(cidrPoolKind)).map(
    ({ metadata: { name }, spec: { cidr, clusterPrefixLength, purpose } }) =>
      `${name} ${cidr} ${clusterPrefixLength} ${purpose}`,
  );
const ULA = expect.stringMatching(/^mesh-v6 fd[\da-f:]+::\/48 64 Mesh$/);

describe("the first start", () => {
  test.each<[string, readonly string[], unknown]>([
    ["one range and a random one of IPv6", ["100.64.0.0/10"], ["mesh-v4 100.64.0.0/10 22 Mesh", ULA]],
    [
      "two of one family, each under its name",
      ["100.64.0.0/12", "100.96.0.0/12"],
      ["mesh-v4 100.64.0.0/12 22 Mesh", "mesh-v4-2 100.96.0.0/12 22 Mesh", ULA],
    ],
    [
      "no random one where one was told",
      ["fd00:1::/48", "100.64.0.0/12"],
      ["mesh-v4 100.64.0.0/12 22 Mesh", "mesh-v6 fd00:1::/48 64 Mesh"],
    ],
  ])("makes Mesh pools of %s", async (_, ranges, expected) => {
    const store = await empty();
    await prepareFirstStart(store, { ledger: undefined }, ranges);
    expect(await pools(store)).toEqual(expected);
    expect((await store.get(ledgerKind, "mesh"))?.spec).toEqual({ rows: [], numbers: [] });
  });

  test("cut at each write goes on where it stood, and a later start changes nothing", async () => {
    for (const nth of [1, 2, 3]) {
      const store = await empty();
      await expect(
        prepareFirstStart(failingStore(store, nth, "after"), { ledger: undefined }, ["100.64.0.0/10"]),
      ).rejects.toMatchObject({ code: "store-unreachable" });
      await prepareFirstStart(store, { ledger: undefined }, ["100.64.0.0/10"]);
      expect(await pools(store)).toEqual(["mesh-v4 100.64.0.0/10 22 Mesh", ULA]);
      const before = await pools(store);
      await prepareFirstStart(store, { ledger: undefined }, ["10.0.0.0/8"]);
      expect(await pools(store)).toEqual(before);
    }
  });

  test("of a hub that had a ledger before is none", async () => {
    const store = await empty();
    await prepareFirstStart(store, { ledger: { uid: "u", generation: 1 } }, ["100.64.0.0/10"]);
    expect(await pools(store)).toEqual([]);
    expect(await store.get(ledgerKind, "mesh")).toBeUndefined();
  });

  test("with a range that can't be is refused in so many words", async () => {
    await expect(prepareFirstStart(await empty(), { ledger: undefined }, ["100.64.0.1/10"])).rejects.toMatchObject({
      code: "host-bits-set",
    });
  });
});
