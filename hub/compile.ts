import { pairsByCluster } from "../mesh/links.ts";
import type { LinkedPair } from "../mesh/links.ts";
import type { Cluster } from "../mesh/resources.ts";
import type { PeerRecord, ViewEntry } from "../mesh/view-records.ts";
import { peerRecord, viewOf } from "../mesh/view.ts";

/** What one member's mailbox shall hold: its own page first, then a page for each sixteen cluster numbers. */
export interface CompiledView {
  readonly member: string;
  readonly pages: readonly string[];
}

const NUMBERS_PER_PAGE = 16;

/**
 * Every member's view as mailbox pages. A cluster's record is made once and a page is made once for all members that see
 * the same sixteen clusters the same way, so in a full mesh nearly all pages are shared. Paused clusters are left out:
 * what they have stays.
 */
export function compileViews(clusters: readonly Cluster[], pairs: readonly LinkedPair[]): CompiledView[] {
  const records = new Map<string, PeerRecord>();
  for (const cluster of clusters) {
    const record = peerRecord(cluster);
    if (record !== undefined) records.set(cluster.metadata.name, record);
  }
  const pairsOf = pairsByCluster(pairs);
  const pageText = pageWriter();
  return clusters
    .filter((cluster) => records.has(cluster.metadata.name) && !cluster.spec.paused)
    .map(({ metadata: { name } }) => {
      const { self, entries } = viewOf(name, pairsOf.get(name) ?? [], records);
      return { member: name, pages: [JSON.stringify({ self, entries: [] }), ...pagesOf(entries).map(pageText)] };
    });
}

function pagesOf(entries: readonly ViewEntry[]): ViewEntry[][] {
  const pages = Map.groupBy(entries, (entry) => Math.floor(entry.peer.number / NUMBERS_PER_PAGE));
  return [...pages.values()];
}

/** Writes each distinct page once: records are shared by reference, so their identity and the link's terms tell pages apart. */
function pageWriter(): (entries: readonly ViewEntry[]) => string {
  const texts = new Map<string, string>();
  return (entries) => {
    const key = entries.map(({ peer, tunnel, mtu }) => `${peer.number} ${tunnel} ${mtu ?? ""}`).join(",");
    const known = texts.get(key);
    if (known !== undefined) return known;
    const text = JSON.stringify({ entries });
    texts.set(key, text);
    return text;
  };
}
