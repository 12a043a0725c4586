import type { Cluster } from "./resources.ts";
import { termsBetween } from "./ties.ts";
import type { Ties } from "./ties.ts";
import type { PeerRecord, ViewEntry } from "./view-records.ts";

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

/** What a cluster with the ties `own` is told of another one: nothing unless they are linked. Records are shared, not copied. */
export function entryOf(own: Ties, other: { readonly record: PeerRecord; readonly ties: Ties }): ViewEntry | undefined {
  const terms = termsBetween(own, other.ties);
  if (terms === undefined) return undefined;
  const { tunnel, mtu } = terms;
  return { peer: other.record, tunnel, ...(mtu === undefined ? {} : { mtu }) };
}
