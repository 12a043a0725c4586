import { familyOf } from "../mesh/cidr.ts";
import type { Family } from "../mesh/resources.ts";
import type { LabCluster, LabFile, LabLink } from "./file.ts";
import { pairsOfLink } from "./file.ts";
import type { Fault } from "./file-fault.ts";
import { storeFamilies } from "./layout.ts";

/** Whether a lab file's ends can meet: in a family that both have, and through NAT. Pure. */

/** Clusters whose pods want a family that no pool has, or whose machines have none in common. */
export function podFamilyFaults({ pools, clusters }: LabFile): Fault[] {
  const pooled = new Set(pools.map(({ cidr }) => familyOf(cidr)));
  return clusters.flatMap((cluster, at) => [
    ...cluster.families
      .filter((family) => !pooled.has(family))
      .map((family) => ({
        path: ["clusters", at, "families"],
        message: `the pods of cluster ${cluster.name} want IPv${family}, and no pool has it; add one, e.g. ${EXAMPLE[family]}`,
      })),
    ...(storeFamilies(cluster).length > 0
      ? []
      : [
          {
            path: ["clusters", at, "lan"],
            message: `the nodes of cluster ${cluster.name} have no family in common to reach its store by; give their LANs one`,
          },
        ]),
  ]);
}

const EXAMPLE: Readonly<Record<Family, string>> = {
  4: "{ name: pods, cidr: 10.64.0.0/12, clusterPrefixLength: 16 }",
  6: "{ name: pods6, cidr: fd64::/40, clusterPrefixLength: 56 }",
};

/** Links that no tunnel can be: between gateways of different families, or through NAT where it can't go. */
export function linkFamilyFaults(file: LabFile): Fault[] {
  return file.links.flatMap((link, at) => {
    const known = pairsOfLink(file, link).flatMap(({ from, to }) => {
      const [a, b] = [from, to].map((name) => file.clusters.find((cluster) => cluster.name === name));
      return a && b ? [{ a, b }] : [];
    });
    const said = known.flatMap(({ a, b }) => obstacle(link, a, b) ?? []);
    return [...new Set(said)].map((message) => ({ path: ["links", at], message }));
  });
}

/** Why no tunnel of the link's kind can join two clusters; for either order of the two in the same words. */
function obstacle({ name, tunnel }: LabLink, a: LabCluster, b: LabCluster): string | undefined {
  const [first, second] = a.name < b.name ? [a, b] : [b, a];
  if (!familiesOfGateways(first).some((family) => familiesOfGateways(second).includes(family)))
    return `link ${name} can't join ${first.name} and ${second.name}: their gateways' LANs have no family in common`;
  const hidden = [first, second].filter(({ nat }) => nat);
  if (tunnel === "vxlan" && hidden[0] !== undefined)
    return `link ${name} can't reach ${hidden[0].name}, which is behind NAT, by vxlan; use tunnel: wireguard`;
  if (hidden.length === 2 && !hidden.some(({ nodes }) => nodes.some(({ endpoint }) => endpoint.length > 0)))
    return `link ${name} can't join ${first.name} and ${second.name}: both are behind NAT, and neither can dial the other`;
  return undefined;
}

function familiesOfGateways({ lan, nodes }: LabCluster): Family[] {
  return nodes.filter(({ gateway }) => gateway).flatMap((node) => (node.lan ?? lan).map(familyOf));
}
