import { ipBlockKind } from "../../crds/ip-block.ts";
import { nodeKind } from "../../crds/node.ts";
import { familyOf, parseCidr } from "../../mesh/cidr.ts";
import { lowestFreeNodeAddress } from "../../mesh/mesh-prefix.ts";
import { objectNameOfCidr } from "../../mesh/names.ts";
import { lowestFreeBlock } from "../../mesh/node-blocks.ts";
import type { IPBlockSpec, MembershipStatus } from "../../mesh/resources.ts";
import { hasCode, MeshError } from "../../platform/errors.ts";
import type { ResourceStore } from "../../platform/store/port.ts";

/** Tells the other nodes where this one is. */
export async function registerNode(store: ResourceStore, name: string, addresses: readonly string[]): Promise<void> {
  const present = await store.get(nodeKind, name);
  if (present === undefined) await store.create(nodeKind, { metadata: { name }, spec: { addresses } });
  else await store.update(nodeKind, { ...present, spec: { addresses } });
}

/**
 * Makes sure that this node owns a mesh address of every mesh prefix and a block of every pod family. Creating the
 * IPBlock is the claim: of two nodes that want one range, one is told that it exists and takes the next.
 * @returns the blocks it had to claim
 */
export async function claimBlocks(store: ResourceStore, node: string, member: MembershipStatus): Promise<IPBlockSpec[]> {
  const claimed: IPBlockSpec[] = [];
  for (const prefix of member.meshPrefixes) {
    const made = await claimUnless(store, node, "Mesh", prefix, (taken) => lowestFreeNodeAddress(prefix, taken));
    if (made) claimed.push(made);
  }
  for (const podCIDR of firstOfEachFamily(member.podCIDRs)) {
    const made = await claimUnless(store, node, "Pods", podCIDR, (taken) => lowestFreeBlock(podCIDR, taken));
    if (made) claimed.push(made);
  }
  return claimed;
}

type Purpose = IPBlockSpec["purpose"];

async function claimUnless(
  store: ResourceStore,
  node: string,
  purpose: Purpose,
  range: string,
  lowestFree: (taken: readonly string[]) => string | undefined,
): Promise<IPBlockSpec | undefined> {
  for (;;) {
    const blocks = (await store.list(ipBlockKind)).map((block) => block.spec);
    const alike = blocks.filter((block) => block.purpose === purpose && familyOf(block.cidr) === familyOf(range));
    if (alike.some((block) => block.node === node)) return undefined;
    const cidr = lowestFree(alike.map((block) => block.cidr));
    if (cidr === undefined) {
      throw new MeshError("blocks-exhausted", `node "${node}" finds no free block in ${range}: all are owned by other nodes`, { retry: true });
    }
    const spec: IPBlockSpec = { cidr, node, purpose };
    try {
      await store.create(ipBlockKind, { metadata: { name: objectNameOfCidr(parseCidr(cidr)) }, spec });
      return spec;
    } catch (error) {
      if (!hasCode(error, "already-exists")) throw error;
    }
  }
}

function firstOfEachFamily(cidrs: readonly string[]): string[] {
  return ([4, 6] as const).flatMap((family) => cidrs.find((cidr) => familyOf(cidr) === family) ?? []);
}
