import { cidrPoolKind } from "../crds/cidr-pool.ts";
import { clusterLinkKind } from "../crds/cluster-link.ts";
import { clusterKind } from "../crds/cluster.ts";
import { ledgerKind } from "../crds/ledger.ts";
import { EMPTY_LEDGER } from "../mesh/ledger.ts";
import { resolveLinks } from "../mesh/links.ts";
import type { ResolvedLinks } from "../mesh/links.ts";
import { SINGLETON_NAME } from "../mesh/names.ts";
import type { CIDRPool, Cluster, ClusterLink, LedgerSpec } from "../mesh/resources.ts";
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
  // Resolving the links of a large mesh takes seconds: once a change is often enough.
  let known: HubLevel | undefined;
  const tell = (change: HubChange): void => {
    known = undefined;
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
    return { ...level, resolved: resolveLinks(level.links, present) };
  };
  const all = [clusters, links, pools, ledgers];
  return {
    synced: Promise.all(all.map((watch) => watch.synced)).then(() => undefined),
    done: Promise.all(all.map((watch) => watch.done)).then(() => undefined),
    level: () => (known ??= read()),
  };
}
