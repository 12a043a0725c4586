import { randomBytes } from "node:crypto";
import { cidrPoolKind } from "../crds/cidr-pool.ts";
import { ledgerKind } from "../crds/ledger.ts";
import { familyOf, formatCidr } from "../mesh/cidr.ts";
import { EMPTY_LEDGER } from "../mesh/ledger.ts";
import { SINGLETON_NAME } from "../mesh/names.ts";
import { readCidr } from "../mesh/typed-cidr.ts";
import { accepted, hasCode } from "../platform/errors.ts";
import type { Draft, ResourceKind, ResourceStore, StoredObject } from "../platform/store/port.ts";
import type { HubMemory } from "./memory.ts";

/** A mesh prefix holds health addresses for 16 ranks and about a thousand nodes (IPv4). */
const MESH_PREFIX_LENGTH = { 4: 22, 6: 64 } as const;

/**
 * Gives a hub that never had one its ledger and its Mesh pools: the ranges it was told, and a random ULA /48 (RFC 4193,
 * section 3.2) for IPv6. Cut short, it goes on at the next start. Once a ledger is there, or was, it does nothing.
 */
export async function prepareFirstStart(
  store: ResourceStore,
  memory: Pick<HubMemory, "ledger">,
  meshPools: readonly string[],
): Promise<void> {
  if (memory.ledger !== undefined || (await store.get(ledgerKind, SINGLETON_NAME)) !== undefined) return;
  const ranges = meshPools.map((typed) => formatCidr(accepted(readCidr(typed))));
  if (!ranges.some((range) => familyOf(range) === 6)) ranges.push(randomULA());
  for (const { name, cidr } of namedRanges(ranges)) {
    const spec = { cidr, clusterPrefixLength: MESH_PREFIX_LENGTH[familyOf(cidr)], purpose: "Mesh" } as const;
    await createOnce(store, cidrPoolKind, { metadata: { name }, spec });
  }
  await createOnce(store, ledgerKind, { metadata: { name: SINGLETON_NAME }, spec: EMPTY_LEDGER });
}

/** `mesh-v4`, `mesh-v4-2`, …: the same at each try, so that what is there is not made twice. */
function namedRanges(ranges: readonly string[]): { readonly name: string; readonly cidr: string }[] {
  const named = new Map<string, string>();
  for (const cidr of ranges) {
    const base = `mesh-v${familyOf(cidr)}`;
    const before = [...named.keys()].filter((name) => name.startsWith(base)).length;
    named.set(before === 0 ? base : `${base}-${before + 1}`, cidr);
  }
  return [...named].map(([name, cidr]) => ({ name, cidr }));
}

async function createOnce<T extends StoredObject>(
  store: ResourceStore,
  kind: ResourceKind<T>,
  draft: Draft<T>,
): Promise<void> {
  await store.create(kind, draft).catch((error: unknown) => {
    if (!hasCode(error, "already-exists")) throw error;
  });
}

function randomULA(): string {
  const [a, b, c] = ["fd", "", ""].map((start, index) => start + randomBytes(index === 0 ? 1 : 2).toString("hex"));
  return formatCidr(accepted(readCidr(`${a}:${b}:${c}::/48`)));
}
