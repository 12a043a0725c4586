import { expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Firewall } from "../state.ts";
import { firewall, firewalls } from "../testing/firewalls.ts";
import { planFirewallChange } from "./change.ts";
import { planFirewall } from "./plan.ts";
import { rulesetOf } from "./ruleset.ts";

test("a change is planned as if the whole of both were compared", () => {
  const lists = Object.keys(firewall()) as (keyof Firewall)[];
  const pairs = fc.tuple(firewalls(), firewalls(), fc.subarray(lists)).map(([held, other, differing]) => {
    const changed = Object.fromEntries(differing.map((list) => [list, other[list]]));
    return { held, want: { ...held, ...changed } };
  });
  fc.assert(
    fc.property(pairs, ({ held, want }) => {
      const whole = planFirewall(rulesetOf(want), rulesetOf(held));
      const takesRules = whole.some(({ op }) => op === "write");
      expect(planFirewallChange(want, held)).toEqual(takesRules ? undefined : whole);
    }),
  );
});

test.each<[string, Partial<Firewall>]>([
  ["another device to this cluster's nodes", { clusterDevices: ["eth1"] }],
  ["another node address", { nodeAddresses: ["10.1.255.1"] }],
])("%s takes other rules", (_what, given) => {
  expect(planFirewallChange(firewall(given), firewall())).toBeUndefined();
});
