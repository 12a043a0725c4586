import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { contains, formatCidr, parseCidr } from "../../mesh/cidr.ts";
import { cidrs } from "../../mesh/testing/arbitraries.ts";
import type { Firewall } from "../state.ts";
import type { FirewallStep } from "./plan.ts";
import { nftCommands, planFirewall } from "./plan.ts";
import type { Json } from "./rules.ts";
import type { Ruleset } from "./ruleset.ts";
import { disjoint, rulesetOf } from "./ruleset.ts";

const FIREWALL: Firewall = {
  clusterDevices: ["eth0"],
  nodeAddresses: [],
  openPorts: [],
  vxlanEndpoints: [],
  vxlanSources: [],
  remotePrefixes: ["10.2.0.0/16", "fd65:2::/48"],
  announcedPrefixes: ["10.1.0.0/16", "fd65:1::/48"],
  localPrefixes: ["10.1.7.0/24"],
  localAddresses: ["10.1.255.1", "fd65:1::1"],
};

test.each([
  [[], []],
  [["10.2.0.0/16", "10.2.7.0/24", "10.2.0.0/16"], ["10.2.0.0/16"]],
  [
    ["10.2.7.0/24", "10.2.0.0/16", "10.1.0.0/16"],
    ["10.1.0.0/16", "10.2.0.0/16"],
  ],
  [
    ["10.3.0.0/24", "10.3.1.0/24"],
    ["10.3.0.0/24", "10.3.1.0/24"],
  ],
  [["fd65::/32", "fd65:0:1::/48"], ["fd65::/32"]],
])("%j without what lies inside another is %j", (given, expected) => {
  expect(disjoint(given)).toEqual(expected);
});

test("leaving out what lies inside another leaves out no address, and nothing overlaps", () => {
  fc.assert(
    fc.property(fc.array(cidrs(), { maxLength: 12 }), (list) => {
      const kept = disjoint(list.map(formatCidr)).map(parseCidr);
      expect(list.every((cidr) => kept.some((outer) => contains(outer, cidr)))).toBe(true);
      expect(kept.some((a) => kept.some((b) => a !== b && contains(a, b)))).toBe(false);
    }),
  );
});

test("sets hold prefixes by family, addresses as themselves", () => {
  const { elements } = rulesetOf(FIREWALL);
  expect(elements.get("remote4")).toEqual(new Map([["10.2.0.0/16", { prefix: { addr: "10.2.0.0", len: 16 } }]]));
  expect(elements.get("own4")).toEqual(new Map([["10.1.255.1/32", "10.1.255.1"]]));
  expect(elements.get("own6")).toEqual(new Map([["fd65:1::1/128", "fd65:1::1"]]));
  expect(elements.get("local6")).toEqual(new Map());
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
  ["a prefix less", want, rulesetOf({ ...FIREWALL, remotePrefixes: [] }), ["add", "add"]],
  ["a prefix more", want, rulesetOf({ ...FIREWALL, localPrefixes: ["10.1.7.0/24", "10.1.8.0/24"] }), ["delete"]],
  ["another prefix", want, rulesetOf({ ...FIREWALL, localPrefixes: ["10.1.7.0/25"] }), ["delete", "add"]],
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
      if (step.op === "add") elements.set(textOf(element), element);
      else elements.delete(textOf(element));
    }
    return { ...table, elements: new Map([...table.elements, [step.set, elements]]) };
  }, have);
}

function textOf(element: Json): string {
  if (typeof element === "string") return `${element}/${element.includes(":") ? 128 : 32}`;
  const { prefix } = element as { prefix: { addr: string; len: number } };
  return `${prefix.addr}/${prefix.len}`;
}

test("applying a plan leaves nothing to plan", () => {
  const some = fc.array(cidrs().map(formatCidr), { maxLength: 5 });
  const tables = fc
    .record({
      clusterDevices: fc.constantFrom(["eth0"], ["eth1"]),
      remotePrefixes: some,
      announcedPrefixes: some,
      localPrefixes: some,
      localAddresses: fc.constantFrom([], ["10.1.255.1"]),
      nodeAddresses: fc.constant([]),
      openPorts: fc.constant([]),
      vxlanEndpoints: fc.constant([]),
      vxlanSources: fc.constant([]),
    })
    .map(rulesetOf);
  const maybe = fc.option(tables, { nil: undefined });
  fc.assert(
    fc.property(maybe, maybe, (wanted, have) => {
      expect(planFirewall(wanted, applied(have, planFirewall(wanted, have)))).toEqual([]);
    }),
  );
});
