import type { Run } from "../../platform/run.ts";
import type { Outcome } from "../outcome.ts";
import { isMissingProgram } from "../outcome.ts";
import type { ChainName, ForeignChain, ForeignRule, IptablesTool } from "./chain.ts";
import { chainText, withRemedy } from "./chain.ts";
import { listByIptables } from "./iptables.ts";
import { listChains, listRules } from "./nft.ts";

export interface ObservedForeign {
  readonly chains: readonly ForeignChain[];
  /** Chains that can't be read, and why. */
  readonly unread: readonly Outcome[];
}

/** iptables' own tables that filter, with their priority, and the chains of theirs at our hooks: all of that is fixed. */
const IPTABLES_TABLES: ReadonlyMap<string, number> = new Map([
  ["filter", 0],
  ["mangle", -150],
  ["security", 50],
]);
const IPTABLES_CHAINS = ["FORWARD", "INPUT"];

/** Names of the tables that iptables-legacy has in the kernel, one a line; asking it for any other would make that one. */
const LEGACY_TABLES = { iptables: "/proc/net/ip_tables_names", ip6tables: "/proc/net/ip6_tables_names" } as const;

/**
 * All chains of others that what we let through has to pass, with their rules. Chains come first, without rules, which
 * is cheap among thousands of them (20 ms at 3,000); then the rules of the base chains at the two hooks alone.
 * @throws MeshError when nft can't list chains
 */
export async function observeForeign(run: Run): Promise<ObservedForeign> {
  const [listed, ...legacy] = await Promise.all([
    listChains(run),
    legacyChains(run, "iptables"),
    legacyChains(run, "ip6tables"),
  ]);
  const read = [...(await Promise.all(listed.map((chain) => readChain(run, chain)))), ...legacy.flat()];
  return {
    chains: read.flatMap((one) => ("rules" in one ? [one] : [])),
    unread: read.flatMap((one) => ("rules" in one ? [] : [one])),
  };
}

async function readChain(run: Run, listed: Omit<ForeignChain, "tool" | "rules">): Promise<ForeignChain | Outcome> {
  const { family, table, name, priority } = listed;
  const isIptables = family !== "inet" && IPTABLES_TABLES.get(table) === priority && IPTABLES_CHAINS.includes(name);
  const tool = !isIptables ? "nft" : family === "ip" ? "iptables-nft" : "ip6tables-nft";
  try {
    const rules = await listRules(run, listed);
    return { ...listed, tool, rules: tool === "nft" ? rules : await recognized(run, tool, listed, rules) };
  } catch (error) {
    return unread({ ...listed, tool }, error);
  }
}

/**
 * The same rules, ours among them as iptables knows them: nft does not show its comments, nor the marks of older ones.
 * What the others are about nft tells better. Where iptables is missing there may be no need for it, either.
 */
async function recognized(
  run: Run,
  tool: IptablesTool,
  { table, name }: Pick<ForeignChain, "table" | "name">,
  rules: readonly ForeignRule[],
): Promise<ForeignRule[]> {
  const known = await listByIptables(run, tool, table, name).catch(() => ({ rules }));
  const told = known.rules.length === rules.length ? known.rules : rules;
  return rules.map(({ kind }, index) => {
    const toldKind = told[index]?.kind ?? "other";
    return { ref: index + 1, kind: toldKind === "ours" || kind === "ours" ? toldKind : kind };
  });
}

/** Those of one address family. */
async function legacyChains(run: Run, program: "iptables" | "ip6tables"): Promise<(ForeignChain | Outcome)[]> {
  const tables = await run("cat", [LEGACY_TABLES[program]]).catch(() => ""); // no such file: no such module
  if (!tables.split("\n").includes("filter")) {
    return [];
  }
  const tool: IptablesTool = `${program}-legacy`;
  return Promise.all(
    IPTABLES_CHAINS.map((name) => {
      const chain = { tool, family: program === "iptables" ? "ip" : "ip6", table: "filter", name, priority: 0 };
      return listByIptables(run, tool, "filter", name).then(
        (read) => ({ ...chain, ...read }),
        (error: unknown) => unread(chain, error),
      );
    }),
  );
}

function unread(chain: ChainName, error: unknown): Outcome {
  return { step: `read ${chainText(chain)}`, error: withRemedy(chain, error), obstacle: isMissingProgram(error) };
}
