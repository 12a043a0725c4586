import { ipBlockKind } from "../../../crds/ip-block.ts";
import { ipInstanceKind } from "../../../crds/ip-instance.ts";
import { nodeKind } from "../../../crds/node.ts";
import type { IPInstance } from "../../../mesh/ipam/resources.ts";
import type { IPBlock } from "../../../mesh/resources.ts";
import { hasCode } from "../../../platform/errors.ts";
import { deleteUnchanged } from "../../../platform/store/amend.ts";
import type { ResourceReader, ResourceStore } from "../../../platform/store/port.ts";
import { retainedSpec } from "../../ipam/binding.ts";
import { writeInstance } from "../../ipam/claims.ts";
import type { AddressLevel } from "./level.ts";

/** Pure: nodes that have addresses or blocks and no Node object, sorted. */
export function missingNodes({ instances, blocks, nodes }: AddressLevel): readonly string[] {
  const present = new Set(nodes.map(({ metadata }) => metadata.name));
  const named = [...instances, ...blocks].flatMap(({ spec }) => spec.node ?? []);
  return [...new Set(named)].filter((node) => !present.has(node)).toSorted();
}

/** Those of `nodes` that have no Node object, as the store itself says. */
export async function withoutNode(store: ResourceReader, nodes: readonly string[]): Promise<readonly string[]> {
  const present = await Promise.all(nodes.map((node) => store.get(nodeKind, node)));
  return nodes.filter((_, at) => present[at] === undefined);
}

/** What a node has. Addresses go before the blocks that they are of: who claims those may issue all that nobody has. */
interface Estate {
  /** Kept for pods to come, which will have them on other nodes. */
  readonly unbound: readonly IPInstance[];
  readonly freed: readonly IPInstance[];
  /** Those of pods and the node's own mesh addresses: a node that comes back claims what is free then. */
  readonly blocks: readonly IPBlock[];
}

function estateOf(node: string, { instances, blocks }: Pick<AddressLevel, "instances" | "blocks">): Estate {
  const own = instances.filter(({ spec }) => spec.node === node);
  return {
    unbound: own.filter(({ spec }) => spec.retained),
    freed: own.filter(({ spec }) => !spec.retained),
    blocks: blocks.filter(({ spec }) => spec.node === node),
  };
}

/**
 * Takes away what nodes had that are gone. A node that comes back meanwhile keeps what it has claimed since, for that is
 * not what is taken away here; what it had before it finds lost, and claims anew.
 * @param gone nodes that have had no Node object for long enough, see `goneAt`
 */
export async function clearGoneNodes(
  store: ResourceStore,
  gone: Iterable<string>,
  level: Pick<AddressLevel, "instances" | "blocks">,
): Promise<void> {
  for (const node of gone) {
    const { unbound, freed, blocks } = estateOf(node, level);
    const isBack = async (): Promise<boolean> => (await withoutNode(store, [node])).length === 0;
    if (await isBack()) continue;
    for (const instance of unbound) await unbind(store, instance);
    for (const instance of freed) await deleteUnchanged(store, ipInstanceKind, instance);
    if (await isBack()) continue;
    for (const block of blocks) await deleteUnchanged(store, ipBlockKind, block);
  }
}

/** Keeps an address for its pod, which runs nowhere. */
async function unbind(store: ResourceStore, instance: IPInstance): Promise<void> {
  try {
    await writeInstance(store, instance, retainedSpec(instance.spec));
  } catch (error) {
    // Bound again meanwhile, or freed: the next pass sees what it is.
    if (!hasCode(error, "conflict") && !hasCode(error, "not-found")) throw error;
  }
}
