import { isDeepStrictEqual } from "node:util";
import { cidrPoolKind } from "../crds/cidr-pool.ts";
import { clusterLinkKind } from "../crds/cluster-link.ts";
import { clusterKind } from "../crds/cluster.ts";
import { ledgerKind } from "../crds/ledger.ts";
import { EMPTY_LEDGER } from "../mesh/ledger.ts";
import { SINGLETON_NAME } from "../mesh/names.ts";
import type { CIDRPool, Cluster, ClusterLink, LedgerSpec } from "../mesh/resources.ts";
import { resolveLinks } from "../mesh/ties.ts";
import type { ResolvedLinks } from "../mesh/ties.ts";
import type { ResourceStore } from "../platform/store/port.ts";

/** Which kind of thing changed: each wakes other controllers. */
export type HubChange =
  | { readonly kind: "cluster"; readonly name: string }
  | { readonly kind: "link" | "pool" | "ledger" };

/** What the hub's store says at this moment. */
export interface HubLevel {
  /** Those that are in the mesh. */
  readonly clusters: readonly Cluster[];
  /** Those that are being taken out of it. */
  readonly leaving: readonly Cluster[];
  readonly links: readonly ClusterLink[];
  readonly pools: readonly CIDRPool[];
  /** To look at; who changes it or gives something out asks the store. */
  readonly ledger: LedgerSpec;
  readonly resolved: ResolvedLinks;
}

export interface HubWatch {
  /** After the first full list of every kind. */
  readonly synced: Promise<void>;
  readonly level: () => HubLevel;
  readonly done: Promise<void>;
}

/** Watches every kind the hub acts on. */
export function watchHub(store: ResourceStore, onChange: (change: HubChange) => void, signal: AbortSignal): HubWatch {
  let known: HubLevel | undefined;
  let isCurrent = false;
  const tell = (change: HubChange): void => {
    isCurrent = false;
    onChange(change);
  };
  const clusters = store.watch(clusterKind, ({ name }) => tell({ kind: "cluster", name }), signal);
  const links = store.watch(clusterLinkKind, () => tell({ kind: "link" }), signal);
  const pools = store.watch(cidrPoolKind, () => tell({ kind: "pool" }), signal);
  const ledgers = store.watch(ledgerKind, () => tell({ kind: "ledger" }), signal);
  const read = (): HubLevel => {
    const isLeaving = ({ metadata }: Cluster): boolean => metadata.deletionTimestamp !== undefined;
    const present = [...clusters.objects.values()].filter((cluster) => !isLeaving(cluster));
    const level = {
      clusters: present,
      leaving: [...clusters.objects.values()].filter(isLeaving),
      links: [...links.objects.values()],
      pools: [...pools.objects.values()],
      ledger: ledgers.objects.get(SINGLETON_NAME)?.spec ?? EMPTY_LEDGER,
    };
    return { ...level, resolved: resolvedIn(level, known) };
  };
  const all = [clusters, links, pools, ledgers];
  return {
    synced: Promise.all(all.map((watch) => watch.synced)).then(() => undefined),
    done: Promise.all(all.map((watch) => watch.done)).then(() => undefined),
    level: () => {
      if (known === undefined || !isCurrent) known = read();
      isCurrent = true;
      return known;
    },
  };
}

/** A cluster's or a link's status changes all the time, and which clusters are linked does not follow from it. */
function resolvedIn(
  { links, clusters }: Pick<HubLevel, "links" | "clusters">,
  former: HubLevel | undefined,
): ResolvedLinks {
  const isAsBefore =
    former !== undefined &&
    isSame(links, former.links, ({ metadata, spec }) => [metadata.name, metadata.creationTimestamp, spec]) &&
    isSame(clusters, former.clusters, ({ metadata }) => [metadata.name, metadata.labels]);
  return isAsBefore ? former.resolved : resolveLinks(links, clusters, former?.resolved);
}

/** True when both lists hold, one by one, the same objects, or such as agree in `facts`. */
function isSame<T>(some: readonly T[], others: readonly T[], facts: (one: T) => unknown): boolean {
  const agree = (one: T, other: T | undefined): boolean =>
    one === other || (other !== undefined && isDeepStrictEqual(facts(one), facts(other)));
  return some.length === others.length && some.every((one, at) => agree(one, others[at]));
}
