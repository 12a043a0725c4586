import { addressPart, parseAddress } from "../cidr.ts";
import type { Refusal } from "../refusal.ts";
import type { MeshNode } from "../resources.ts";
import type { SubnetSpec } from "./resources.ts";
import { addressInSpan, spanOfSubnet } from "./span.ts";

/**
 * Addresses of a LAN that nodes have themselves, and names of those nodes, by address. An underlay's range may hold them;
 * no pod has one of them.
 */
export type NodeAddresses = ReadonlyMap<string, string>;

export function nodeAddressesOf(nodes: readonly MeshNode[]): NodeAddresses {
  return new Map(
    nodes.flatMap(({ metadata, spec }) =>
      spec.addresses.map((address) => [addressPart(address), metadata.name] as const),
    ),
  );
}

/** A Subnet of an underlay as it is issued from: what of its range is nodes' own is excluded, too. */
export function withoutNodes(spec: SubnetSpec, nodes: NodeAddresses): SubnetSpec {
  const span = spanOfSubnet(spec);
  const own = [...nodes.keys()].filter((address) => addressInSpan(span, parseAddress(address)));
  return own.length === 0 ? spec : { ...spec, excludeIPs: [...spec.excludeIPs, ...own.toSorted()] };
}

/** Why a pod can't have an address (`excluded`): a node has it. */
export function ownOfNode(address: string, nodes: NodeAddresses): Refusal | undefined {
  const node = nodes.get(address);
  const message = `${address} is the own address of node "${node}", so no pod may have it; ask for another`;
  return node === undefined ? undefined : { code: "excluded", message };
}
