import { isDeepStrictEqual } from "node:util";
import { clusterKind } from "../crds/cluster.ts";
import type { ClusterStatus, Condition, Revision } from "../mesh/resources.ts";
import { amendStatus } from "../platform/store/amend.ts";
import type { ResourceStore } from "../platform/store/port.ts";
import type { ReportBook } from "./reports.ts";

/** A status that only says "still there" is written at most this often. */
const LAST_SEEN_EVERY_MS = 30_000;

/** What was observed of one cluster. */
export interface ClusterFacts {
  readonly reports: ReportBook;
  readonly desired: Revision | undefined;
  /** Wall clock. */
  readonly nowMs: number;
}

/** Writes what the cluster's reports say into its status. */
export async function writeClusterStatus(store: ResourceStore, name: string, facts: ClusterFacts): Promise<void> {
  await amendStatus(store, clusterKind, name, ({ status }) => nextStatus(name, status, facts));
}

/** Pure: a change of state at once, a mere sign of life at most every 30 s. */
export function nextStatus(name: string, before: ClusterStatus, { reports, desired, nowMs }: ClusterFacts): ClusterStatus {
  const seenMs = reports.lastSeenMs(name);
  const now = new Date(nowMs).toISOString();
  const after: ClusterStatus = {
    ...before,
    gateways: reports.gateways(name) ?? before.gateways,
    revision: { desired: desired ?? before.revision.desired, applied: reports.applied(name, nowMs) ?? before.revision.applied },
    conditions: [connected(reports.speaks(name, nowMs), before.conditions, now)],
  };
  const due = seenMs !== undefined && seenMs - Date.parse(before.lastSeen ?? "1970-01-01") >= LAST_SEEN_EVERY_MS;
  const changed = !isDeepStrictEqual({ ...after }, { ...before });
  return seenMs !== undefined && (due || changed) ? { ...after, lastSeen: new Date(seenMs).toISOString() } : after;
}

function connected(speaks: boolean, before: readonly Condition[], now: string): Condition {
  const condition = speaks
    ? ({ type: "Connected", status: "True", reason: "Reporting", message: "its gateways report" } as const)
    : ({
        type: "Connected",
        status: "False",
        reason: "Silent",
        message: "no gateway has reported for a minute; traffic may still pass: is an agent running there, and does it reach NATS?",
      } as const);
  const last = before.find(({ type }) => type === "Connected");
  return { ...condition, lastTransitionTime: last?.status === condition.status ? last.lastTransitionTime : now };
}
