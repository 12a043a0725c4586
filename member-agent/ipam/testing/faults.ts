import { ipBlockKind } from "../../../crds/ip-block.ts";
import { ipInstanceKind } from "../../../crds/ip-instance.ts";
import { subnetKind } from "../../../crds/subnet.ts";
import { addressInCidr, bitsOf, familyOf, parseAddress, parseCidr } from "../../../mesh/cidr.ts";
import type { IPInstance } from "../../../mesh/ipam/resources.ts";
import { reachingInto, reservedBy } from "../../../mesh/ipam/withheld.ts";
import type { IPBlock } from "../../../mesh/resources.ts";
import type { ModelCluster, ModelNode } from "./model-cluster.ts";
import type { ModelSlot } from "./model-pods.ts";

/** Where store, books, kernels and the model differ, once all is quiet; empty: nowhere. */
export async function differences(
  cluster: ModelCluster,
  slots: readonly ModelSlot[],
  isSure: boolean,
): Promise<string[]> {
  const instances = await cluster.store.list(ipInstanceKind);
  const blocks = await cluster.store.list(ipBlockKind);
  const reserved = reservedBy((await cluster.store.list(subnetKind)).filter(({ spec }) => spec.network === "overlay"));
  return [
    ...(isSure ? podFaults(cluster, slots) : []),
    ...doubles(cluster),
    ...instanceFaults(cluster, slots, instances, isSure),
    ...cluster.nodes.flatMap((node) => bookFaults(node, blocks)),
    ...blockOfOneFaults(instances, blocks),
    ...withheldFaults(blocks, reserved),
  ];
}

/** Every pod that was told that it has addresses has a wire with them. */
function podFaults({ nodes }: ModelCluster, slots: readonly ModelSlot[]): string[] {
  return slots.flatMap(({ pod, name }) => {
    if (pod?.addresses === undefined || pod.isEnding) return [];
    const routed = nodes.find((node) => node.name === pod.node)?.kernel.routed(pod.attachment) ?? [];
    const isWhole = pod.addresses.length > 0 && pod.addresses.every((address) => routed.includes(address));
    return isWhole ? [] : [`${name} was told ${pod.addresses.join(" ")}, and ${routed.join(" ")} is routed to it`];
  });
}

/** Addresses that two pods have, wherever they are; a pod's former sandbox may still have a wire. */
export function doubles({ nodes }: ModelCluster): string[] {
  const owners = new Map<string, string>();
  return nodes.flatMap(({ name, kernel }) =>
    kernel.wires.flatMap(({ addresses, attachment }) =>
      addresses.flatMap((address) => {
        const own = `${attachment.sandbox.split(".")[0]} on ${name}`;
        const other = owners.get(address) ?? own;
        owners.set(address, own);
        return other === own ? [] : [`${address} is of ${other} and of ${own}`];
      }),
    ),
  );
}

/** The store names each address that a wire has or a set keeps, as it is, and no other. */
function instanceFaults(
  { nodes }: ModelCluster,
  slots: readonly ModelSlot[],
  instances: readonly IPInstance[],
  isSure: boolean,
): string[] {
  const wired = new Map(
    nodes.flatMap(({ name, kernel }) =>
      kernel.wires.flatMap(({ addresses, attachment }) =>
        addresses.map((address) => [address, `${name} ${attachment.sandbox}`] as const),
      ),
    ),
  );
  const stored = new Map(instances.map((instance) => [instance.spec.address, instance] as const));
  const missing = [...wired].flatMap(([address, whose]) => {
    const { spec } = stored.get(address) ?? {};
    const said = spec && `${spec.node} ${spec.attachment?.sandbox}`;
    return said === whose ? [] : [`${address} is of ${whose}, and the store says ${said}`];
  });
  const idle = instances.filter(({ spec }) => !wired.has(spec.address));
  const stray = idle.flatMap(({ spec, status }) => {
    const slot = slots.find(({ name }) => name === spec.pod.name);
    const isIdle =
      spec.retained && spec.node === undefined && spec.attachment === undefined && status.phase === "Retained";
    if (
      slot?.retains === true &&
      isIdle &&
      (spec.owner?.uid !== slot.owner?.uid || mayKeep(slot, spec.address, isSure))
    )
      return [];
    return [
      `${spec.address} is of nobody, and the store says ${spec.pod.name} ${spec.node} ${spec.attachment?.sandbox}`,
    ];
  });
  const lost = isSure
    ? slots.flatMap(({ kept = [], name }) =>
        kept.filter((address) => !stored.has(address)).map((address) => `${address} is kept for ${name} no more`),
      )
    : [];
  return [...missing, ...stray, ...lost];
}

/** An address that a set's pod was never told of, for its ADD failed, may be kept, too: one of each family. */
function mayKeep({ kept, pod }: ModelSlot, address: string, isSure: boolean): boolean {
  if (!isSure) return true;
  const present = kept ?? pod?.addresses;
  return present === undefined || present.includes(address);
}

/** The book of a node says what its kernel says, and issues from blocks that are its own. */
function bookFaults({ name, kernel, agent }: ModelNode, blocks: readonly IPBlock[]): string[] {
  const { ipam } = agent;
  if (ipam?.serving !== true) return [`${name} does not serve`];
  const wired = kernel.wires.flatMap(({ addresses, attachment }) =>
    addresses.map((address) => `${address} ${attachment.sandbox}`),
  );
  const booked = [...ipam.bindings.values()].map(({ address, attachment }) => `${address} ${attachment.sandbox}`);
  const own = blocks.filter(({ spec }) => spec.node === name && !isOfOne(spec.cidr)).map(({ spec }) => spec.cidr);
  const foreign = ipam.blocks.filter((cidr) => !own.includes(cidr));
  const outside = [...ipam.bindings.values()].filter(
    ({ claimed, address }) => !claimed && !own.some((cidr) => addressInCidr(parseCidr(cidr), parseAddress(address))),
  );
  return [
    ...wired.filter((each) => !booked.includes(each)).map((each) => `${name} has not written down ${each}`),
    ...booked
      .filter((each) => !wired.includes(each))
      .map((each) => `${name} has written down ${each}, which has no wire`),
    ...foreign.map((cidr) => `${name} issues from ${cidr}, which the store does not call its own`),
    ...outside.map(({ address }) => `${name} has issued ${address}, which is in none of its blocks`),
  ];
}

/** Retained addresses of the overlay and those by name are routed by a block of one to where they are. */
function blockOfOneFaults(instances: readonly IPInstance[], blocks: readonly IPBlock[]): string[] {
  const ones = new Map(blocks.filter(({ spec }) => isOfOne(spec.cidr)).map(({ spec }) => [spec.cidr, spec.node]));
  const cidrOf = (address: string): string => `${address}/${bitsOf(familyOf(address))}`;
  const wanting = instances
    .filter(({ spec }) => spec.network === "overlay" && (spec.retained || ["fixed", "named"].includes(spec.pod.name)))
    .filter(({ spec }) => spec.node !== undefined && ones.get(cidrOf(spec.address)) !== spec.node)
    .map(({ spec }) => `${spec.address} is on ${spec.node}, and its block of one on ${ones.get(cidrOf(spec.address))}`);
  const known = new Set(instances.map(({ spec }) => cidrOf(spec.address)));
  return [...wanting, ...[...ones.keys()].filter((cidr) => !known.has(cidr)).map((cidr) => `${cidr} is nobody's`)];
}

/** Owners have said of all that is reserved that they withhold it, and of nothing else. */
function withheldFaults(blocks: readonly IPBlock[], reserved: readonly string[]): string[] {
  return blocks.flatMap(({ spec, status }) => {
    const [said, wanted] = [status.withheld ?? [], reachingInto(spec.cidr, reserved)].map((all) =>
      all.toSorted().join(),
    );
    return isOfOne(spec.cidr) || said === wanted
      ? []
      : [`${spec.node} withholds ${said} of ${spec.cidr}, not ${wanted}`];
  });
}

function isOfOne(cidr: string): boolean {
  return parseCidr(cidr).length === bitsOf(parseCidr(cidr).family);
}
