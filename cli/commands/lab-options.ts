import { Option } from "commander";
import type { Lab } from "../../lab/state.ts";
import type { Shell } from "../shell.ts";

/** What a lab is called unless it is given a name. */
export const DEFAULT_NAME = "lab";

/** Options of every command that works on one lab. */
export interface LabOptions {
  readonly name?: string;
}

/** The lab meant: the one named, else the only one there is, else the one with the usual name. Needs root, as all of the lab does. */
export async function chooseLab(shell: Shell, { name }: LabOptions): Promise<Lab> {
  const { requireRoot } = await import("../../lab/preflight.ts");
  const { labNames, openLab } = await import("../../lab/state.ts");
  requireRoot();
  const [only, ...others] = labNames();
  return openLab(name ?? (only !== undefined && others.length === 0 ? only : DEFAULT_NAME), shell.clock);
}

export function nameOption(): Option {
  return new Option("--name <lab>", "which lab, where several run (default: the only one)");
}
