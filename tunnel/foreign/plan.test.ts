import { expect, test } from "@jest/globals";
import fc from "fast-check";
import type { ForeignChain, RuleKind } from "./chain.ts";
import { restoreText } from "./iptables.ts";
import type { ForeignStep } from "./plan.ts";
import { planForeign } from "./plan.ts";

function chainOf(policy: "accept" | "drop", kinds: readonly RuleKind[], priority = 0): ForeignChain {
  const rules = kinds.map((kind, index) => ({ ref: index + 1, kind }));
  return { tool: "iptables-nft", family: "ip", table: "filter", name: "FORWARD", priority, policy, rules };
}

test.each<[string, "accept" | "drop", readonly RuleKind[], readonly object[]]>([
  ["a chain that accepts", "accept", [], []],
  ["a chain that accepts what its rules leave over", "accept", ["other", "denies"], []],
  ["a chain that drops what its rules leave over", "drop", ["other"], [{ op: "open", replaces: [] }]],
  ["an empty one that drops", "drop", [], [{ op: "open", replaces: [] }]],
  ["one that ends in a drop", "accept", ["other", "drops"], [{ op: "open", before: 2, replaces: [] }]],
  [
    "one that drops and has rules that nothing comes to",
    "accept",
    ["drops", "other"],
    [{ op: "open", before: 1, replaces: [] }],
  ],
  ["one that accepts all before its policy", "drop", ["other", "accepts"], []],
  ["one that logs what it drops", "drop", ["other", "denies"], [{ op: "open", before: 2, replaces: [] }]],
  [
    "one that resets TCP, then drops",
    "accept",
    ["other", "denies", "drops"],
    [{ op: "open", before: 2, replaces: [] }],
  ],
  ["one that has our rule last", "drop", ["other", "ours"], []],
  ["one that has our rule before its drop", "accept", ["other", "ours", "denies", "drops"], []],
  ["one with a rule appended to ours", "drop", ["ours", "other"], [{ op: "open", replaces: [1] }]],
  ["one that has our rule after its drop", "accept", ["drops", "ours"], [{ op: "open", before: 1, replaces: [2] }]],
  ["one that has our rule twice", "drop", ["ours", "ours"], [{ op: "open", replaces: [1, 2] }]],
  ["one that has been told by hand", "drop", ["other", "admits"], []],
  ["one that has been told by hand before all else", "drop", ["admits", "other", "denies"], []],
  ["one that has been told by hand too late", "drop", ["denies", "admits"], [{ op: "open", before: 1, replaces: [] }]],
  ["one that has been told by hand, too", "drop", ["admits", "ours"], [{ op: "close", replaces: [2] }]],
  ["one that accepts again", "accept", ["other", "ours"], [{ op: "close", replaces: [2] }]],
])("%s", (_what, policy, kinds, steps) => {
  const chain = chainOf(policy, kinds);
  expect(planForeign([chain], true)).toEqual(steps.map((step) => ({ ...step, chain })));
});

test("a chain that sees packets before our mark is refused, and only where it would drop them", () => {
  const early = chainOf("drop", [], -150);
  expect(planForeign([early, chainOf("accept", [], -150)], true)).toEqual([{ op: "refuse", chain: early }]);
  // Told by hand, too: there is no mark yet.
  const told = chainOf("drop", ["admits"], -149);
  expect(planForeign([told], true)).toEqual([{ op: "refuse", chain: told }]);
});

test("leaving takes our rules away, wherever they are", () => {
  const chain = chainOf("drop", ["ours", "other", "ours"]);
  expect(planForeign([chain, chainOf("drop", ["other"])], false)).toEqual([{ op: "close", chain, replaces: [1, 3] }]);
});

test.each<[ForeignStep, readonly string[]]>([
  [{ op: "open", chain: chainOf("drop", ["other"]), replaces: [] }, ["-A FORWARD OURS"]],
  [
    { op: "open", chain: chainOf("drop", ["ours", "other", "denies"]), before: 3, replaces: [1] },
    ["-D FORWARD OURS", "-I FORWARD 2 OURS"],
  ],
  [{ op: "close", chain: chainOf("accept", ["ours"]), replaces: [1] }, ["-D FORWARD OURS"]],
])("iptables is told %j in one transaction", (step, lines) => {
  const text = step.op === "refuse" ? "" : restoreText(step);
  expect(text.replaceAll("-m mark --mark 0x1000/0x1000 -m comment --comment trestle -j ACCEPT", "OURS")).toBe(
    ["*filter", ...lines, "COMMIT", ""].join("\n"),
  );
});

/** What iptables does with a step. */
function applied(chain: ForeignChain, steps: readonly ForeignStep[]): ForeignChain {
  return steps.reduce((at, step) => {
    if (step.op === "refuse") return at;
    const rules = at.rules.filter(({ ref }) => !step.replaces.includes(ref));
    const index =
      step.op === "open" && step.before !== undefined
        ? rules.findIndex(({ ref }) => ref === step.before)
        : rules.length;
    const ours = step.op === "open" ? [{ ref: 0, kind: "ours" as const }] : [];
    const kept = [...rules.slice(0, index), ...ours, ...rules.slice(index)];
    return { ...at, rules: kept.map(({ kind }, position) => ({ ref: position + 1, kind })) };
  }, chain);
}

test("applying a plan leaves nothing to plan, and every rule of others where it was", () => {
  const kinds = fc.array(fc.constantFrom<RuleKind>("ours", "admits", "drops", "accepts", "denies", "other"), {
    maxLength: 8,
  });
  fc.assert(
    fc.property(fc.constantFrom("accept", "drop"), kinds, fc.boolean(), (policy, before, wanted) => {
      const chain = chainOf(policy, before);
      const after = applied(chain, planForeign([chain], wanted));
      expect(planForeign([after], wanted)).toEqual([]);
      const foreign = ({ rules }: ForeignChain) => rules.map(({ kind }) => kind).filter((kind) => kind !== "ours");
      expect(foreign(after)).toEqual(foreign(chain));
      expect(after.rules.some(({ kind }) => kind === "ours") && !wanted).toBe(false);
    }),
  );
});
