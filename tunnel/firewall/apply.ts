import type { Run } from "../../platform/run.ts";
import type { Outcome } from "../outcome.ts";
import { attempt } from "../outcome.ts";
import { runPiped } from "../piped.ts";
import type { FirewallStep } from "./plan.ts";
import { nftCommands } from "./plan.ts";

/** Carries all steps out in one transaction; no steps, no nft. */
export async function applyFirewall(run: Run, steps: readonly FirewallStep[]): Promise<Outcome[]> {
  if (steps.length === 0) {
    return [];
  }
  const script = JSON.stringify({ nftables: nftCommands(steps) });
  const { error } = await attempt("", () => runPiped(run, "nft", ["-j", "-f", "-"], script));
  return steps.map((step) => ({ step: sentence(step), error }));
}

function sentence(step: FirewallStep): string {
  switch (step.op) {
    case "write":
      return "nft write table inet trestle";
    case "delete table":
      return "nft delete table inet trestle";
    case "add":
    case "delete":
      return `nft ${step.op} ${step.elements.length} in set ${step.set}`;
  }
}
