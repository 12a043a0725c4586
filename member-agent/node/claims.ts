import { ipBlockKind } from "../../crds/ip-block.ts";
import { ipInstanceKind } from "../../crds/ip-instance.ts";
import { nodeKind } from "../../crds/node.ts";
import { familyOf } from "../../mesh/cidr.ts";
import { lowestFreeNodeAddress } from "../../mesh/mesh-prefix.ts";
import { objectNameOfCidr } from "../../mesh/names.ts";
import type { NodeStatus } from "../../mesh/resources.ts";
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
 * Makes sure that this node owns an address of every mesh prefix. Creating the IPBlock is the claim: of two nodes that
 * want one address, one is told that it exists and takes the next.
 * @throws MeshError `mesh-prefix-full` (retry)
 */
export async function claimMeshAddresses(
  store: ResourceStore,
  node: string,
  meshPrefixes: readonly string[],
): Promise<void> {
  for (const prefix of meshPrefixes) await claimMeshAddress(store, node, prefix);
}

async function claimMeshAddress(store: ResourceStore, node: string, prefix: string): Promise<void> {
  for (;;) {
    const blocks = (await store.list(ipBlockKind)).map(({ spec }) => spec);
    const alike = blocks.filter(({ purpose, cidr }) => purpose === "Mesh" && familyOf(cidr) === familyOf(prefix));
    if (alike.some((block) => block.node === node)) return;
    const cidr = lowestFreeNodeAddress(
      prefix,
      alike.map((block) => block.cidr),
    );
    if (cidr === undefined) {
      const message = `node "${node}" finds no free address in mesh prefix ${prefix}: all are other nodes'`;
      throw new MeshError("mesh-prefix-full", message, { retry: true });
    }
    try {
      await store.create(ipBlockKind, {
        metadata: { name: objectNameOfCidr(cidr) },
        spec: { cidr, node, purpose: "Mesh" },
      });
      return;
    } catch (error) {
      if (!hasCode(error, "already-exists")) throw error;
    }
  }
}
