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

/** Remembers, writes, forgets, in this order; with nothing to do, nothing is saved. */
export async function applySysctls(run: Run, plan: SysctlPlan, memory: SysctlMemory): Promise<Outcome[]> {
  const known = JSON.stringify(await memory.load());
  if (JSON.stringify(plan.remember) !== known) {
    await memory.save(plan.remember);
  }
  const outcomes: Outcome[] = [];
  for (const { key, value } of plan.writes) {
    outcomes.push(await attempt(`sysctl ${key}=${value}`, () => writeSysctl(run, { key, value })));
  }
  if (JSON.stringify(plan.keep) !== JSON.stringify(plan.remember)) {
    await memory.save(plan.keep);
  }
  return outcomes;
}

async function writeSysctl(run: Run, { key, value }: Sysctl): Promise<void> {
  await run("tee", [sysctlPath(key)], { stdin: `${value}\n` });
}
