import type { Run } from "../../platform/run.ts";
import { bridgeBatch, ipBatch } from "../ip.ts";
import type { Outcome } from "../outcome.ts";
import type { EntryStep, Tables } from "./plan.ts";

/** Carries out the steps of both tables, one process each: 3,000 peers of two addresses take 0.2 s. */
export async function applyEntries(run: Run, { fdb, neighbours }: Tables<EntryStep>): Promise<Outcome[]> {
  return [...(await bridgeBatch(run, fdb.map(fdbLine))), ...(await ipBatch(run, neighbours.map(neighbourLine)))];
}

/** A line of a `bridge -batch`. */
export function fdbLine(step: EntryStep): string {
  const entry = `fdb ${step.op} ${step.key} dev ${step.device}`;
  return step.op === "delete" ? `${entry} self` : `${entry} dst ${step.value} self permanent`;
}

/** A line of an `ip -batch`. */
export function neighbourLine(step: EntryStep): string {
  const entry = `neigh ${step.op} ${step.key} dev ${step.device}`;
  return step.op === "delete" ? entry : `${entry} lladdr ${step.value} nud permanent`;
}
