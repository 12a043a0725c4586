import type { LabCluster, LabFile, LabLink } from "./file.ts";
import { linkFamilyFaults, podFamilyFaults } from "./file-families.ts";
import type { Fault } from "./file-fault.ts";
import { overlapFaults, roomFaults } from "./file-ranges.ts";
import { netnsNames, ROUTER_PLACE } from "./layout.ts";

const ROUTER_TAKEN = `${ROUTER_PLACE} is the place of each site's own router; choose another name`;

/** What no single field can tell: names that point nowhere, names taken twice, ranges that overlap, ends that can't meet. Pure. */
export function checkReferences(file: LabFile): Fault[] {
  return [
    ...repeated(["pools"], file.pools),
    ...repeated(["clusters"], file.clusters),
    ...repeated(["links"], file.links),
    ...file.clusters.flatMap((cluster, at) => clusterFaults(cluster, ["clusters", at])),
    ...file.links.flatMap((link, at) => linkFaults(link, ["links", at], file)),
    ...podFamilyFaults(file),
    ...linkFamilyFaults(file),
    ...roomFaults(file),
    ...overlapFaults(file),
    ...netnsFaults(file),
  ];
}

type Path = Fault["path"];

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
  for (const [at, node] of cluster.nodes.entries()) {
    if (node.endpoint.length > 0 && !node.gateway) {
      faults.push({
        path: [...path, "nodes", at, "endpoint"],
        message: `node ${node.name} is no gateway: nobody dials it; set gateway: true or leave endpoint out`,
      });
    }
    if (node.name === ROUTER_PLACE) faults.push({ path: [...path, "nodes", at, "name"], message: ROUTER_TAKEN });
  }
  for (const [at, pod] of cluster.pods.entries()) {
    if (pod.name === ROUTER_PLACE) faults.push({ path: [...path, "pods", at, "name"], message: ROUTER_TAKEN });
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
