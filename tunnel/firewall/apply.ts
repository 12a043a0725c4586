import type { Run } from "../../platform/run.ts";
import type { Outcome } from "../outcome.ts";
import { attempt } from "../outcome.ts";
import { runPiped } from "../piped.ts";
import type { FirewallStep } from "./plan.ts";
import { nftCommands } from "./plan.ts";

/** Bytes that fit into one argument of a program with room to spare (execve(2): 128 KB). */
const ARGUMENT_BYTES = 64 * 1024;

/** Carries all steps out in one transaction; no steps, no nft. */
export async function applyFirewall(run: Run, steps: readonly FirewallStep[]): Promise<Outcome[]> {
  if (steps.length === 0) {
    return [];
  }
  const script = JSON.stringify({ nftables: nftCommands(steps) });
  // A file by name takes a shell and two more programs; a change of one cluster does without.
  const { error } = await attempt("", () =>
    script.length <= ARGUMENT_BYTES ? run("nft", ["-j", script]) : runPiped(run, "nft", ["-j", "-f", "-"], script),
  );
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
