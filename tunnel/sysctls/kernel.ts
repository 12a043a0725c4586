import { MeshError } from "../../platform/errors.ts";
import type { ProgramFailure, Run } from "../../platform/run.ts";
import type { Outcome } from "../outcome.ts";
import { attempt } from "../outcome.ts";
import type { Sysctl } from "../state.ts";
import type { SysctlMemory, SysctlPlan } from "./plan.ts";
import { sysctlPath } from "./plan.ts";

/** Present values of those keys that exist, in one call. They are files: programs for this are missing in slim images. */
export async function observeSysctls(run: Run, keys: readonly string[]): Promise<Map<string, string>> {
  if (keys.length === 0) {
    return new Map();
  }
  const keyOf = new Map(keys.map((key) => [sysctlPath(key), key]));
  const text = await grepAll(run, [...keyOf.keys()]);
  return new Map(
    text.split("\n").flatMap((line): [string, string][] => {
      const colon = line.indexOf(":");
      const key = keyOf.get(line.slice(0, colon));
      return key === undefined
        ? []
        : [
            [
              key,
              line
                .slice(colon + 1)
                .replaceAll("\t", " ")
                .trim(),
            ],
          ];
    }),
  );
}

/** `FILE:LINE` of every file that can be read; grep fails when one can't, which is no failure here. */
async function grepAll(run: Run, files: readonly string[]): Promise<string> {
  try {
    return await run("grep", ["-sH", "", ...files]);
  } catch (error) {
    if (error instanceof MeshError && error.code === "program-failed") {
      return (error.cause as ProgramFailure).stdout;
    }
    throw error;
  }
}

/**
 * Remembers, writes, forgets, in this order; with nothing to do, nothing is saved. Where nothing can be saved (the disk
 * is full), values whose way back is not known yet stay as they are and the others are written: they may be what makes
 * packets pass after a reboot.
 */
export async function applySysctls(run: Run, plan: SysctlPlan, memory: SysctlMemory): Promise<Outcome[]> {
  const known = await memory.load();
  const outcomes: Outcome[] = [];
  const save = async (values: SysctlPlan["keep"], before: SysctlPlan["keep"]): Promise<boolean> => {
    if (JSON.stringify(values) === JSON.stringify(before)) return true;
    const outcome = await attempt("remember former sysctls", () => memory.save(values));
    if (outcome.error !== undefined) outcomes.push(outcome);
    return outcome.error === undefined;
  };
  const isSaved = await save(plan.remember, known);
  for (const { key, value } of plan.writes.filter(({ key }) => isSaved || known[key] !== undefined)) {
    outcomes.push(await attempt(`sysctl ${key}=${value}`, () => writeSysctl(run, { key, value })));
  }
  if (isSaved) await save(plan.keep, plan.remember);
  return outcomes;
}

async function writeSysctl(run: Run, { key, value }: Sysctl): Promise<void> {
  await run("tee", [sysctlPath(key)], { stdin: `${value}\n` });
}
