import { NFT_TABLE } from "../marks.ts";
import type { Json, NftObject } from "./expressions.ts";
import type { Ruleset } from "./ruleset.ts";
import type { Elements } from "./sets.ts";

/** All steps of a plan are one nft transaction: they happen together or not at all. */
export type FirewallStep =
  | { readonly op: "write"; readonly ruleset: Ruleset }
  | ElementStep
  | { readonly op: "delete table" };

interface ElementStep {
  readonly op: "add" | "delete";
  readonly set: string;
  readonly elements: readonly Json[];
}

/** Rules are written anew only when one differs; prefixes come and go without touching them. */
export function planFirewall(want: Ruleset | undefined, have: Ruleset | undefined): FirewallStep[] {
  if (want === undefined) {
    return have === undefined ? [] : [{ op: "delete table" }];
  }
  if (have === undefined || fingerprint(want.objects) !== fingerprint(have.objects)) {
    return [{ op: "write", ruleset: want }];
  }
  return planElements(want.elements, have.elements);
}

/** Steps that make sets of the same table hold these elements. */
export function planElements(want: Elements, have: Elements): ElementStep[] {
  return [...want].flatMap(([set, wanted]) => {
    const present = have.get(set) ?? new Map<string, Json>();
    const gone = [...present].filter(([text]) => !wanted.has(text)).map(([, element]) => element);
    const fresh = [...wanted].filter(([text]) => !present.has(text)).map(([, element]) => element);
    // Deleted first: a new element may lie where an old one was.
    return [
      ...(gone.length > 0 ? [{ op: "delete", set, elements: gone } as const] : []),
      ...(fresh.length > 0 ? [{ op: "add", set, elements: fresh } as const] : []),
    ];
  });
}

/** The commands of a transaction that carries the steps out (libnftables-json(5)). */
export function nftCommands(steps: readonly FirewallStep[]): Json[] {
  return steps.flatMap((step): Json[] => {
    switch (step.op) {
      case "write":
        return [
          // Added first, so that it can be deleted whether it was there or not.
          { add: { table: { family: "inet", name: NFT_TABLE } } },
          { delete: { table: { family: "inet", name: NFT_TABLE } } },
          ...step.ruleset.objects.map((object): Json => ({ add: object as Json })),
          ...[...step.ruleset.elements]
            .filter(([, elements]) => elements.size > 0)
            .map(([set, elements]) => elementCommand("add", set, [...elements.values()])),
        ];
      case "delete table":
        return [{ delete: { table: { family: "inet", name: NFT_TABLE } } }];
      case "add":
      case "delete":
        return [elementCommand(step.op, step.set, step.elements)];
    }
  });
}

function elementCommand(op: "add" | "delete", name: string, elem: readonly Json[]): Json {
  return { [op]: { element: { family: "inet", table: NFT_TABLE, name, elem } } };
}

/** Text that is equal for equal tables: the order of sets and chains means nothing, that of rules in a chain does. */
function fingerprint(objects: readonly NftObject[]): string {
  const rules = objects.filter((object) => object.rule !== undefined);
  const chainOf = (object: NftObject) => JSON.stringify(object.rule?.["chain"]);
  const others = objects.filter((object) => object.rule === undefined).map((object) => stableText(object as Json));
  const ordered = rules
    .toSorted((a, b) => chainOf(a).localeCompare(chainOf(b)))
    .map((object) => stableText(object as Json));
  return [...others.toSorted(), ...ordered].join("\n");
}

function stableText(value: Json): string {
  return JSON.stringify(value, (_key, inner: Json) =>
    inner !== null && typeof inner === "object" && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
