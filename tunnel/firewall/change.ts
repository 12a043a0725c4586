import { isDeepStrictEqual } from "node:util";
import type { Firewall } from "../state.ts";
import type { FirewallStep } from "./plan.ts";
import { planElements } from "./plan.ts";
import { elementsBySet, setsOf } from "./sets.ts";

/** Lists that are spelled out in rules (rulesetOf); each of the others is in sets of its own. */
const IN_RULES: readonly (keyof Firewall)[] = ["clusterDevices", "nodeAddresses"];

/**
 * Steps from one firewall to another, as planFirewall plans them from the whole of both; undefined when it takes
 * other rules. Lists that are equal in both need not be spelled out, and after most changes that is all of them: thousands
 * of prefixes take longer than everything else of a change.
 */
export function planFirewallChange(want: Firewall, held: Firewall): FirewallStep[] | undefined {
  const lists = Object.keys(want) as (keyof Firewall)[];
  const equal = lists.filter((list) => isDeepStrictEqual(want[list], held[list]));
  if (equal.length === lists.length) return [];
  if (!IN_RULES.every((list) => equal.includes(list))) return undefined;
  const emptied = Object.fromEntries(equal.map((list) => [list, []]));
  return planElements(elementsBySet(setsOf({ ...want, ...emptied })), elementsBySet(setsOf({ ...held, ...emptied })));
}
