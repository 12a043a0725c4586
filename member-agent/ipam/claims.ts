import { ipBlockKind } from "../../crds/ip-block.ts";
import { ipInstanceKind } from "../../crds/ip-instance.ts";
import { hostCidr, parseCidr } from "../../mesh/cidr.ts";
import { isBlockOfOne, lowestFreeBlockOf } from "../../mesh/ipam/blocks.ts";
import type { IPInstance, IPInstanceSpec, Subnet } from "../../mesh/ipam/resources.ts";
import { objectNameOfAddress, objectNameOfCidr } from "../../mesh/names.ts";
import type { IPBlock, IPBlockStatus } from "../../mesh/resources.ts";
import { hasCode } from "../../platform/errors.ts";
import { deleteIfThere, deleteUnchanged, retryOnConflict } from "../../platform/store/amend.ts";
import type { ResourceStore } from "../../platform/store/port.ts";

/** What a node writes to the store about addresses. Creating an object is the claim; every change is a compare-and-swap. */

/** Claims an address. @returns undefined when somebody has it */
export async function createInstance(store: ResourceStore, spec: IPInstanceSpec): Promise<IPInstance | undefined> {
  const name = objectNameOfAddress(spec.address);
  try {
    return await store.create(ipInstanceKind, { metadata: { name }, spec, status: { phase: phaseOf(spec) } });
  } catch (error) {
    if (hasCode(error, "already-exists")) return undefined;
    throw error;
  }
}

/**
 * Writes an instance as it is to be, its phase too. That comes first, unless it is a node that is named now: cut short in
 * between, it names a node all the same, and who looks after that comes here again.
 * @throws MeshError `conflict` (retry), `not-found`
 */
export async function writeInstance(store: ResourceStore, present: IPInstance, spec: IPInstanceSpec): Promise<void> {
  const phase = phaseOf(spec);
  const withPhase = async (of: IPInstance): Promise<IPInstance> =>
    of.status.phase === phase ? of : store.updateStatus(ipInstanceKind, { ...of, status: { phase } });
  if (phase === "Bound") await withPhase(await store.update(ipInstanceKind, { ...present, spec }));
  else await store.update(ipInstanceKind, { ...(await withPhase(present)), spec });
}

/** Deletes what `present` is, if it is still that. @throws MeshError `conflict` (retry) */
export async function deleteInstance(store: ResourceStore, { metadata }: IPInstance): Promise<void> {
  await deleteIfThere(store, ipInstanceKind, metadata.name, metadata);
}

/**
 * Frees an address, and then its block of one: what was bound meanwhile keeps both, and whoever claims the address next
 * finds a block of its own to make. A block that is left by who is cut short in between is swept away by the leading
 * gateway.
 * @param node whose block may go; absent: anybody's
 */
export async function dropInstance(store: ResourceStore, instance: IPInstance, node?: string): Promise<void> {
  const { metadata, spec } = instance;
  if (!(await deleteUnchanged(store, ipInstanceKind, instance))) return;
  const block = await store.get(ipBlockKind, objectNameOfCidr(hostCidr(spec.address)));
  if (block === undefined || (node ?? block.spec.node) !== block.spec.node) return;
  if ((await store.get(ipInstanceKind, metadata.name)) === undefined) await deleteUnchanged(store, ipBlockKind, block);
}

/** Has an address routed to this node: a block of one, whoever had it before. */
export async function placeBlockOfOne(store: ResourceStore, address: string, node: string): Promise<void> {
  const cidr = hostCidr(address);
  const name = objectNameOfCidr(cidr);
  await retryOnConflict(async () => {
    const present = await store.get(ipBlockKind, name);
    if (present?.spec.node === node) return;
    if (present !== undefined) await deleteIfThere(store, ipBlockKind, name, present.metadata);
    await store.create(ipBlockKind, { metadata: { name }, spec: { cidr, node, purpose: "Pods" } });
  });
}

/** Gives a block up that is this node's; one that is another's, or that somebody changes meanwhile, stays. */
export async function removeBlock(store: ResourceStore, cidr: string, node: string): Promise<void> {
  const present = await store.get(ipBlockKind, objectNameOfCidr(cidr));
  if (present?.spec.node === node) await deleteUnchanged(store, ipBlockKind, present);
}

/**
 * Claims the lowest free block of an overlay Subnet for this node. Of two nodes that want one, one is told that it exists
 * and takes the next.
 * @param withheldOf what the node says at once that it withholds of it
 * @returns its CIDR; undefined when all are owned
 */
export async function claimBlock(
  store: ResourceStore,
  subnet: Subnet,
  node: string,
  withheldOf: (cidr: string) => readonly string[],
): Promise<string | undefined> {
  return retryOnConflict(async () => {
    const cidr = freeBlockOf(subnet, await store.list(ipBlockKind));
    if (cidr === undefined) return undefined;
    await createBlock(store, cidr, node, { withheld: withheldOf(cidr) });
    return cidr;
  });
}

/** The lowest block of a Subnet that nobody owns, by these of all nodes; undefined when all are owned. */
export function freeBlockOf(subnet: Subnet, all: readonly IPBlock[]): string | undefined {
  const blocks = all.filter(({ spec }) => spec.purpose === "Pods").map(({ spec }) => parseCidr(spec.cidr));
  return lowestFreeBlockOf(
    subnet.spec,
    blocks.filter((cidr) => !isBlockOfOne(cidr)),
  );
}

/** @throws MeshError `already-exists` */
export async function createBlock(
  store: ResourceStore,
  cidr: string,
  node: string,
  status: IPBlockStatus = {},
): Promise<void> {
  await store.create(ipBlockKind, {
    metadata: { name: objectNameOfCidr(cidr) },
    spec: { cidr, node, purpose: "Pods" },
    status,
  });
}

function phaseOf({ attachment }: IPInstanceSpec): "Bound" | "Retained" {
  return attachment === undefined ? "Retained" : "Bound";
}
