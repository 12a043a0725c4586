import { overlaps, parseCidr, sizeOf } from "../mesh/cidr.ts";
import type { LabCluster, LabFile, LabLink } from "./file.ts";
import { FIRST_NODE, HUB_LAN, netnsNames } from "./layout.ts";

/** What a hub makes its first Mesh pool of, see `trestle hub --mesh-pool`. */
const MESH_POOL = "100.64.0.0/10";

/** One fault of a lab file: where it is, by key, and what to do. */
export interface Fault {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** What no single field can tell: names that point nowhere, names taken twice, ranges that overlap. Pure. */
export function checkReferences(file: LabFile): Fault[] {
  return [
    ...repeated(["pools"], file.pools),
    ...repeated(["clusters"], file.clusters),
    ...repeated(["links"], file.links),
    ...file.clusters.flatMap((cluster, at) => clusterFaults(cluster, ["clusters", at])),
    ...file.links.flatMap((link, at) => linkFaults(link, ["links", at], file)),
    ...overlapFaults(file),
    ...netnsFaults(file),
  ];
}

type Path = readonly (string | number)[];

function repeated(path: Path, list: readonly { readonly name: string }[]): Fault[] {
  return list.flatMap(({ name }, at) =>
    list.findIndex((other) => other.name === name) < at
      ? [{ path: [...path, at, "name"], message: `the name ${name} is taken above; choose another` }]
      : [],
  );
}

function clusterFaults(cluster: LabCluster, path: Path): Fault[] {
  const nodes = cluster.nodes.map((node) => node.name);
  const faults = [...repeated([...path, "nodes"], cluster.nodes), ...repeated([...path, "pods"], cluster.pods)];
  if (!cluster.nodes.some((node) => node.gateway)) {
    faults.push({
      path: [...path, "nodes"],
      message: `cluster ${cluster.name} has no gateway; set gateway: true on at least one node`,
    });
  }
  const room = Number(sizeOf(parseCidr(cluster.lan))) - FIRST_NODE - 1;
  if (cluster.nodes.length > room) {
    faults.push({
      path: [...path, "lan"],
      message: `${cluster.lan} has no room for ${cluster.nodes.length} nodes (the first gets address number ${FIRST_NODE}); use a wider one`,
    });
  }
  for (const [at, pod] of cluster.pods.entries()) {
    if (!nodes.includes(pod.node)) {
      faults.push({
        path: [...path, "pods", at, "node"],
        message: `cluster ${cluster.name} has no node ${pod.node}; it has ${nodes.join(", ")}`,
      });
    }
    if (nodes.includes(pod.name)) {
      faults.push({
        path: [...path, "pods", at, "name"],
        message: `${cluster.name}/${pod.name} is a node already; a place must mean one thing`,
      });
    }
  }
  return faults;
}

function linkFaults(link: LabLink, path: Path, file: LabFile): Fault[] {
  const known = file.clusters.map((cluster) => cluster.name);
  const forms = [link.clusters, link.selector, link.from ?? link.to].filter((form) => form !== undefined);
  const faults: Fault[] = [];
  if (forms.length !== 1 || (link.from === undefined) !== (link.to === undefined)) {
    faults.push({
      path,
      message: `link ${link.name} must have one of: clusters (a full mesh), selector (by label), or from and to (hub and spoke)`,
    });
  }
  for (const field of ["clusters", "from", "to"] as const) {
    for (const [at, name] of (link[field] ?? []).entries()) {
      if (!known.includes(name))
        faults.push({
          path: [...path, field, at],
          message: `there is no cluster ${name}; there are ${known.join(", ")}`,
        });
    }
  }
  return faults;
}

/** LANs, pools and the hub's own net must be apart: a lab is one internet. */
function overlapFaults(file: LabFile): Fault[] {
  const ranges = [
    { path: ["hub"] as Path, cidr: HUB_LAN, owner: "the net of the hub" },
    { path: [], cidr: MESH_POOL, owner: "the hub's own pool, of gateways' and nodes' mesh addresses" },
    ...file.pools.map(({ name, cidr }, at) => ({ path: ["pools", at, "cidr"], cidr, owner: `pool ${name}` })),
    ...file.clusters.map(({ name, lan }, at) => ({
      path: ["clusters", at, "lan"],
      cidr: lan,
      owner: `the LAN of cluster ${name}`,
    })),
  ];
  return ranges.flatMap(({ path, cidr }, at) => {
    const other = ranges.slice(0, at).find((earlier) => overlaps(parseCidr(earlier.cidr), parseCidr(cidr)));
    return other ? [{ path, message: `${cidr} overlaps ${other.cidr}, ${other.owner}; pick another range` }] : [];
  });
}

function netnsFaults(file: LabFile): Fault[] {
  const seen = new Map<string, string>();
  return netnsNames("lab", file).flatMap(({ netns, path, what }) => {
    const other = seen.get(netns);
    seen.set(netns, what);
    return other === undefined || other === what
      ? []
      : [{ path, message: `${what} and ${other} would share the network namespace ${netns}; rename one` }];
  });
}
