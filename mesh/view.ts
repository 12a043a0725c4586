import type { LinkedPair } from "./links.ts";
import type { Cluster } from "./resources.ts";
import type { PeerRecord, View, ViewEntry } from "./view-records.ts";

/** What peers are told of a cluster. Undefined while it has no number: then nobody can be linked with it. */
export function peerRecord({ metadata, spec, status }: Cluster): PeerRecord | undefined {
  return status.number === undefined
    ? undefined
    : {
        name: metadata.name,
        number: status.number,
        podCIDRs: status.podCIDRs,
        announcedCIDRs: spec.allowedCIDRs,
        meshPrefixes: status.meshPrefixes,
        gateways: status.gateways.toSorted((a, b) => a.rank - b.rank),
      };
}

/**
 * All that `member` is told: itself and the clusters it is linked with, in order of their numbers. Records are shared,
 * not copied. Pairs of others and pairs with clusters that have no record are left out.
 * @throws RangeError when `member` itself has no record
 */
export function viewOf(member: string, pairs: readonly LinkedPair[], records: ReadonlyMap<string, PeerRecord>): View {
  const own = records.get(member);
  if (own === undefined) {
    throw new RangeError(`cluster "${member}" has no record, so it has no view`);
  }
  const { gateways: _, ...self } = own;
  const entries = pairs
    .filter((pair) => pair.a === member || pair.b === member)
    .flatMap(({ a, b, tunnel, mtu }): ViewEntry[] => {
      const peer = records.get(a === member ? b : a);
      return peer === undefined ? [] : [{ peer, tunnel, ...(mtu === undefined ? {} : { mtu }) }];
    });
  return { self, entries: entries.toSorted((x, y) => x.peer.number - y.peer.number) };
}
