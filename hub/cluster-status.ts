import { isDeepStrictEqual } from "node:util";
import { clusterKind } from "../crds/cluster.ts";
import type { Cluster, ClusterStatus, Condition, Revision } from "../mesh/resources.ts";
import type { ResourceStore } from "../platform/store/port.ts";
import { amendStatusIfThere } from "./amend.ts";
import { acceptGateways } from "./gateway-words.ts";
import { SILENT_AFTER_MS } from "./reports.ts";
import type { ReportBook } from "./reports.ts";

const CONNECTED = "Connected";

/** A status that only says "still there" is written at most this often. */
const LAST_SEEN_EVERY_MS = 30_000;

/** What was observed of one cluster. */
export interface ClusterFacts {
  readonly reports: ReportBook;
  readonly desired: Revision | undefined;
  /** Everybody in the mesh. */
  readonly clusters: readonly Cluster[];
  /** Wall clock. */
  readonly nowMs: number;
}

/** Writes what the cluster's reports say into its status. */
export async function writeClusterStatus(store: ResourceStore, name: string, facts: ClusterFacts): Promise<void> {
  await amendStatusIfThere(store, clusterKind, name, ({ status }) => nextStatus(name, status, facts));
}

/** Pure: a change of state at once, a mere sign of life at most every 30 s. */
export function nextStatus(
  name: string,
  before: ClusterStatus,
  { reports, desired, clusters, nowMs }: ClusterFacts,
): ClusterStatus {
  const now = new Date(nowMs).toISOString();
  const revision = withoutUndefined({
    desired: desired ?? before.revision.desired,
    applied: reports.applied(name, nowMs) ?? before.revision.applied,
  });
  const seenMs = reports.lastSeenMs(name);
  const writtenMs = before.lastSeen === undefined ? undefined : Date.parse(before.lastSeen);
  const heardMs = Math.max(seenMs ?? -Infinity, writtenMs ?? -Infinity);
  const said = reports.gateways(name, before.gateways, nowMs);
  const { gateways, conditions } = acceptGateways(name, before, { said, clusters, now });
  const after: ClusterStatus = {
    ...before,
    gateways,
    revision,
    conditions: [
      ...conditions.filter(({ type }) => type !== CONNECTED),
      connected(nowMs - heardMs <= SILENT_AFTER_MS, before.conditions, now),
    ],
  };
  if (seenMs === undefined) return after;
  const due = seenMs - (writtenMs ?? -Infinity) >= LAST_SEEN_EVERY_MS;
  const changed = !isDeepStrictEqual(after, { ...before, revision: withoutUndefined(before.revision) });
  return due || changed ? { ...after, lastSeen: new Date(seenMs).toISOString() } : after;
}

function connected(speaks: boolean, before: readonly Condition[], now: string): Condition {
  const condition = speaks
    ? ({ type: CONNECTED, status: "True", reason: "Reporting", message: "its gateways report" } as const)
    : ({
        type: CONNECTED,
        status: "False",
        reason: "Silent",
        message:
          "no gateway has reported for a minute; traffic may still pass: is an agent running there, and does it reach NATS?",
      } as const);
  const last = before.find(({ type }) => type === CONNECTED);
  return { ...condition, lastTransitionTime: last?.status === condition.status ? last.lastTransitionTime : now };
}

/** A field that is absent and one that is undefined say the same. */
function withoutUndefined({ desired, applied }: ClusterStatus["revision"]): ClusterStatus["revision"] {
  return { ...(desired && { desired }), ...(applied && { applied }) };
}
