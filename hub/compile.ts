import type { Cluster } from "../mesh/resources.ts";
import { NONE } from "../mesh/ties.ts";
import type { ResolvedLinks, Ties } from "../mesh/ties.ts";
import type { PeerRecord } from "../mesh/view-records.ts";
import { entryOf, peerRecord } from "../mesh/view.ts";
import { pageOf } from "../platform/mailbox/digest.ts";
import type { Page } from "../platform/mailbox/digest.ts";

/** Every member's view as mailbox pages, and what they were made of. */
export interface Compilation {
  /** By member: its own page first, then a page for each sixteen cluster numbers in which it has peers. */
  readonly views: ReadonlyMap<string, readonly Page[]>;
  readonly sources: ReadonlyMap<string, Source>;
  /** In order of their numbers. */
  readonly blocks: readonly Block[];
}

interface Source {
  readonly cluster: Cluster;
  readonly peer: Peer;
}

interface Peer {
  readonly record: PeerRecord;
  /** The record as JSON: equal texts are equal records. */
  readonly text: string;
  readonly ties: Ties;
  /** The page that tells the cluster of itself. */
  readonly self: Page;
}

/** The clusters of sixteen neighbouring numbers. */
interface Block {
  readonly peers: readonly Peer[];
  /** What was made of them, by the ties of the reader, or by the reader where it is one of them and so left out. */
  readonly pages: WeakMap<Ties | Peer, Page | null>;
}

const NUMBERS_PER_BLOCK = 16;

/**
 * Compiles every member's view. A page is made once for all members whose ties are the same, so in a full mesh nearly all
 * pages are shared. Paused clusters are left out: what they have stays.
 *
 * `former` changes nothing of that and saves the work: a block none of whose clusters changed keeps its pages, a view none
 * of whose pages changed is the same object. Clusters count as changed unless they are the same objects, as in a watch.
 */
export function compileViews(
  clusters: readonly Cluster[],
  { ties }: Pick<ResolvedLinks, "ties">,
  former?: Compilation,
): Compilation {
  const sources = new Map<string, Source>();
  for (const cluster of clusters) {
    const { name } = cluster.metadata;
    const peer = peerOf(cluster, ties.get(name) ?? NONE, former?.sources.get(name));
    if (peer !== undefined) sources.set(name, { cluster, peer });
  }
  const peers = [...sources.values()].map(({ peer }) => peer);
  const made = blocksOf(peers, former?.blocks ?? []);
  const blocks = former !== undefined && isSame(former.blocks, made) ? former.blocks : made;
  const views = new Map<string, readonly Page[]>();
  for (const [name, { cluster, peer }] of sources) {
    if (cluster.spec.paused) continue;
    const known = former?.views.get(name);
    const isAsBefore = blocks === former?.blocks && peer === former.sources.get(name)?.peer;
    views.set(name, known !== undefined && isAsBefore ? known : sameView(known, pagesOf(peer, blocks)));
  }
  return { views, sources, blocks };
}

function peerOf(cluster: Cluster, ties: Ties, former: Source | undefined): Peer | undefined {
  if (former?.cluster === cluster && former.peer.ties === ties) return former.peer;
  const record = peerRecord(cluster);
  if (record === undefined) return undefined;
  const text = JSON.stringify(record);
  if (former?.peer.text === text && former.peer.ties === ties) return former.peer;
  const { gateways: _, ...self } = record;
  return { record, text, ties, self: pageOf(JSON.stringify({ self, entries: [] })) };
}

function blocksOf(peers: readonly Peer[], former: readonly Block[]): Block[] {
  const known = new Map(former.map((block) => [numberOf(block.peers[0]), block]));
  const sorted = peers.toSorted(
    (a, b) => a.record.number - b.record.number || (a.record.name < b.record.name ? -1 : 1),
  );
  return [...Map.groupBy(sorted, numberOf)].map(([number, group]) => {
    const block = known.get(number);
    return block !== undefined && isSame(block.peers, group) ? block : { peers: group, pages: new WeakMap() };
  });
}

function numberOf(peer: Peer | undefined): number {
  return Math.floor((peer?.record.number ?? -1) / NUMBERS_PER_BLOCK);
}

function pagesOf(reader: Peer, blocks: readonly Block[]): Page[] {
  const pages = [reader.self];
  const own = numberOf(reader);
  for (const block of blocks) {
    const page = pageIn(block, reader, numberOf(block.peers[0]) === own ? reader : reader.ties);
    if (page !== null) pages.push(page);
  }
  return pages;
}

function pageIn({ peers, pages }: Block, reader: Peer, readers: Ties | Peer): Page | null {
  const known = pages.get(readers);
  if (known !== undefined) return known;
  const entries = peers.filter((peer) => peer !== reader).flatMap((peer) => entryOf(reader.ties, peer) ?? []);
  const page = entries.length === 0 ? null : pageOf(JSON.stringify({ entries }));
  pages.set(readers, page);
  return page;
}

function sameView(former: readonly Page[] | undefined, pages: readonly Page[]): readonly Page[] {
  const isFormer = former?.length === pages.length && former.every(({ digest }, at) => digest === pages[at]?.digest);
  return isFormer ? former : pages;
}

function isSame<T>(some: readonly T[], others: readonly T[]): boolean {
  return some.length === others.length && some.every((each, at) => each === others[at]);
}
