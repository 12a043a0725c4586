import { afterAll, beforeAll, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Firewall } from "../state.ts";
import { firewall, firewalls } from "../testing/firewalls.ts";
import type { TestNode } from "../testing/namespace.ts";
import { makeTestNode } from "../testing/namespace.ts";
import { applyFirewall } from "./apply.ts";
import { observeFirewall } from "./observe.ts";
import { planFirewall } from "./plan.ts";
import { rulesetOf } from "./ruleset.ts";

let node: TestNode;
beforeAll(async () => {
  node = await makeTestNode("nft");
});
afterAll(() => node.remove());

async function sync(want: Firewall | undefined) {
  return applyFirewall(node.run, planFirewall(want && rulesetOf(want), await observeFirewall(node.run)));
}

const EMPTY = firewall();

test("nft lists any table of ours just as it was written, and one can follow any other", async () => {
  await fc.assert(
    fc.asyncProperty(firewalls(), async (want) => {
      expect((await sync(want)).filter(({ error }) => error !== undefined)).toEqual([]);
      expect(await sync(want)).toEqual([]);
    }),
    { numRuns: 40 },
  );
});

test.each(["::ffff:0:0/96", "::ffff:a00:1/128", "::/96", "::5:0/112", "::ffff:5/128", "::ffff:0:5:0/112"])(
  "%s, however nft spells it, is found as it was written",
  async (cidr) => {
    await sync({ ...EMPTY, insidePrefixes: [cidr] });
    expect(await sync({ ...EMPTY, insidePrefixes: [cidr] })).toEqual([]);
  },
);

test("a prefix comes and goes without a rule being touched", async () => {
  await sync(EMPTY);
  const rules = async () => (await node.run("nft", ["-a", "list", "table", "inet", "trestle"])).match(/# handle \d+/g);
  const before = await rules();
  expect(await sync({ ...EMPTY, remotePrefixes: ["10.2.0.0/16"] })).toEqual([{ step: "nft add 1 in set remote4" }]);
  expect(await sync(EMPTY)).toEqual([{ step: "nft delete 1 in set remote4" }]);
  expect(await rules()).toEqual(before);
});

test("a transaction that nft refuses changes nothing and says why", async () => {
  await sync({ ...EMPTY, remotePrefixes: ["10.2.0.0/16"] });
  const steps = [
    { op: "delete", set: "remote4", elements: [{ prefix: { addr: "10.2.0.0", len: 16 } }] },
    { op: "add", set: "nowhere", elements: ["10.0.0.1"] },
  ] as const;
  const outcomes = await applyFirewall(node.run, steps);
  expect(outcomes.every(({ error }) => error?.includes("No such file or directory"))).toBe(true);
  expect(await sync({ ...EMPTY, remotePrefixes: ["10.2.0.0/16"] })).toEqual([]);
});

test("a foreign table is not touched, whatever happens to ours", async () => {
  const foreign = "table inet other { chain forward { type filter hook forward priority 0; policy drop; }; }";
  await node.run("nft", [foreign]);
  const before = await node.run("nft", ["-a", "list", "table", "inet", "other"]);
  await sync(EMPTY);
  await sync(undefined);
  expect(await node.run("nft", ["-a", "list", "table", "inet", "other"])).toBe(before);
  expect(await node.run("nft", ["list", "tables"])).toBe("table inet other\n");
  expect(await sync(undefined)).toEqual([]);
});
