import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { firewall, firewalls } from "../testing/firewalls.ts";
import type { FirewallStep } from "./plan.ts";
import { nftCommands, planFirewall } from "./plan.ts";
import type { Ruleset } from "./ruleset.ts";
import { rulesetOf } from "./ruleset.ts";

const FIREWALL = firewall({
  remotePrefixes: ["10.2.0.0/16", "fd65:2::/48"],
  announcedPrefixes: ["10.1.0.0/16", "fd65:1::/48"],
  clusterBlocks: ["10.1.7.0/24"],
  localAddresses: ["10.1.255.1", "fd65:1::1"],
  nodeAddresses: ["10.1.255.1"],
});

const want = rulesetOf(FIREWALL);
const without = (kind: string): Ruleset => ({ ...want, objects: want.objects.filter((object) => !(kind in object)) });
const rules = want.objects.filter((object) => "rule" in object);

test.each<[string, Ruleset | undefined, Ruleset | undefined, readonly FirewallStep["op"][]]>([
  ["nothing differs", want, rulesetOf({ ...FIREWALL, remotePrefixes: FIREWALL.remotePrefixes.toReversed() }), []],
  ["there is no table and none wanted", undefined, undefined, []],
  ["there is no table", want, undefined, ["write"]],
  ["a table that is not wanted", undefined, want, ["delete table"]],
  ["rules are gone", want, without("rule"), ["write"]],
  ["a set is gone", want, without("set"), ["write"]],
  ["a rule more", want, { ...want, objects: [...want.objects, ...rules.slice(-1)] }, ["write"]],
  [
    "rules of a chain in another order",
    want,
    { ...want, objects: [...without("rule").objects, ...rules.toReversed()] },
    ["write"],
  ],
  ["chains in another order", want, { ...want, objects: [...rules, ...without("rule").objects.toReversed()] }, []],
  ["another LAN device", want, rulesetOf({ ...FIREWALL, clusterDevices: ["eth1"] }), ["write"]],
  ["another node address", want, rulesetOf({ ...FIREWALL, nodeAddresses: ["10.1.255.9"] }), ["write"]],
  ["an open port less", rulesetOf({ ...FIREWALL, openPorts: [{ protocol: "tcp", port: 22 }] }), want, ["add"]],
  [
    "another VXLAN endpoint",
    rulesetOf({ ...FIREWALL, vxlanEndpoints: [{ port: 7076, addresses: ["192.0.2.1"] }] }),
    rulesetOf({ ...FIREWALL, vxlanEndpoints: [{ port: 7077, addresses: ["192.0.2.1"] }] }),
    ["delete", "add"],
  ],
  ["a prefix less", want, rulesetOf({ ...FIREWALL, remotePrefixes: [] }), ["add", "add"]],
  ["a prefix more", want, rulesetOf({ ...FIREWALL, clusterBlocks: ["10.1.7.0/24", "10.1.9.0/24"] }), ["delete"]],
  ["another prefix", want, rulesetOf({ ...FIREWALL, clusterBlocks: ["10.1.7.0/25"] }), ["delete", "add"]],
])("%s", (_what, wanted, have, ops) => {
  expect(planFirewall(wanted, have).map((step) => step.op)).toEqual(ops);
});

test("writing the table is one transaction that replaces it whole", () => {
  const commands = nftCommands(planFirewall(want, undefined));
  const table = { table: { family: "inet", name: "trestle" } };
  expect(commands.slice(0, 3)).toEqual([{ add: table }, { delete: table }, { add: table }]);
  expect(commands.at(3)).toEqual({
    add: { set: { family: "inet", table: "trestle", name: "remote4", type: "ipv4_addr", flags: ["interval"] } },
  });
});

/** What nft does with the steps. */
function applied(have: Ruleset | undefined, steps: readonly FirewallStep[]): Ruleset | undefined {
  return steps.reduce((table, step): Ruleset | undefined => {
    if (step.op === "write") return step.ruleset;
    if (step.op === "delete table" || table === undefined) return undefined;
    const elements = new Map(table.elements.get(step.set));
    for (const element of step.elements) {
      if (step.op === "add") elements.set(JSON.stringify(element), element);
      else elements.delete(JSON.stringify(element));
    }
    return { ...table, elements: new Map([...table.elements, [step.set, elements]]) };
  }, have);
}

test("applying a plan leaves nothing to plan", () => {
  const maybe = fc.option(firewalls().map(rulesetOf), { nil: undefined });
  fc.assert(
    fc.property(maybe, maybe, (wanted, have) => {
      expect(planFirewall(wanted, applied(have, planFirewall(wanted, have)))).toEqual([]);
    }),
  );
});
