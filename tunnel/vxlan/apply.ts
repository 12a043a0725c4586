import type { Run } from "../../platform/run.ts";
import { bridgeBatch, ipBatch } from "../ip.ts";
import type { Outcome } from "../outcome.ts";
import type { EntryStep, Tables } from "./plan.ts";

/** What iproute2 says to a line about a device that is not there. */
const NO_DEVICE = "Cannot find device";

/** Carries out the steps of both tables, one process each: 3,000 peers of two addresses take 0.2 s. */
export async function applyEntries(run: Run, { fdb, neighbours }: Tables<EntryStep>): Promise<Outcome[]> {
  return [
    ...oncePerDevice(await bridgeBatch(run, fdb.map(fdbLine))),
    ...oncePerDevice(await ipBatch(run, neighbours.map(neighbourLine))),
  ];
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

/** A device that could not be made fails each of its lines alike: one says it all. */
function oncePerDevice(outcomes: readonly Outcome[]): Outcome[] {
  const told = new Set<string>();
  return outcomes.filter(({ error }) => {
    if (error?.startsWith(NO_DEVICE) !== true) {
      return true;
    }
    const isNew = !told.has(error);
    told.add(error);
    return isNew;
  });
}
