import type { Firewall } from "../state.ts";
import type { NftObject } from "./expressions.ts";
import { fixedObjects } from "./rules.ts";
import { elementsBySet, setsOf } from "./sets.ts";
import type { Elements } from "./sets.ts";

/** All of `table inet trestle`: what is fixed, and apart from it what is in the sets, which changes by the element. */
export interface Ruleset {
  /** Table, sets without elements, chains, rules, as nft lists them; rules of one chain in their order. */
  readonly objects: readonly NftObject[];
  readonly elements: Elements;
}

/** The table that brings a {@link Firewall} about. */
export function rulesetOf(firewall: Firewall): Ruleset {
  const sets = setsOf(firewall);
  const [table, ...rest] = fixedObjects(firewall.clusterDevices, firewall.nodeAddresses) as [NftObject, ...NftObject[]];
  return {
    objects: [table, ...sets.map(({ declaration }) => declaration), ...rest],
    elements: elementsBySet(sets),
  };
}
