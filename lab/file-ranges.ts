import { overlaps, parseCidr, sizeOf } from "../mesh/cidr.ts";
import { FIRST_MACHINE, hostNumber, HUB_NETS, TRANSIT_NETS } from "./addressing.ts";
import type { LabFile } from "./file.ts";
import type { Fault } from "./file-fault.ts";
import { lansOf, nodesOn } from "./layout.ts";

/** Whether a lab file's ranges are wide enough, and apart. Pure. */

/** What a hub makes its first Mesh pool of, see `trestle hub --mesh-pool`; the IPv6 one is random. */
const MESH_POOL = "100.64.0.0/10";

/** LANs that have too few addresses for their nodes. */
export function roomFaults({ clusters }: LabFile): Fault[] {
  return clusters.flatMap((cluster, at) =>
    lansOf(cluster).flatMap(({ cidrs }) =>
      cidrs.flatMap((text) => {
        const nodes = nodesOn(cluster, cidrs);
        const cidr = parseCidr(text);
        const last = hostNumber(cidr.family, FIRST_MACHINE + nodes.length - 1);
        // The last address of an IPv4 net is its broadcast.
        if (nodes.length === 0 || BigInt(last) < sizeOf(cidr) - 1n) return [];
        const message = `${text} has no room for ${nodes.length} nodes (the first gets address number ${FIRST_MACHINE}); use a wider one`;
        return [{ path: lanPath(at, cluster, cidrs), message }];
      }),
    ),
  );
}

interface Range {
  readonly path: Fault["path"];
  readonly cidr: string;
  readonly owner: string;
  /** Of a LAN: its cluster. */
  readonly lanOf?: string;
  /** Of what a cluster announces: whose LANs it may be a part of. */
  readonly partOf?: string;
}

/**
 * LANs, pools and the hub's own nets must be apart: a lab is one internet. So must be what clusters announce, but from
 * their own LANs.
 */
export function overlapFaults(file: LabFile): Fault[] {
  const ranges: Range[] = [
    ...HUB_NETS.map((cidr) => ({ path: ["hub"], cidr, owner: "the net of the hub" })),
    ...TRANSIT_NETS.map((cidr) => ({ path: [], cidr, owner: "the nets between the WAN and the sites" })),
    { path: [], cidr: MESH_POOL, owner: "the hub's own pool, of gateways' and nodes' mesh addresses" },
    ...file.pools.map(({ name, cidr }, at) => ({ path: ["pools", at, "cidr"], cidr, owner: `pool ${name}` })),
    ...file.clusters.flatMap((cluster, at) =>
      lansOf(cluster).flatMap(({ cidrs }, lan) =>
        cidrs.map((cidr) => ({
          path: lanPath(at, cluster, cidrs),
          cidr,
          owner: lan === 0 ? `the LAN of cluster ${cluster.name}` : `another LAN of cluster ${cluster.name}`,
          lanOf: cluster.name,
        })),
      ),
    ),
    ...file.clusters.flatMap(({ name, allowedCIDRs }, at) =>
      allowedCIDRs.map((cidr, place) => ({
        path: ["clusters", at, "allowedCIDRs", place],
        cidr,
        owner: `what cluster ${name} announces`,
        partOf: name,
      })),
    ),
  ];
  return ranges.flatMap(({ path, cidr, partOf }, at) => {
    const apart = ranges.slice(0, at).filter(({ lanOf }) => partOf === undefined || lanOf !== partOf);
    const other = apart.find((earlier) => overlaps(parseCidr(earlier.cidr), parseCidr(cidr)));
    return other ? [{ path, message: `${cidr} overlaps ${other.cidr}, ${other.owner}; pick another range` }] : [];
  });
}

/** The key that names a LAN first: the cluster's own, or a node's. */
function lanPath(at: number, cluster: LabFile["clusters"][number], cidrs: readonly string[]): Fault["path"] {
  const own = cluster.lan.join() === cidrs.join();
  const node = cluster.nodes.findIndex(({ lan }) => lan?.join() === cidrs.join());
  return own ? ["clusters", at, "lan"] : ["clusters", at, "nodes", node, "lan"];
}
