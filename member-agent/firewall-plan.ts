import { addressPart, formatCidr, hostCidr } from "../mesh/cidr.ts";
import { RESERVED } from "../mesh/reserved.ts";
import type { Firewall, VxlanDevice } from "../tunnel/state.ts";
import type { Neighbour } from "./node/neighbours.ts";
import { ownMeshSources } from "./node/plan.ts";
import type { PodSubnet } from "./pod-subnets.ts";
import type { RemotePlan } from "./remote-plan.ts";
import type { Remote, Situation } from "./situation.ts";

/**
 * What this node lets through, marks and rewrites.
 * @param meshAddresses all of this node's, with prefix length
 * @param vxlan devices between clusters, and those between nodes
 */
export function planFirewall(
  situation: Situation,
  meshAddresses: readonly string[],
  neighbours: ReadonlyMap<string, Neighbour>,
  vxlan: { readonly mesh: readonly VxlanDevice[]; readonly nodes: readonly VxlanDevice[] },
  planned: readonly { readonly remote: Remote; readonly plan: RemotePlan }[],
): Firewall {
  const { self, blocks, remotes, closed } = situation;
  return {
    clusterDevices: [situation.lan.device, ...vxlan.nodes.map(({ name }) => name)],
    remotePrefixes: remotes.flatMap(({ prefixes }) => prefixes),
    closedPrefixes: closed.map(({ prefix }) => prefix),
    announcedPrefixes: [...self.podCIDRs, ...self.announcedCIDRs, ...self.meshPrefixes],
    clusterBlocks: [
      ...blocks.filter(({ purpose }) => purpose === "Pods").map(({ cidr }) => cidr),
      ...self.meshPrefixes,
    ],
    ...planEgress(situation),
    nodeHops: hopsTo(neighbours),
    localAddresses: meshAddresses.map(addressPart),
    nodeAddresses: Object.values(ownMeshSources(situation)),
    openPorts: situation.openPorts,
    vxlanEndpoints: [...endpointsOf(vxlan.mesh), ...endpointsOf(vxlan.nodes)],
    vxlanSources: planned.flatMap(({ remote, plan }) =>
      plan.vxlan.map(({ peer }) => ({ mac: peer.mac, prefixes: remote.prefixes })),
    ),
  };
}

/** Which of this node's pods leave with its address, and where they never do: what nobody routes needs no translation. */
function planEgress({
  podSubnets,
  nodes,
}: Situation): Pick<Firewall, "insidePrefixes" | "masqueradedSources" | "keptSources"> {
  const rangesOf = (isAsked: (subnet: PodSubnet) => boolean): string[] =>
    podSubnets.filter(isAsked).flatMap(({ ranges }) => ranges);
  return {
    insidePrefixes: [
      // An overlay's are announced already.
      ...rangesOf(({ type }) => type === "Underlay"),
      ...nodes.flatMap(({ addresses }) => addresses.map(addressPart)).map(hostCidr),
      ...RESERVED.map(({ range }) => formatCidr(range)),
    ],
    masqueradedSources: rangesOf(({ masquerade }) => masquerade),
    keptSources: rangesOf(({ masquerade }) => !masquerade),
  };
}

function hopsTo(neighbours: ReadonlyMap<string, Neighbour>): string[] {
  return [...new Set([...neighbours.values()].flatMap(({ hops }) => Object.values(hops).map(({ via }) => via)))];
}

/** All devices of a kind have one port. None: that port is nobody's. */
function endpointsOf(devices: readonly VxlanDevice[]): Firewall["vxlanEndpoints"] {
  const [first] = devices;
  if (first === undefined) return [];
  // Two gateways may be at one address.
  const addresses = new Set(devices.flatMap(({ peers }) => peers.map(({ endpoint }) => endpoint)));
  return [{ port: first.port, addresses: [...addresses] }];
}
