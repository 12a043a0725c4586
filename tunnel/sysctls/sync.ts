import type { Run } from "../../platform/run.ts";
import type { Outcome } from "../outcome.ts";
import { attempt } from "../outcome.ts";
import type { Sysctl } from "../state.ts";
import { observeSysctls, writeSysctl } from "./kernel.ts";
import type { FormerValues, SysctlMemory } from "./memory.ts";
import type { SysctlPlan } from "./plan.ts";
import { mayDisturb, planSysctls } from "./plan.ts";
import { disturberOf } from "./side-effects.ts";

/** Makes the wanted keys hold their values, and those that are not wanted any more what they held before us. */
export async function holdSysctls(run: Run, want: readonly Sysctl[], memory: SysctlMemory): Promise<Outcome[]> {
  const known = await memory.load();
  const keys = [...new Set([...want.map(({ key }) => key), ...Object.keys(known)])];
  const have = await observeSysctls(run, keys);
  const patterns = mayDisturb(want, have, known);
  const whole = patterns.length === 0 ? have : await observeSysctls(run, keys, patterns);
  return applySysctls(run, planSysctls(want, whole, known), memory);
}

/**
 * Remembers, writes, forgets, in this order; with nothing to do, nothing is saved. Where nothing can be saved (the disk
 * is full), values whose way back is not known yet stay as they are and the others are written: they may be what makes
 * packets pass after a reboot. What could not be written is not forgotten.
 */
async function applySysctls(run: Run, plan: SysctlPlan, memory: SysctlMemory): Promise<Outcome[]> {
  const known = await memory.load();
  const outcomes: Outcome[] = [];
  const save = async (values: FormerValues, before: FormerValues): Promise<boolean> => {
    if (JSON.stringify(values) === JSON.stringify(before)) return true;
    const outcome = await attempt("remember former sysctls", () => memory.save(values));
    if (outcome.error !== undefined) outcomes.push(outcome);
    return outcome.error === undefined;
  };
  const isSaved = await save(plan.remember, known);
  const failed = new Set<string>();
  for (const sysctl of [...plan.returns, ...plan.writes.filter(({ key }) => isSaved || known[key] !== undefined)]) {
    const outcome = await attempt(`sysctl ${sysctl.key}=${sysctl.value}`, () => writeSysctl(run, sysctl));
    if (outcome.error !== undefined) failed.add(familyOf(sysctl.key));
    outcomes.push(outcome);
  }
  if (isSaved) {
    const unsettled = Object.entries(plan.remember).filter(([key]) => failed.has(familyOf(key)));
    await save({ ...plan.keep, ...Object.fromEntries(unsettled) }, plan.remember);
  }
  return outcomes;
}

/** A key and what it disturbs go back together or not yet. */
function familyOf(key: string): string {
  return disturberOf(key) ?? key;
}
