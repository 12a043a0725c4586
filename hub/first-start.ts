import { randomBytes } from "node:crypto";
import { cidrPoolKind } from "../crds/cidr-pool.ts";
import { ledgerKind } from "../crds/ledger.ts";
import { familyOf } from "../mesh/cidr.ts";
import { EMPTY_LEDGER } from "../mesh/ledger.ts";
import { accepted, hasCode } from "../platform/errors.ts";
import type { Draft, ResourceKind, ResourceStore, StoredObject } from "../platform/store/port.ts";
import { readCidr } from "../mesh/typed-cidr.ts";
import { formatCidr } from "../mesh/cidr.ts";

/** A mesh prefix holds health addresses for 16 ranks and about a thousand nodes (IPv4). */
const MESH_PREFIX_LENGTH = { 4: 22, 6: 64 } as const;
const LEDGER = "mesh";

/**
 * Gives a hub that has none its ledger and its Mesh pools: the ranges it was told, and a random ULA /48 (RFC 4193,
 * section 3.2) for IPv6. Cut short, it goes on at the next start; once the ledger is there it does nothing.
 */
export async function prepareFirstStart(store: ResourceStore, meshPools: readonly string[]): Promise<void> {
  if ((await store.get(ledgerKind, LEDGER)) !== undefined) return;
  const ranges = meshPools.map((typed) => formatCidr(accepted(readCidr(typed))));
  if (!ranges.some((range) => familyOf(range) === 6)) ranges.push(randomULA());
  for (const [index, cidr] of ranges.entries()) {
    const family = familyOf(cidr);
    const name = `mesh-v${family}${index > 1 ? `-${index}` : ""}`;
    const spec = { cidr, clusterPrefixLength: MESH_PREFIX_LENGTH[family], purpose: "Mesh" } as const;
    await createOnce(store, cidrPoolKind, { metadata: { name }, spec });
  }
  await createOnce(store, ledgerKind, { metadata: { name: LEDGER }, spec: EMPTY_LEDGER });
}

async function createOnce<T extends StoredObject>(store: ResourceStore, kind: ResourceKind<T>, draft: Draft<T>): Promise<void> {
  await store.create(kind, draft).catch((error: unknown) => {
    if (!hasCode(error, "already-exists")) throw error;
  });
}

function randomULA(): string {
  const [a, b, c] = ["fd", "", ""].map((start, index) => start + randomBytes(index === 0 ? 1 : 2).toString("hex"));
  return formatCidr(accepted(readCidr(`${a}:${b}:${c}::/48`)));
}
