import type { Run } from "../../platform/run.ts";
import { ALLOWED_MARK } from "../marks.ts";
import type { ForeignChain, ForeignRule, IptablesTool, RuleKind } from "./chain.ts";
import { COMMENT } from "./chain.ts";
import type { ForeignStep } from "./plan.ts";

/**
 * Other programs' chains by iptables(8). What iptables made in nftables must be changed by it alone: one native rule,
 * and it refuses the whole table from then on.
 */

const BIT = `0x${ALLOWED_MARK.toString(16)}`;
const MARKED = `-m mark --mark ${BIT}/${BIT}`;
/** Our rule, as iptables takes it and lists it. */
const LET_THROUGH = `${MARKED} -m comment --comment ${COMMENT} -j ACCEPT`;

/** Waits for another iptables for so many seconds, where there is a lock between them. */
const WAIT = ["-w", "5"] as const;

/** Policy and rules of a chain, as iptables says them. Of a rule in nftables that is not its own it shows but a part. */
export async function listByIptables(
  run: Run,
  tool: IptablesTool,
  table: string,
  name: string,
): Promise<Pick<ForeignChain, "policy" | "rules">> {
  return parseIptables(await run(tool, [...WAIT, "-t", table, "-S", name]));
}

/** Reads `iptables -S CHAIN`. */
function parseIptables(listing: string): Pick<ForeignChain, "policy" | "rules"> {
  const lines = listing.split("\n");
  const rules = lines.filter((line) => line.startsWith("-A "));
  return {
    policy: lines.some((line) => /^-P \S+ DROP$/.test(line)) ? "drop" : "accept",
    rules: rules.map((line, index): ForeignRule => {
      return { ref: index + 1, kind: ruleKind(line.replace(/^-A \S+ ?/, "")) };
    }),
  };
}

const LIMIT = /-m limit(?: --limit(?:-burst)? \S+)+ ?/;
const PROTOCOL = /^-p \S+ /;
const ANY_COMMENT = /-m comment --comment (?:"(?:[^"\\]|\\.)*"|\S+) ?/g;

function ruleKind(rule: string): RuleKind {
  if (rule === LET_THROUGH) {
    return "ours";
  }
  const said = rule.replace(ANY_COMMENT, "");
  if (said === `${MARKED} -j ACCEPT`) {
    return "admits";
  }
  if (/^-j (?:DROP|REJECT)\b/.test(said)) {
    return "drops";
  }
  if (said === "-j ACCEPT") {
    return "accepts";
  }
  // Logs, or drops, or only counts; at some rate, or one protocol.
  const denial = said.replace(PROTOCOL, "").replace(LIMIT, "");
  return /^(?:-j (?:DROP|REJECT|LOG|NFLOG)\b.*)?$/.test(denial) ? "denies" : "other";
}

/** Carries out a step in one transaction: iptables-restore(8) without flushing. */
export async function changeByIptables(
  run: Run,
  tool: IptablesTool,
  step: Exclude<ForeignStep, { op: "refuse" }>,
): Promise<void> {
  await run(`${tool}-restore`, ["--noflush", ...WAIT], { stdin: restoreText(step) });
}

/** A rule's position is counted without ours, which are deleted first. */
export function restoreText(step: Exclude<ForeignStep, { op: "refuse" }>): string {
  const { table, name, rules } = step.chain;
  const deletions = step.replaces.map(() => `-D ${name} ${LET_THROUGH}`);
  const foreign = rules.filter(({ kind }) => kind !== "ours").map(({ ref }) => ref);
  const additions =
    step.op === "close"
      ? []
      : step.before === undefined
        ? [`-A ${name} ${LET_THROUGH}`]
        : [`-I ${name} ${foreign.indexOf(step.before) + 1} ${LET_THROUGH}`];
  return `${[`*${table}`, ...deletions, ...additions, "COMMIT"].join("\n")}\n`;
}
