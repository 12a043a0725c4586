import { clusterKind } from "../crds/cluster.ts";
import { familyOf } from "../mesh/cidr.ts";
import { admitCluster } from "../mesh/ledger.ts";
import type { Cluster, Condition, LedgerSpec, LedgerUse } from "../mesh/resources.ts";
import { MeshError } from "../platform/errors.ts";
import type { Clock } from "../platform/clock.ts";
import type { ResourceStore } from "../platform/store/port.ts";
import { amendStatusIfThere } from "./amend.ts";
import type { HubLedger } from "./ledger.ts";
import type { HubLevel } from "./level.ts";

/** What each cluster has in the ledger for a use, by name. */
function prefixesByCluster({ rows }: LedgerSpec, use: LedgerUse): ReadonlyMap<string, readonly string[]> {
  const groups = Map.groupBy(
    rows.filter((row) => row.use === use),
    (row) => row.cluster,
  );
  return new Map([...groups].map(([name, group]) => [name, group.map(({ prefix }) => prefix)]));
}

/**
 * Pure: the clusters as their peers may know them. What a Cluster says it announces is announced once it is in the
 * ledger, so that a prefix is one cluster's alone however its spec was changed. Those who announce it all are the same
 * objects.
 */
export function asInLedger(clusters: readonly Cluster[], ledger: LedgerSpec): Cluster[] {
  const announced = prefixesByCluster(ledger, "announced");
  return clusters.map((cluster) => {
    const entered = announced.get(cluster.metadata.name) ?? [];
    const allowedCIDRs = cluster.spec.allowedCIDRs.filter((cidr) => entered.includes(cidr));
    const isAll = allowedCIDRs.length === cluster.spec.allowedCIDRs.length;
    return isAll ? cluster : { ...cluster, spec: { ...cluster.spec, allowedCIDRs } };
  });
}

/** Pure: the joined clusters whose ranges in the ledger are not those that their spec names. */
export function outOfStep(clusters: readonly Cluster[], ledger: LedgerSpec): Cluster[] {
  const announced = prefixesByCluster(ledger, "announced");
  const local = prefixesByCluster(ledger, "local");
  return clusters.filter(
    ({ metadata: { name }, spec, status }) =>
      status.identity !== undefined &&
      (!sameSet(spec.allowedCIDRs, announced.get(name)) ||
        !sameSet(spec.localCIDRs, local.get(name)) ||
        spec.podCIDRs.some((cidr) => !status.podCIDRs.includes(cidr))),
  );
}

export interface RangesParts {
  readonly store: ResourceStore;
  readonly ledger: HubLedger;
  readonly clock: Clock;
}

/** Enters into the ledger what administrators changed in the specs of joined clusters, or says in the condition why not. */
export async function enterRanges({ store, ledger, clock }: RangesParts, level: HubLevel): Promise<void> {
  const refused = new Set(
    level.clusters.filter(({ status }) => status.conditions.some(isRefused)).map(({ metadata }) => metadata.name),
  );
  // Statuses change all the time, and reading the ledger of a large mesh takes longer than looking whether it is needed.
  if (refused.size === 0 && outOfStep(level.clusters, level.ledger).length === 0) return;
  const changed = new Set(outOfStep(level.clusters, await ledger.read()).map(({ metadata }) => metadata.name));
  for (const {
    metadata: { name },
  } of level.clusters) {
    if (!changed.has(name) && !refused.has(name)) continue;
    const condition = await enter(ledger, level, name, store);
    if (condition === undefined) continue;
    await amendStatusIfThere(store, clusterKind, name, ({ status }) => {
      const others = status.conditions.filter(({ type }) => type !== condition.type);
      const last = status.conditions.find(({ type }) => type === condition.type);
      const lastTransitionTime =
        last?.status === condition.status ? last.lastTransitionTime : new Date(clock.now()).toISOString();
      return { ...status, conditions: [...others, { ...condition, lastTransitionTime }] };
    });
  }
}

type Verdict = Omit<Condition, "lastTransitionTime">;

async function enter(
  ledger: HubLedger,
  { pools }: HubLevel,
  name: string,
  store: ResourceStore,
): Promise<Verdict | undefined> {
  // Asked anew: what is entered must be what is there, not what a watch was told a moment ago.
  const cluster = await store.get(clusterKind, name);
  if (cluster?.status.identity === undefined || cluster.metadata.deletionTimestamp !== undefined) return undefined;
  const { podCIDRs, allowedCIDRs, localCIDRs } = cluster.spec;
  const families = [...new Set(cluster.status.podCIDRs.map(familyOf))];
  try {
    const asked = { cluster: name, podCIDRs, allowedCIDRs, localCIDRs, families };
    const { podCIDRs: owned } = await ledger.change((spec) => admitCluster(spec, pools, asked));
    await amendStatusIfThere(store, clusterKind, name, ({ status }) => ({ ...status, podCIDRs: owned }));
    return { type: ACCEPTED, status: "True", reason: "InLedger", message: "every range it names is in the ledger" };
  } catch (error) {
    if (!(error instanceof MeshError) || error.retry || error.code === "hub-amnesia") throw error;
    return { type: ACCEPTED, status: "False", reason: reasonOf(error.code), message: error.message };
  }
}

const ACCEPTED = "RangesAccepted";

function isRefused({ type, status }: Condition): boolean {
  return type === ACCEPTED && status === "False";
}

/** `cidr-overlap` as a condition's reason, CidrOverlap. */
function reasonOf(code: string): string {
  return code.replaceAll(/(?:^|-)(.)/g, (_, letter: string) => letter.toUpperCase());
}

function sameSet(some: readonly string[], others: readonly string[] = []): boolean {
  const set = new Set(some);
  return set.size === new Set(others).size && others.every((each) => set.has(each));
}
