import { describe, expect, test } from "@jest/globals";
import { gatewayRecordRefusal, sortOutGateways } from "./gateway-record.ts";
import type { GatewayRecord } from "./resources.ts";
import { gatewayRecord, keyOf } from "./testing/gateways.ts";

describe("a gateway that others can be told of", () => {
  test.each<[string, Partial<GatewayRecord>]>([
    ["with an address of each family and a name", { endpoints: ["192.0.2.1", "2001:db8::1", "gw.example.org"] }],
    ["that can't be dialled", { endpoints: [] }],
    ["of the highest rank, on the highest ports", { rank: 15, basePort: 65_520 }],
    ["on a node of a domain", { name: "node-1.example.org" }],
  ])("is one %s", (_, change) => {
    expect(gatewayRecordRefusal(gatewayRecord(1, change))).toBeUndefined();
  });

  test.each<[string, Partial<GatewayRecord>, string]>([
    ["a rank that no health address is for", { rank: 16 }, "16 is not a rank"],
    ["a rank below all", { rank: -1 }, "-1 is not a rank"],
    ["half a rank", { rank: 0.5 }, "not a rank"],
    ["no base port", { basePort: 0 }, "0 is no base port"],
    ["a base port whose last ports are none", { basePort: 65_521 }, "from 1 to 65520"],
    ["a key that is too short", { publicKey: "key" }, "not 32 bytes"],
    ["a key of 33 bytes", { publicKey: Buffer.alloc(33, 1).toString("base64") }, "not 32 bytes"],
    ["a key with bits to spare", { publicKey: `${"A".repeat(42)}B=` }, "not 32 bytes"],
    ["a key that is an option", { publicKey: "--help" }, "not 32 bytes"],
    ["a name that is none", { name: "a b\n" }, "is not a node name"],
    ["an endpoint on every machine", { endpoints: ["192.0.2.1", "127.0.0.1"] }, "127.0.0.1 is every machine's own"],
    ["an endpoint that is none", { endpoints: ["$(reboot)"] }, "neither an IP address nor a DNS name"],
    ["endpoints without end", { endpoints: Array<string>(17).fill("192.0.2.1") }, "17 endpoints"],
  ])("is none with %s", (_, change, why) => {
    const refusal = gatewayRecordRefusal(gatewayRecord(1, change));
    expect(refusal?.message).toContain(why);
    expect(refusal?.message.length).toBeLessThan(250);
  });
});

describe("of a cluster's gateways", () => {
  const reasons = (records: readonly GatewayRecord[], holderOf?: (key: string) => string | undefined): string[] =>
    sortOutGateways(records, holderOf).refused.map(({ name, refusal }) => `${name} ${refusal.code}`);

  test("each bad one is left out alone", () => {
    const good = [gatewayRecord(0), gatewayRecord(3)];
    const { kept, refused } = sortOutGateways([...good, gatewayRecord(16), gatewayRecord(4, { basePort: 0 })]);
    expect(kept).toEqual(good);
    expect(refused.map(({ name }) => name)).toEqual(["node-16", "node-4"]);
  });

  test("two can't have one rank, nor one key: the first stays", () => {
    expect(reasons([gatewayRecord(0, { name: "a" }), gatewayRecord(0, { name: "b", publicKey: keyOf("b") })])).toEqual([
      "b rank-taken",
    ]);
    expect(reasons([gatewayRecord(0, { name: "a" }), gatewayRecord(1, { name: "b", publicKey: keyOf(0) })])).toEqual([
      "b key-taken",
    ]);
  });

  test("none can have a key that is another cluster's", () => {
    const holderOf = (key: string): string | undefined => (key === keyOf(1) ? "west" : undefined);
    expect(reasons([gatewayRecord(0), gatewayRecord(1)], holderOf)).toEqual(["node-1 key-taken"]);
  });

  test("there are sixteen at most, however many are said", () => {
    const many = Array.from({ length: 5_000 }, (_, n) => gatewayRecord(n % 20, { publicKey: keyOf(`k${n}`) }));
    expect(sortOutGateways(many).kept).toHaveLength(16);
  });

  test("all are the same list again when none is bad", () => {
    const records = [gatewayRecord(0), gatewayRecord(1)];
    expect(sortOutGateways(records).kept).toBe(records);
  });
});
