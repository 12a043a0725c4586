import { compareCidrs, contains, formatCidr, parseCidr } from "../../mesh/cidr.ts";
import { NFT_TABLE } from "../marks.ts";
import type { Firewall } from "../state.ts";
import type { Json, NftObject } from "./rules.ts";
import { FAMILIES, fixedObjects } from "./rules.ts";

/** All of `table inet trestle`: what is fixed, and apart from it what is in the sets, which changes by the element. */
export interface Ruleset {
  /** Table, sets without elements, chains, rules, as nft lists them; rules of one chain in their order. */
  readonly objects: readonly NftObject[];
  /** Set name to its elements by canonical text (`10.2.0.0/16`), each with nft's form of it. */
  readonly elements: ReadonlyMap<string, ReadonlyMap<string, Json>>;
}

/** The table that brings a {@link Firewall} about. */
export function rulesetOf(firewall: Firewall): Ruleset {
  const hosts = firewall.localAddresses.map((address) => `${address}/${address.includes(":") ? 128 : 32}`);
  const prefixes = {
    remote: firewall.remotePrefixes,
    announced: firewall.announcedPrefixes,
    local: firewall.localPrefixes,
    own: hosts,
  };
  const sets = Object.entries(prefixes).flatMap(([name, cidrs]) =>
    FAMILIES.map(({ suffix, type }) => ({ name: `${name}${suffix}`, type, cidrs: ofFamily(cidrs, suffix) })),
  );
  const [table, ...rest] = fixedObjects(firewall.clusterDevices) as [NftObject, ...NftObject[]];
  const declarations = sets.map(({ name, type }) => ({
    set: { family: "inet", name, table: NFT_TABLE, type, flags: ["interval"] },
  }));
  return {
    objects: [table, ...declarations, ...rest],
    elements: new Map(sets.map(({ name, cidrs }) => [name, new Map(cidrs.map((cidr) => [cidr, elementOf(cidr)]))])),
  };
}

function ofFamily(cidrs: readonly string[], suffix: "4" | "6"): string[] {
  return disjoint(cidrs.filter((cidr) => cidr.includes(":") === (suffix === "6")));
}

/** The same addresses without a CIDR inside another, for which an interval set has no place. */
export function disjoint(cidrs: readonly string[]): string[] {
  const kept: ReturnType<typeof parseCidr>[] = [];
  for (const cidr of cidrs.map(parseCidr).toSorted(compareCidrs)) {
    const last = kept.at(-1);
    if (last === undefined || !contains(last, cidr)) {
      kept.push(cidr);
    }
  }
  return kept.map(formatCidr);
}

/** nft lists a single address bare. */
function elementOf(cidr: string): Json {
  const [addr = "", length = ""] = cidr.split("/");
  const isHost = Number(length) === (addr.includes(":") ? 128 : 32);
  return isHost ? addr : { prefix: { addr, len: Number(length) } };
}
