import { MeshError } from "../platform/errors.ts";
import type { Fault, PartName } from "../tunnel/report.ts";

/**
 * What packets of ours go through. Others' firewalls and sysctls are not among them: they may refuse us for as long as
 * their owner wants it, and most packets pass.
 */
const ESSENTIAL = new Set<PartName>(["firewall", "links", "wireguard", "addresses", "nexthops", "routes"]);

/** Whether the plan was carried out as far as it is ours, though something else may have failed. */
export function isCarriedOut(failed: readonly Fault[]): boolean {
  return !failed.some(({ part }) => ESSENTIAL.has(part));
}

/** The error for a person: each step that failed, and what was said to it. */
export function syncIncomplete(failed: readonly Fault[]): MeshError {
  const faults = failed.map(({ part, step, message }) => `${part}: ${step}: ${message}`);
  const message = `the kernel refused ${faults.length} steps:\n  ${faults.join("\n  ")}`;
  return new MeshError("sync-incomplete", message, { retry: true });
}
