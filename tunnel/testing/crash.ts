import type { Run } from "../../platform/run.ts";
import type { SysctlMemory } from "../sysctls/memory.ts";

/** A process that ends after some steps: nothing that it starts or saves after them happens. */
export interface Mortal {
  readonly run: Run;
  readonly sysctlMemory: SysctlMemory;
  /** Whether it wanted to take more steps than it had. */
  readonly died: () => boolean;
}

/** @param counts what is a step, besides each save; all programs unless told */
export function mortal(
  run: Run,
  memory: SysctlMemory,
  steps: number,
  counts: (program: string, args: readonly string[]) => boolean = () => true,
): Mortal {
  let left = steps;
  const step = () => {
    if (left <= 0) {
      left = -1;
      throw new Error("this process has ended");
    }
    left -= 1;
  };
  return {
    run: async (program, args, options) => {
      if (left < 0 || counts(program, args)) step();
      return run(program, args, options);
    },
    sysctlMemory: {
      load: () => memory.load(),
      save: async (values) => {
        step();
        await memory.save(values);
      },
    },
    died: () => left < 0,
  };
}
