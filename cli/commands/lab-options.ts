import { Option } from "commander";
import type { Lab } from "../../lab/state.ts";
import type { Shell } from "../shell.ts";

/** Options of every command that works on one lab. */
export interface LabOptions {
  readonly name?: string;
}

/** The lab named, else the usual one. Needs root, as all of the lab does. */
export async function chooseLab(shell: Shell, { name }: LabOptions): Promise<Lab> {
  const { requireRoot } = await import("../../lab/preflight.ts");
  const { openLab, usualLab } = await import("../../lab/state.ts");
  requireRoot();
  return openLab(name ?? usualLab(), shell.clock);
}

export function nameOption(): Option {
  return new Option("--name <lab>", "which lab, where several run (default: the only one)");
}
