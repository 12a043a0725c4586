import { messageOf } from "../../platform/errors.ts";
import { ALLOWED_MARK } from "../marks.ts";

/**
 * A base chain of another program that packets of ours pass, at the hook forward or input. A drop there can't be
 * overruled from a table of our own, so where a chain drops by default it gets one rule of ours, last before that
 * default: what our own chains let through carries a mark, and is let through here. See docs/adr/0013.
 */
export interface ForeignChain {
  /** What changes it without its owner losing his way in it. */
  readonly tool: ForeignTool;
  /** `ip`, `ip6` or `inet`. */
  readonly family: string;
  readonly table: string;
  readonly name: string;
  readonly priority: number;
  readonly policy: "accept" | "drop";
  readonly rules: readonly ForeignRule[];
}

export type ForeignTool = "nft" | IptablesTool;
export type IptablesTool = `${"iptables" | "ip6tables"}-${"nft" | "legacy"}`;

/** A rule as far as it matters, in its chain's order. */
export interface ForeignRule {
  /** nft's handle; with iptables the position, from 1. */
  readonly ref: number;
  readonly kind: RuleKind;
}

/**
 * - `ours`: the rule this folder adds
 * - `admits` what has our mark, as ours does: somebody made it by hand, and will take it away
 * - `drops` and `accepts` all that comes to it, so that none after it matters
 * - `denies` in general, but not all: it logs, counts, limits or refuses one transport protocol, whoever speaks; such
 *   rules before a drop of everything are part of that default
 * - `other`: what its owner means by it stays in force
 */
export type RuleKind = "ours" | "admits" | "drops" | "accepts" | "denies" | "other";

/** Comment of our rule in chains of others. */
export const COMMENT = "trestle";

export type ChainName = Pick<ForeignChain, "family" | "table" | "name" | "tool">;

/** In words, e.g. `chain ip filter FORWARD (iptables-nft)`. */
export function chainText({ family, table, name, tool }: ChainName): string {
  return `chain ${family} ${table} ${name} (${tool})`;
}

/** Why a chain could not be read or changed, and what a person can do about it. */
export function withRemedy(chain: ChainName, error: unknown): string {
  const install = chain.tool === "nft" ? "" : `install ${chain.tool} where the agent runs, or `;
  const bit = `0x${ALLOWED_MARK.toString(16)}`;
  return (
    `${messageOf(error)}; as long as ${chainText(chain)} drops by default it drops what Trestle lets through: ` +
    `${install}accept packets with mark ${bit}/${bit} in it`
  );
}
