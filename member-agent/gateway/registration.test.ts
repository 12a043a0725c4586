import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { gatewayKind } from "../../crds/gateway.ts";
import { API_VERSION } from "../../mesh/resources.ts";
import type { Gateway, Membership } from "../../mesh/resources.ts";
import { gatewayRecord } from "../../mesh/testing/gateways.ts";
import { metadata } from "../../mesh/testing/objects.ts";
import { startMemberStore } from "../testing/store.ts";
import type { MemberStore } from "../testing/store.ts";
import { announceGateway, claimGateway, gatewayRecords, gatewaysToTell, knownGateways } from "./registration.ts";

let member: MemberStore;

beforeAll(async () => {
  member = await startMemberStore();
});

afterAll(() => member.remove());

test("gateways that register at once get ranks of their own, keep them, and a freed rank is the next one's", async () => {
  const { store } = member;
  const nodes = ["a", "b", "c", "d"];
  const claimed = await Promise.all(nodes.map((node) => claimGateway(store, node)));
  expect(claimed.map(({ spec }) => spec.rank).toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3]);
  expect(await Promise.all(nodes.map((node) => claimGateway(store, node)))).toEqual(claimed);
  await store.delete(gatewayKind, "rank-1");
  expect((await claimGateway(store, "e")).spec).toEqual({ node: "e", rank: 1 });
});

test("peers are told of a gateway once it has said its key and port, and each word leaves the others as they were", async () => {
  const { store } = member;
  const gateway = await claimGateway(store, "a");
  const revision = { epoch: 1, generation: 2 };
  await announceGateway(store, gateway, { appliedRevision: revision });
  expect(gatewayRecords(await store.list(gatewayKind))).toEqual([]);
  await announceGateway(store, gateway, { publicKey: "key", endpoints: ["192.0.2.1"], basePort: 51_820 });
  const { rank } = gateway.spec;
  expect(gatewayRecords(await store.list(gatewayKind))).toEqual([
    { name: "a", rank, endpoints: ["192.0.2.1"], behindNAT: false, basePort: 51_820, publicKey: "key" },
  ]);
  expect((await store.get(gatewayKind, gateway.metadata.name))?.status.appliedRevision).toEqual(revision);
});

describe("what a gateway tells the hub", () => {
  const gateway = (rank: number): Gateway => {
    const { name: node, ...word } = gatewayRecord(rank);
    const status = { ...word, peers: [] };
    return {
      apiVersion: API_VERSION,
      kind: "Gateway",
      metadata: metadata(`rank-${rank}`),
      spec: { node, rank },
      status,
    };
  };
  const membership = (phase: Membership["spec"]["phase"]): Membership => ({
    apiVersion: API_VERSION,
    kind: "Membership",
    metadata: metadata("mesh"),
    spec: { mesh: "m", cluster: "east", phase, localCIDRs: [] },
    status: { podCIDRs: [], meshPrefixes: [], announcedCIDRs: [] },
  });
  const gateways = [gateway(0), gateway(1)];

  test.each<[string, Membership | undefined, boolean, string[]]>([
    ["of itself", membership("Joined"), false, ["node-1"]],
    ["of all, where it leads", membership("Joined"), true, ["node-0", "node-1"]],
    ["of nobody where there is no membership any more", undefined, true, []],
    ["of nobody once the member left", membership("Left"), true, []],
  ])("is %s", (_, present, leads, names) => {
    const known = knownGateways({ membership: present, gateways }, leads);
    expect(gatewaysToTell(known, "node-1").map(({ name }) => name)).toEqual(names);
    expect(known.leads).toBe(leads && names.length > 0);
  });

  test("is nothing before the store was read", () => {
    expect(knownGateways(undefined, true)).toEqual({ gateways: [], leads: false });
  });
});
