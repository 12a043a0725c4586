import { ipBlockKind } from "../../crds/ip-block.ts";
import { ipInstanceKind } from "../../crds/ip-instance.ts";
import { nodeKind } from "../../crds/node.ts";
import { familyOf } from "../../mesh/cidr.ts";
import { lowestFreeNodeAddress } from "../../mesh/mesh-prefix.ts";
import { objectNameOfCidr } from "../../mesh/names.ts";
import { lowestFreeBlock } from "../../mesh/node-blocks.ts";
import type { IPBlockSpec, MembershipStatus, NodeStatus } from "../../mesh/resources.ts";
import { hasCode, MeshError } from "../../platform/errors.ts";
import { amendStatus, deleteIfThere } from "../../platform/store/amend.ts";
import type { ResourceStore } from "../../platform/store/port.ts";
import { labelled } from "./labels.ts";

/** Tells the other nodes where this one is, and selectors what it is. */
export async function registerNode(
  store: ResourceStore,
  name: string,
  { addresses, labels }: { readonly addresses: readonly string[]; readonly labels: Readonly<Record<string, string>> },
): Promise<void> {
  const present = await store.get(nodeKind, name);
  const metadata = labelled(present?.metadata ?? { labels: {}, annotations: {} }, labels);
  if (present === undefined) await store.create(nodeKind, { metadata: { name, ...metadata }, spec: { addresses } });
  else
    await store.update(nodeKind, { ...present, metadata: { ...present.metadata, ...metadata }, spec: { addresses } });
}

/** Says in the store what this node's kernel holds. */
export async function reportNode(
  store: ResourceStore,
  name: string,
  held: Omit<NodeStatus, "lastSeen">,
): Promise<void> {
  await amendStatus(store, nodeKind, name, ({ status }) => ({ ...status, ...held }));
}

/**
 * Gives back what this node claimed, its Node last.
 * @returns false when there was none any more
 */
export async function releaseNode(store: ResourceStore, node: string): Promise<boolean> {
  for (const instance of (await store.list(ipInstanceKind)).filter(({ spec }) => spec.node === node)) {
    await deleteIfThere(store, ipInstanceKind, instance.metadata.name);
  }
  for (const block of (await store.list(ipBlockKind)).filter(({ spec }) => spec.node === node)) {
    await deleteIfThere(store, ipBlockKind, block.metadata.name);
  }
  return deleteIfThere(store, nodeKind, node);
}

/**
 * Makes sure that this node owns a mesh address of every mesh prefix and a block of every pod family. Creating the
 * IPBlock is the claim: of two nodes that want one range, one is told that it exists and takes the next.
 * @throws MeshError `blocks-exhausted` (retry)
 */
export async function claimBlocks(store: ResourceStore, node: string, member: MembershipStatus): Promise<void> {
  for (const prefix of member.meshPrefixes) {
    await claimUnless(store, node, "Mesh", prefix, (taken) => lowestFreeNodeAddress(prefix, taken));
  }
  for (const podCIDR of firstOfEachFamily(member.podCIDRs)) {
    await claimUnless(store, node, "Pods", podCIDR, (taken) => lowestFreeBlock(podCIDR, taken));
  }
}

type Purpose = IPBlockSpec["purpose"];

async function claimUnless(
  store: ResourceStore,
  node: string,
  purpose: Purpose,
  range: string,
  lowestFree: (taken: readonly string[]) => string | undefined,
): Promise<void> {
  for (;;) {
    const blocks = (await store.list(ipBlockKind)).map((block) => block.spec);
    const alike = blocks.filter((block) => block.purpose === purpose && familyOf(block.cidr) === familyOf(range));
    if (alike.some((block) => block.node === node)) return;
    const cidr = lowestFree(alike.map((block) => block.cidr));
    if (cidr === undefined) {
      throw new MeshError(
        "blocks-exhausted",
        `node "${node}" finds no free block in ${range}: all are owned by other nodes`,
        { retry: true },
      );
    }
    try {
      await store.create(ipBlockKind, { metadata: { name: objectNameOfCidr(cidr) }, spec: { cidr, node, purpose } });
      return;
    } catch (error) {
      if (!hasCode(error, "already-exists")) throw error;
    }
  }
}

function firstOfEachFamily(cidrs: readonly string[]): string[] {
  return ([4, 6] as const).flatMap((family) => cidrs.find((cidr) => familyOf(cidr) === family) ?? []);
}
