import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { MeshError } from "../../platform/errors.ts";
import type { Run } from "../../platform/run.ts";
import type { Json } from "../firewall/expressions.ts";
import { ACCEPT, marked } from "../firewall/expressions.ts";
import { ALLOWED_MARK, NFT_TABLE } from "../marks.ts";
import { runPiped } from "../piped.ts";
import type { ForeignChain, ForeignRule, RuleKind } from "./chain.ts";
import { COMMENT } from "./chain.ts";
import type { ForeignStep } from "./plan.ts";

/** Other programs' chains by nft(8). */

/** What our rule says. */
const LET_THROUGH: readonly Json[] = [marked(ALLOWED_MARK), ACCEPT];

const LISTING = z.object({
  nftables: z.array(
    z.object({
      chain: z
        .object({
          family: z.string(),
          table: z.string(),
          name: z.string(),
          type: z.string().optional(),
          hook: z.string().optional(),
          prio: z.number().optional(),
          policy: z.enum(["accept", "drop"]).default("accept"),
        })
        .optional(),
      rule: z
        .object({
          handle: z.number(),
          comment: z.string().optional(),
          expr: z.array(z.record(z.string(), z.unknown())),
        })
        .optional(),
    }),
  ),
});
type NftRule = NonNullable<z.infer<typeof LISTING>["nftables"][number]["rule"]>;

/** Every chain of others that filters what is forwarded or comes in, without its rules; of any family that has IP in it. */
export async function listChains(run: Run): Promise<Omit<ForeignChain, "tool" | "rules">[]> {
  return (await listing(run, ["list", "chains"])).flatMap(({ chain }) =>
    chain?.type === "filter" &&
    (chain.hook === "forward" || chain.hook === "input") &&
    chain.prio !== undefined &&
    ["ip", "ip6", "inet"].includes(chain.family) &&
    !(chain.family === "inet" && chain.table === NFT_TABLE)
      ? [{ family: chain.family, table: chain.table, name: chain.name, priority: chain.prio, policy: chain.policy }]
      : [],
  );
}

export async function listRules(
  run: Run,
  { family, table, name }: Pick<ForeignChain, "family" | "table" | "name">,
): Promise<ForeignRule[]> {
  return (await listing(run, ["list", "chain", family, table, name])).flatMap(({ rule }) =>
    rule === undefined ? [] : [{ ref: rule.handle, kind: nftRuleKind(rule) }],
  );
}

/** @throws MeshError as {@link Run} does; and `bad-output` */
async function listing(run: Run, args: readonly string[]): Promise<z.infer<typeof LISTING>["nftables"]> {
  const parsed = LISTING.safeParse(JSON.parse(await run("nft", ["-j", ...args])));
  if (!parsed.success) {
    throw new MeshError("bad-output", `nft -j ${args.join(" ")}: not understood: ${parsed.error.message}`, {
      retry: false,
      cause: parsed.error,
    });
  }
  return parsed.data.nftables;
}

/** What a rule is about, by its statements (libnftables-json(5)); those that only iptables knows show as `xt`, by name. */
function nftRuleKind({ comment, expr }: Pick<NftRule, "comment" | "expr">): RuleKind {
  const statements = expr.filter((statement) => !NEUTRAL.has(wordFor(statement)));
  const hasComment = comment === COMMENT || expr.some((statement) => wordFor(statement) === "comment");
  if (isDeepStrictEqual(statements, LET_THROUGH)) {
    return hasComment ? "ours" : "admits";
  }
  const words = statements.map(wordFor);
  const verdict = words.find((word) => VERDICTS.has(word));
  if (verdict !== undefined && words.every((word) => word === verdict || word === "log")) {
    return verdict === "accept" ? "accepts" : "drops";
  }
  return words.every((word) => DENIALS.has(word)) ? "denies" : "other";
}

const NEUTRAL = new Set(["counter", "comment"]);
const VERDICTS = new Set(["accept", "drop", "reject"]);
const DENIALS = new Set(["log", "nflog", "limit", "protocol", "drop", "reject"]);

const XT = z.object({ xt: z.object({ name: z.string() }) });
const PROTOCOL = z.object({ match: z.object({ left: z.object({ meta: z.object({ key: z.literal("l4proto") }) }) }) });

/** `drop`, `match` …; `protocol` for a match that asks for the transport protocol and no more. */
function wordFor(statement: Readonly<Record<string, unknown>>): string {
  const xt = XT.safeParse(statement);
  if (xt.success) {
    return xt.data.xt.name.toLowerCase();
  }
  return PROTOCOL.safeParse(statement).success ? "protocol" : (Object.keys(statement)[0] ?? "");
}

/** Carries out a step in one transaction. */
export async function changeByNft(run: Run, step: Exclude<ForeignStep, { op: "refuse" }>): Promise<void> {
  const { family, table, name } = step.chain;
  const at = { family, table, chain: name };
  const deletions = step.replaces.map((handle) => ({ delete: { rule: { ...at, handle } } }));
  const rule = { ...at, comment: COMMENT, expr: LET_THROUGH };
  const additions =
    step.op === "close"
      ? []
      : step.before === undefined
        ? [{ add: { rule } }]
        : [{ insert: { rule: { ...rule, handle: step.before } } }];
  await runPiped(run, "nft", ["-j", "-f", "-"], JSON.stringify({ nftables: [...additions, ...deletions] }));
}
