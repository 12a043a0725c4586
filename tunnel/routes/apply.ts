import type { Run } from "../../platform/run.ts";
import { ipBatch } from "../ip.ts";
import type { Outcome } from "../outcome.ts";
import type { RouteStep } from "./text.ts";
import { routeLine } from "./text.ts";

/** Carries out steps in order, by one process. */
export async function applyRoutes(run: Run, steps: readonly RouteStep[]): Promise<Outcome[]> {
  const outcomes = await ipBatch(run, steps.map(routeLine));
  return outcomes.map((outcome, at) => {
    const isTaken = steps[at]?.op === "add" && outcome.error?.includes("File exists") === true;
    return isTaken ? { ...outcome, error: TAKEN, obstacle: true } : outcome;
  });
}

const TAKEN =
  "another program has a route of this prefix and metric, and it stays; delete it, or give it a higher metric";
