import { z } from "zod";
import { MeshError, hasCode } from "../../platform/errors.ts";
import type { ProgramFailure, Run } from "../../platform/run.ts";
import { NFT_TABLE } from "../marks.ts";
import type { Json, NftObject } from "./expressions.ts";
import { DROPS } from "./rules.ts";
import type { Ruleset } from "./ruleset.ts";
import { byText } from "./sets.ts";

export interface ObservedFirewall extends Ruleset {
  /** Packets dropped since the table was written, by where. */
  readonly drops: Readonly<Record<keyof typeof DROPS, number>>;
}

const CONTENT = z.object({
  nftables: z.array(
    z.object({
      set: z.object({ name: z.string(), elem: z.array(z.unknown()).default([]) }).optional(),
      rule: z.object({ comment: z.string().optional(), expr: z.array(z.unknown()) }).optional(),
    }),
  ),
});
type Content = z.infer<typeof CONTENT>["nftables"];

/** Our table, or undefined where there is none. Foreign tables are not even read. */
export async function observeFirewall(run: Run): Promise<ObservedFirewall | undefined> {
  let listing: string;
  try {
    listing = await run("nft", ["-j", "list", "table", "inet", NFT_TABLE]);
  } catch (error) {
    if (
      hasCode(error, "program-failed") &&
      (error.cause as ProgramFailure).stderr.includes("No such file or directory")
    ) {
      return undefined;
    }
    throw error;
  }
  return parseListing(listing);
}

/**
 * Reads `nft -j list table`, without what is not ours to decide: handles, counters, the version.
 * @throws MeshError `bad-output`
 */
function parseListing(listing: string): ObservedFirewall {
  const text: unknown = JSON.parse(listing);
  const parsed = CONTENT.safeParse(text);
  if (!parsed.success) {
    throw new MeshError("bad-output", `nft -j list table inet ${NFT_TABLE}: not understood: ${parsed.error.message}`, {
      retry: false,
      cause: parsed.error,
    });
  }
  const { nftables: contents } = parsed.data;
  const { nftables: raw } = text as { nftables: readonly NftObject[] };
  const sets = contents.flatMap(({ set }) => (set === undefined ? [] : [set]));
  return {
    objects: raw.filter((object) => !("metainfo" in object)).map((object) => bare(object as Json) as NftObject),
    elements: new Map(sets.map(({ name, elem }) => [name, byText(elem as Json[])])),
    drops: Object.fromEntries(
      Object.entries(DROPS).map(([where, comment]) => [where, droppedBy(contents, comment)]),
    ) as ObservedFirewall["drops"],
  };
}

/** The object without handles, counts and elements. */
function bare(value: Json): Json {
  if (isList(value)) {
    return value.map(bare);
  }
  if (value === null || typeof value !== "object") {
    return value;
  }
  if ("counter" in value) {
    return { counter: { packets: 0, bytes: 0 } };
  }
  const kept = Object.entries(value).filter(([key]) => key !== "handle" && key !== "elem");
  return Object.fromEntries(kept.map(([key, inner]) => [key, bare(inner)]));
}

const COUNTED = z.object({ counter: z.object({ packets: z.number() }) });

function droppedBy(contents: Content, comment: string): number {
  return contents
    .flatMap(({ rule }) => (rule?.comment === comment ? rule.expr : []))
    .reduce<number>((sum, expression) => sum + (COUNTED.safeParse(expression).data?.counter.packets ?? 0), 0);
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}
