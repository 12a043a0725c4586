import { inForce } from "../../mesh/ipam/in-force.ts";
import { nodeAddressesOf } from "../../mesh/ipam/node-addresses.ts";
import type { AddressLevel } from "../ipam/stock.ts";
import type { MemberLevel } from "../member/level.ts";

/** What a node issues addresses by. */
export function addressLevel(
  { networks, subnets, blocks, nodes }: Pick<MemberLevel, "networks" | "subnets" | "blocks" | "nodes">,
  node: string,
): AddressLevel {
  const labels = nodes.find(({ metadata }) => metadata.name === node)?.metadata.labels ?? {};
  const nodeAddresses = nodeAddressesOf(nodes);
  return { ...inForce({ networks, subnets }), blocks, node: { name: node, labels }, nodeAddresses };
}
