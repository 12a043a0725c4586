import { ipBlockKind } from "../../crds/ip-block.ts";
import { ipInstanceKind } from "../../crds/ip-instance.ts";
import { addressInCidr, addressPart, familyOf, hostCidr, parseAddress, parseCidr } from "../../mesh/cidr.ts";
import type { Attachment, IPInstance, IPInstanceSpec, PodReference } from "../../mesh/ipam/resources.ts";
import { objectNameOfAddress, objectNameOfCidr } from "../../mesh/names.ts";
import { hasCode } from "../../platform/errors.ts";
import type { Log } from "../../platform/log.ts";
import type { ResourceStore } from "../../platform/store/port.ts";
import { boundSpec, retainedSpec } from "./binding.ts";
import type { Binding } from "./binding.ts";
import { createBlock, createInstance, deleteInstance, dropInstance, placeBlockOfOne, writeInstance } from "./claims.ts";
import { isReservation, isSamePod } from "./instance-index.ts";
import type { AddressStock } from "./stock.ts";
import { holdMarked, takeUpBlock } from "./take-up.ts";

export interface ReconcilerParts {
  readonly stock: AddressStock;
  /** Takes routes and proxy entries of an address away that is somebody else's now. */
  readonly cutOff: (binding: Binding) => Promise<void>;
  /** Nobody gives or takes the pod's addresses meanwhile. */
  readonly inTurn: (pod: PodReference, act: () => Promise<void>) => Promise<void>;
  readonly log: Log;
}

/** Makes the store say what this node's book says of one address, and the book give up what the store gave to others. */
export async function reconcileAddress(parts: ReconcilerParts, address: string): Promise<void> {
  const { stock } = parts;
  if (stock.claiming.has(address)) return;
  const { book, node } = stock;
  const store = stock.requireStore();
  const present = await store.get(ipInstanceKind, objectNameOfAddress(address));
  // An ADD may be at it by now.
  if (stock.claiming.has(address)) return;
  const binding = book.bindings.get(address);
  if (binding === undefined) return reconcileFree(stock, store, address, present);
  if (present === undefined) await createInstance(store, boundSpec(binding, node));
  else if (isStillOurs(present.spec, binding, node)) await writeBinding(store, present, binding, node);
  else return parts.inTurn(binding.pod, () => lose(parts, binding, present));
  if (binding.type === "Overlay" && binding.claimed) await placeBlockOfOne(store, address, node);
}

/** Of an address that no pod here has. */
async function reconcileFree(
  stock: AddressStock,
  store: ResourceStore,
  address: string,
  present: IPInstance | undefined,
): Promise<void> {
  const { book, blocks, node } = stock;
  if (present === undefined) return letGo(stock, store, address);
  const isOthers = present.spec.retained || present.spec.node !== node;
  // What this node issues, and did not know that it is somebody's, was left by an answer that did not come, or restored.
  if (isOthers && !book.held.has(address) && blocks.claim(address)) await holdMarked(stock, address);
  if (present.spec.node === node) await giveUp(store, present, node);
  else if (isLeftOver(present, book.bindings.values())) await deleteInstance(store, present);
}

/**
 * Whether an address is kept for an interface of a pod that is here and has another in its place: it chose that when it
 * came back, e.g. by name. What it chose none in the place of, as while the Subnet of one family is disabled, stays, and
 * so does a person's reservation.
 */
function isLeftOver(instance: IPInstance, bindings: Iterable<Binding>): boolean {
  const { node, attachment, retained } = instance.spec;
  if (!retained || node !== undefined || attachment !== undefined || isReservation(instance.spec)) return false;
  return [...bindings].some((each) => isInPlaceOf(each, instance.spec) && isSamePod(instance, each.pod, each.owner));
}

function isInPlaceOf(binding: Binding, { address, network, interface: name }: IPInstanceSpec): boolean {
  const isOfInterface = name === undefined || name === binding.attachment.interface;
  const isSameChoice = binding.network === network && familyOf(binding.address) !== familyOf(address);
  return binding.address !== address && isOfInterface && !isSameChoice;
}

/** The store gave the address to another; unless the pod has been given it anew meanwhile, which is looked into again. */
async function lose({ stock, cutOff, log }: ReconcilerParts, binding: Binding, present: IPInstance): Promise<void> {
  const { book, blocks } = stock;
  const { address } = binding;
  if (book.bindings.get(address) !== binding) return;
  await cutOff(binding);
  const pod = `${binding.pod.namespace}/${binding.pod.name}`;
  const { namespace, name } = present.spec.pod;
  log.error(
    { event: "address-lost", address, pod, to: present.spec.node },
    `${address} of ${pod} was given to ${namespace}/${name} while this node was away; ${pod} has no route any more: delete it`,
  );
  await (blocks.includes(address) ? book.hold([address]) : book.free([address]));
}

/** What the store says may be older than the book: it is written behind it. */
function isStillOurs(spec: IPInstanceSpec, { pod, attachment }: Binding, node: string): boolean {
  const isPlace = spec.pod.namespace === pod.namespace && spec.pod.name === pod.name;
  return (
    spec.node === node || (isPlace && (spec.attachment === undefined || spec.attachment.sandbox === attachment.sandbox))
  );
}

async function writeBinding(store: ResourceStore, present: IPInstance, binding: Binding, node: string): Promise<void> {
  const spec = boundSpec(binding, node);
  if (present.spec.subnet === spec.subnet && present.spec.network === spec.network) {
    await writeInstance(store, present, spec);
    return;
  }
  await deleteInstance(store, present);
  await createInstance(store, spec);
}

/** This node's pods have it no more: it is kept for the one to come, or it is nobody's. */
async function giveUp(store: ResourceStore, present: IPInstance, node: string): Promise<void> {
  if (present.spec.retained) await writeInstance(store, present, retainedSpec(present.spec));
  else await dropInstance(store, present, node);
}

/** What this node held for the store, and the store keeps for nobody any more, is free. */
async function letGo(stock: AddressStock, store: ResourceStore, address: string): Promise<void> {
  const { book, blocks, claiming } = stock;
  if (!book.held.has(address)) return;
  const cidr = hostCidr(address);
  if ((await store.get(ipBlockKind, objectNameOfCidr(cidr))) !== undefined) return;
  if (!book.held.has(address) || claiming.has(address)) return;
  await book.free([address]);
  if (!claiming.has(address)) blocks.release(address);
}

/** Of an attachment's addresses, those that the store, as it was heard last, says are others'. */
export function claimsOfOthers({ book, index, node }: AddressStock, attachment: Attachment): IPInstance[] {
  return book.of(attachment).flatMap((binding) => {
    const present = index.at(binding.address);
    return present === undefined || isStillOurs(present.spec, binding, node) ? [] : [present];
  });
}

/** Addresses of which the store, as it was seen last, and the book do not say the same. */
export function addressesInDoubt({ book, blocks, index, node, level }: AddressStock): string[] {
  const doubtful = new Set<string>();
  const routed = new Set(level.blocks.flatMap(({ spec }) => (spec.node === node ? [addressPart(spec.cidr)] : [])));
  for (const binding of book.bindings.values()) {
    const { spec, status } = index.at(binding.address) ?? {};
    const isSaid =
      status?.phase === "Bound" &&
      spec?.node === node &&
      spec.pod.uid === binding.pod.uid &&
      spec.attachment?.sandbox === binding.attachment.sandbox;
    const isRouted = !binding.claimed || binding.type === "Underlay" || routed.has(binding.address);
    if (!isSaid || !isRouted) doubtful.add(binding.address);
  }
  const here = [...book.bindings.values()];
  const pods = new Set(here.map(({ pod }) => `${pod.namespace}/${pod.name}`));
  for (const instance of index.values()) {
    const { address, pod, node: where } = instance.spec;
    if (book.bindings.has(address)) continue;
    const isForeign = where !== node && !book.held.has(address) && blocks.includes(address);
    const mayBeLeft = where === undefined && pods.has(`${pod.namespace}/${pod.name}`) && isLeftOver(instance, here);
    if (where === node || isForeign || mayBeLeft) doubtful.add(address);
  }
  for (const address of book.held) if (index.at(address) === undefined) doubtful.add(address);
  return [...doubtful];
}

/** Claims again, or gives up, what the store was restored without before it was seen, and what an error left undone. */
export async function checkBlocks(parts: ReconcilerParts): Promise<void> {
  const { stock } = parts;
  if (stock.store === undefined) return;
  for (const cidr of stock.unseen) {
    const present = await stock.store.get(ipBlockKind, objectNameOfCidr(cidr));
    if (present?.spec.node === stock.node || !stock.unseen.includes(cidr)) continue;
    stock.disown(cidr);
    await reclaimBlock(parts, cidr);
  }
  for (const cidr of stock.stranded()) await reclaimBlock(parts, cidr);
}

/**
 * What a store that was restored to an older state forgot of this node's blocks it is told again; what it gave to
 * another node meanwhile is that node's, and so is every address in it.
 */
export async function reclaimBlock(parts: ReconcilerParts, cidr: string): Promise<void> {
  const { stock, cutOff, log } = parts;
  const block = parseCidr(cidr);
  const inside = [...stock.book.bindings.values()].filter(
    ({ address, claimed }) => !claimed && addressInCidr(block, parseAddress(address)),
  );
  const isHeld = [...stock.book.held].some((address) => addressInCidr(block, parseAddress(address)));
  if (inside.length === 0 && !isHeld) return;
  try {
    await createBlock(stock.requireStore(), cidr, stock.node);
    await takeUpBlock(stock, cidr);
    log.warn({ event: "block-reclaimed", cidr }, `the store had forgotten that this node owns ${cidr}`);
  } catch (error) {
    if (!hasCode(error, "already-exists")) throw error;
    const present = await stock.requireStore().get(ipBlockKind, objectNameOfCidr(cidr));
    if (present?.spec.node === stock.node) return takeUpBlock(stock, cidr);
    for (const binding of inside) {
      await parts.inTurn(binding.pod, async () => {
        if (stock.book.bindings.get(binding.address) !== binding) return;
        await cutOff(binding);
        await stock.book.free([binding.address]);
      });
    }
    log.error(
      {
        event: "block-lost",
        cidr,
        to: present?.spec.node,
        pods: inside.map(({ pod }) => `${pod.namespace}/${pod.name}`),
      },
      `${cidr} is owned by node ${present?.spec.node ?? "(nobody)"} now; ${inside.length} pods here have no route any more: delete them`,
    );
  }
}
