import { MeshError } from "../platform/errors.ts";
import type { PartName, SyncReport } from "../tunnel/report.ts";

/** A step that the kernel, or a program, refused. */
export type FailedStep = SyncReport["failed"][number];

/**
 * What packets of ours go through. Others' firewalls and sysctls are not among them: such a failure may last for as long
 * as its owner wants it (a chain that drops before ours can speak, a program that is missing), and most packets pass.
 */
const ESSENTIAL: ReadonlySet<PartName> = new Set([
  "firewall",
  "links",
  "wireguard",
  "addresses",
  "nexthops",
  "routes",
] as const satisfies PartName[]);

/** Whether the plan was carried out as far as it is ours, though something else may have failed. */
export function isCarriedOut(failed: readonly FailedStep[]): boolean {
  return !failed.some(({ part }) => ESSENTIAL.has(part));
}

/** The error for a person: each step that failed, and what was said to it. */
export function syncIncomplete(failed: readonly FailedStep[]): MeshError {
  const faults = failed.map(({ part, step, message }) => `${part}: ${step}: ${message}`);
  const message = `the kernel refused ${faults.length} steps:\n  ${faults.join("\n  ")}`;
  return new MeshError("sync-incomplete", message, { retry: true });
}
