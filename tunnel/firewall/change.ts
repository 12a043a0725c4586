import { isDeepStrictEqual } from "node:util";
import type { Firewall } from "../state.ts";
import type { FirewallStep } from "./plan.ts";
import { planFirewall } from "./plan.ts";
import { rulesetOf } from "./ruleset.ts";

/**
 * Steps from one firewall to another, as {@link planFirewall} plans them from the whole of both; undefined when it takes
 * other rules. Each list of a firewall has sets or rules of its own, so those that are equal in both need not be spelled
 * out, and after most changes that is all of them: thousands of prefixes take longer than everything else of a change.
 */
export function planFirewallChange(want: Firewall, held: Firewall): FirewallStep[] | undefined {
  const lists = Object.keys(want) as (keyof Firewall)[];
  const equal = lists.filter((list) => isDeepStrictEqual(want[list], held[list]));
  if (equal.length === lists.length) return [];
  const emptied = Object.fromEntries(equal.map((list) => [list, []]));
  const steps = planFirewall(rulesetOf({ ...want, ...emptied }), rulesetOf({ ...held, ...emptied }));
  return steps.every(({ op }) => op === "add" || op === "delete") ? steps : undefined;
}
