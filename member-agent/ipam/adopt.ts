import { familyOf } from "../../mesh/cidr.ts";
import { holds } from "../../mesh/ipam/network-choice.ts";
import type { Attachment, IPInstance } from "../../mesh/ipam/resources.ts";
import type { Binding } from "./binding.ts";
import type { ReconcilerParts } from "./reconciler.ts";
import type { AddressStock } from "./stock.ts";
import { holdForeign } from "./take-up.ts";
import type { ObservedWire } from "./wires.ts";

/**
 * What a node finds when it starts, and its book does not know, because its disk is another: pods that have a wire keep
 * what is routed to it, and what others have of this node's blocks is held for them.
 */
export async function adoptWires(
  stock: AddressStock,
  wires: readonly ObservedWire[],
  { cutOff, log }: Pick<ReconcilerParts, "cutOff" | "log">,
): Promise<void> {
  const { book, index, blocks } = stock;
  for (const { attachment, addresses } of wires) {
    const unknown = addresses.filter((address) => !book.bindings.has(address));
    if (unknown.length === 0) continue;
    const found = unknown.flatMap((address) => bindingOf(stock, address, attachment) ?? []);
    const lost = found.filter(({ address }) => isOfOthers(index.at(address), attachment, stock.node));
    for (const binding of lost) await cutOff(binding);
    const kept = found.filter((binding) => !lost.includes(binding));
    if (kept.length === 0) continue;
    await book.bind(kept);
    for (const { address } of kept) blocks.claim(address);
    const message = `sandbox ${attachment?.sandbox ?? "(unknown)"} has ${kept.map(({ address }) => address).join(", ")}, which was not written down here; it keeps them`;
    log.warn({ event: "wire-adopted", sandbox: attachment?.sandbox }, message);
  }
  await holdForeign(stock, index.values(), blocks.cidrs);
}

function isOfOthers(instance: IPInstance | undefined, attachment: Attachment | undefined, node: string): boolean {
  if (instance === undefined || instance.spec.node === node) return false;
  return instance.spec.attachment?.sandbox !== attachment?.sandbox;
}

/** Undefined for an address of no Subnet. Of the pod nothing may be known but its sandbox. */
function bindingOf(stock: AddressStock, address: string, attachment: Attachment | undefined): Binding | undefined {
  const { subnets, networks } = stock.level;
  const subnet = subnets.find((each) => familyOf(each.spec.cidr) === familyOf(address) && holds(each, address));
  const network = networks.find(({ metadata }) => metadata.name === subnet?.spec.network);
  if (subnet === undefined || network === undefined || attachment === undefined) return undefined;
  const spec = stock.index.at(address)?.spec;
  const pod = spec?.pod ?? { namespace: "unknown", name: attachment.sandbox, uid: attachment.sandbox };
  const { type } = network.spec;
  return {
    address,
    subnet: subnet.metadata.name,
    network: network.metadata.name,
    type,
    pod,
    owner: spec?.owner,
    attachment,
    retained: spec?.retained ?? false,
    claimed: type === "Underlay" || !stock.blocks.includes(address) || (spec?.retained ?? false),
  };
}
