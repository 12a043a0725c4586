import { cidrPoolKind } from "../crds/cidr-pool.ts";
import { clusterLinkKind } from "../crds/cluster-link.ts";
import { clusterKind } from "../crds/cluster.ts";
import { ledgerKind } from "../crds/ledger.ts";
import { resolveLinks } from "../mesh/links.ts";
import type { ResolvedLinks } from "../mesh/links.ts";
import type { CIDRPool, Cluster, ClusterLink } from "../mesh/resources.ts";
import type { ResourceStore } from "../platform/store/port.ts";

/** Which kind of thing changed: each wakes other controllers. */
export type HubChange = { readonly kind: "cluster"; readonly name: string } | { readonly kind: "link" | "pool" | "ledger" };

/** What the hub's store says at this moment. */
export interface HubLevel {
  readonly clusters: readonly Cluster[];
  readonly links: readonly ClusterLink[];
  readonly pools: readonly CIDRPool[];
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
  const clusters = store.watch(clusterKind, ({ name }) => onChange({ kind: "cluster", name }), signal);
  const links = store.watch(clusterLinkKind, () => onChange({ kind: "link" }), signal);
  const pools = store.watch(cidrPoolKind, () => onChange({ kind: "pool" }), signal);
  const ledgers = store.watch(ledgerKind, () => onChange({ kind: "ledger" }), signal);
  const all = [clusters, links, pools, ledgers];
  return {
    synced: Promise.all(all.map((watch) => watch.synced)).then(() => undefined),
    done: Promise.all(all.map((watch) => watch.done)).then(() => undefined),
    level: () => {
      const level = {
        clusters: [...clusters.objects.values()],
        links: [...links.objects.values()],
        pools: [...pools.objects.values()],
      };
      return { ...level, resolved: resolveLinks(level.links, level.clusters) };
    },
  };
}
