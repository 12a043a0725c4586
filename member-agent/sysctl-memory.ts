import { z } from "zod";
import type { StateFolder } from "../platform/state-folder.ts";
import type { SysctlMemory } from "../tunnel/sysctls/memory.ts";

const FILE = "sysctls.json";
const formerValues = z.record(z.string(), z.object({ former: z.string(), ours: z.array(z.string()) }));

/** Former values of the sysctls we set, kept in the agent's state folder. */
export function sysctlMemoryIn(folder: StateFolder): SysctlMemory {
  return {
    load: async () => (await folder.read(FILE, formerValues)) ?? {},
    save: (values) => folder.write(FILE, values),
  };
}
