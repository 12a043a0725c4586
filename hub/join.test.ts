import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { clusterKind } from "../crds/cluster.ts";
import { joinTokenKind } from "../crds/join-token.ts";
import { ledgerKind } from "../crds/ledger.ts";
import type { JoinAnswer, JoinRequest } from "../crds/wire/join.ts";
import { SINGLETON_NAME } from "../mesh/names.ts";
import { generateSeed, openSigner } from "../platform/identity/signature.ts";
import { makeUserKey } from "../platform/identity/user-key.ts";
import type { ResourceStore } from "../platform/store/port.ts";
import { failingStore } from "../test/testing/failing-store.ts";
import { startHubGrounds } from "../test/testing/hub-parts.ts";
import type { HubGround, HubGrounds } from "../test/testing/hub-parts.ts";
import { redeemToken } from "./join.ts";
import { HubLedger } from "./ledger.ts";
import { LEDGER_FINALIZER, removeMember } from "./members.ts";

let grounds: HubGrounds;
beforeAll(async () => {
  grounds = await startHubGrounds();
});
afterAll(() => grounds.remove());

const HOUR_MS = 3_600_000;

async function makeToken(store: ResourceStore, cluster: string, podCIDRs: readonly string[] = []): Promise<string> {
  const spec = {
    cluster,
    podCIDRs,
    expiresAt: new Date(Date.now() + HOUR_MS).toISOString(),
    publicKey: makeUserKey().publicKey,
  };
  await store.create(joinTokenKind, { metadata: { name: `${cluster}-token` }, spec });
  return `${cluster}-token`;
}

function requestOf(cluster: string, changes: Partial<JoinRequest> = {}): JoinRequest {
  const keys = { userKey: makeUserKey().publicKey, signingKey: openSigner(generateSeed()).publicKey };
  return { cluster, ...keys, podCIDRs: [], families: [4], allowedCIDRs: [], localCIDRs: [], labels: {}, ...changes };
}

const withoutJWTs = ({ userJWT: _jwt, renewJWT: _renewal, ...rest }: JoinAnswer) => rest;

/** Ledger, Cluster and token, without what the store fills in. */
async function outcome({ store }: HubGround): Promise<unknown> {
  const cluster = await store.get(clusterKind, "east");
  const token = await store.get(joinTokenKind, "east-token");
  const { rows = [], numbers } = (await store.get(ledgerKind, SINGLETON_NAME))?.spec ?? {};
  const named = rows.map((row) => (row.prefix.startsWith("fd") ? { ...row, prefix: "fd" } : row));
  const status = { ...cluster?.status, meshPrefixes: cluster?.status.meshPrefixes.length };
  return {
    rows: named,
    numbers,
    spec: cluster?.spec,
    finalizers: cluster?.metadata.finalizers,
    status,
    usedBy: token?.status.usedBy,
  };
}

const request = requestOf("east", {
  podCIDRs: ["172.30.0.0/16"],
  localCIDRs: ["192.168.1.0/24"],
  allowedCIDRs: ["192.168.1.16/28"],
  labels: { tier: "prod" },
});

describe.each(["before", "after"] as const)("a join cut %s each of its writes in turn", (when) => {
  test("ends the same once it is said again", async () => {
    const whole = await grounds.make();
    const answer = await redeemToken(
      whole.joinParts(),
      await makeToken(whole.store, "east", ["172.30.0.0/16"]),
      request,
    );
    expect(answer).toMatchObject({ number: 1, podCIDRs: ["172.30.0.0/16"] });
    const cuts: number[] = [];
    for (let nth = 1; ; nth += 1) {
      const ground = await grounds.make();
      const token = await makeToken(ground.store, "east", ["172.30.0.0/16"]);
      const failing = failingStore(ground.store, nth, when);
      const cut = await redeemToken(ground.joinParts(failing), token, request).catch((error: unknown) => error);
      if (!failing.failed()) break;
      expect(cut).toMatchObject({ code: "store-unreachable" });
      cuts.push(nth);
      const again = await redeemToken(ground.joinParts(), token, request);
      expect(again).toMatchObject({ number: answer.number, podCIDRs: answer.podCIDRs });
      expect(await outcome(ground)).toEqual(await outcome(whole));
      // Once more, after all was done: still the same.
      expect(withoutJWTs(await redeemToken(ground.joinParts(), token, request))).toEqual(withoutJWTs(again));
    }
    // Token, ledger, Cluster, its status.
    expect(cuts).toEqual([1, 2, 3, 4]);
  });

  test("a removal alike leaves nothing", async () => {
    const cuts: number[] = [];
    for (let nth = 1; ; nth += 1) {
      const ground = await grounds.make();
      const { store } = ground;
      await redeemToken(ground.joinParts(), await makeToken(store, "east", ["172.30.0.0/16"]), request);
      const revoked: string[] = [];
      const partsOn = (on: ResourceStore) => ({
        store: on,
        ledger: new HubLedger(on, ground.memory),
        keys: { revoke: async (key: string) => void revoked.push(key) },
        forget: async () => undefined,
      });
      const failing = failingStore(store, nth, when);
      const cut = await removeMember(partsOn(failing), "east").catch((error: unknown) => error);
      if (!failing.failed()) break;
      cuts.push(nth);
      expect(cut).toMatchObject({ code: "store-unreachable" });
      await removeMember(partsOn(store), "east");
      expect(await store.list(clusterKind)).toEqual([]);
      expect((await store.get(ledgerKind, SINGLETON_NAME))?.spec).toEqual({ rows: [], numbers: [] });
      expect(revoked).toContain(request.userKey);
    }
    // Its mark, the ledger, its end.
    expect(cuts).toEqual([1, 2, 3]);
  });
});

describe("a join", () => {
  test("of a Cluster that an administrator applied before takes what that one says", async () => {
    const { store, joinParts } = await grounds.make();
    const spec = { podCIDRs: ["172.31.0.0/16"], allowedCIDRs: [], localCIDRs: ["192.168.9.0/24"], paused: true };
    await store.create(clusterKind, { metadata: { name: "east", labels: { tier: "prod" } }, spec });
    const answer = await redeemToken(
      joinParts(),
      await makeToken(store, "east"),
      requestOf("east", { labels: { tier: "x" } }),
    );
    expect(answer.podCIDRs).toEqual(["172.31.0.0/16"]);
    expect(await store.get(clusterKind, "east")).toMatchObject({
      spec,
      metadata: { labels: { tier: "prod" }, finalizers: [LEDGER_FINALIZER] },
    });
  });

  test("said again with other wishes changes nothing: ledger and Cluster stay in step", async () => {
    const ground = await grounds.make();
    const token = await makeToken(ground.store, "east", ["172.30.0.0/16"]);
    const first = await redeemToken(ground.joinParts(), token, request);
    const before = await outcome(ground);
    const other = {
      ...request,
      podCIDRs: [],
      allowedCIDRs: ["192.168.77.0/24"],
      localCIDRs: [],
      families: [6 as const],
    };
    expect(withoutJWTs(await redeemToken(ground.joinParts(), token, other))).toEqual(withoutJWTs(first));
    expect(await outcome(ground)).toEqual(before);
  });

  test("writes into the Cluster the very ranges that it writes into the ledger, also after one that was cut", async () => {
    const ground = await grounds.make();
    const token = await makeToken(ground.store, "east", ["172.30.0.0/16"]);
    await redeemToken(ground.joinParts(failingStore(ground.store, 4, "before")), token, request).catch(() => undefined);
    await redeemToken(ground.joinParts(), token, { ...request, allowedCIDRs: ["192.168.1.32/28"] });
    expect((await ground.store.get(clusterKind, "east"))?.spec.allowedCIDRs).toEqual(["192.168.1.32/28"]);
    const announced = (await ground.store.get(ledgerKind, SINGLETON_NAME))?.spec.rows.filter(
      ({ use }) => use === "announced",
    );
    expect(announced?.map(({ prefix }) => prefix)).toEqual(["192.168.1.32/28"]);
  });

  test("while the cluster of that name is being taken out is told to wait", async () => {
    const { store, joinParts } = await grounds.make();
    await redeemToken(joinParts(), await makeToken(store, "east"), requestOf("east"));
    await store.delete(clusterKind, "east");
    const later = { name: "later", spec: (await store.get(joinTokenKind, "east-token"))?.spec };
    if (later.spec !== undefined)
      await store.create(joinTokenKind, { metadata: { name: later.name }, spec: later.spec });
    await expect(redeemToken(joinParts(), later.name, requestOf("east"))).rejects.toMatchObject({
      code: "name-taken",
      retry: true,
    });
  });
});
