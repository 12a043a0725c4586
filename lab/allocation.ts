import { familyOf, formatAddress, nthAddress, parseAddress, parseCidr, sizeOf } from "../mesh/cidr.ts";
import { MeshError } from "../platform/errors.ts";

/** The first two addresses of a block stay unused: the net's own name, and one for the node. */
const FIRST_POD = 2n;

/**
 * A pod's addresses: of each family that `blocks` (CIDRs) have, the first that is not in `taken`. Pure.
 * @throws MeshError `block-full`
 */
export function allocate(blocks: readonly string[], taken: readonly string[]): string[] {
  return ([4, 6] as const).flatMap((family) => {
    const own = blocks.filter((block) => familyOf(block) === family);
    const addresses = own.flatMap((block) => firstFree(block, taken) ?? []);
    if (own.length > 0 && addresses.length === 0) {
      throw new MeshError(
        "block-full",
        `no address is left in ${own.join(", ")}; remove a pod or choose another node`,
        { retry: false },
      );
    }
    return addresses.slice(0, 1);
  });
}

function firstFree(block: string, taken: readonly string[]): string | undefined {
  const range = parseCidr(block);
  const used = new Set(taken.map((address) => parseAddress(address).value - range.first));
  for (let at = FIRST_POD; at < sizeOf(range); at += 1n) {
    if (!used.has(at)) return formatAddress(nthAddress(range, at));
  }
  return undefined;
}
