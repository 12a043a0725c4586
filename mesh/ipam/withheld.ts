import { parseAddress, parseCidr } from "../cidr.ts";
import type { Refusal } from "../refusal.ts";
import type { IPBlock } from "../resources.ts";
import type { Subnet } from "./resources.ts";
import { addressInSpan, formatSpan, parseSpan, spanOfCidr, spanOfSubnet, spansOverlap } from "./span.ts";

/**
 * A node issues from its blocks by the Subnet as it saw it last: one that is cut off, or late, goes on issuing what was
 * reserved meanwhile. So the owner of a block says in its status what of it it withholds from whoever does not name it,
 * and nobody has a reserved address by name before. That a Subnet was changed in other ways since makes no difference.
 */

/** What Subnets reserve, each within its range: addresses and ranges, each once. */
export function reservedBy(subnets: readonly Pick<Subnet, "spec">[]): readonly string[] {
  const texts = subnets.flatMap(({ spec }) => {
    const own = spanOfSubnet(spec);
    return spec.reservedIPs.map(parseSpan).flatMap((span) => {
      if (!spansOverlap(own, span)) return [];
      const first = span.first > own.first ? span.first : own.first;
      return formatSpan({ ...span, first, last: span.last < own.last ? span.last : own.last });
    });
  });
  return [...new Set(texts)];
}

/** The Subnet as it is where these are reserved, too. */
export function withReserved(subnet: Subnet, more: readonly string[]): Subnet {
  const reservedIPs = [...new Set([...subnet.spec.reservedIPs, ...more])];
  return { ...subnet, spec: { ...subnet.spec, reservedIPs } };
}

/** Of addresses and ranges those that reach into a block. */
export function reachingInto(cidr: string, texts: readonly string[]): string[] {
  const block = spanOfCidr(parseCidr(cidr));
  return texts.filter((text) => spansOverlap(block, parseSpan(text)));
}

/**
 * Why a reserved address can't be had by name yet.
 * @param block that it lies in, as the store says now; absent: it is nobody's, and who claims it looks who has what of it
 * @param node that asks for it: what it owns itself it issues by the Subnet that it asks by
 */
export function withheldRefusal(address: string, block: IPBlock | undefined, node?: string): Refusal | undefined {
  if (block === undefined || block.spec.node === node) return undefined;
  const { spec, status } = block;
  if (status.withheld?.some((text) => addressInSpan(parseSpan(text), parseAddress(address))) === true) return undefined;
  return {
    code: "not-withheld",
    message: `node "${spec.node}", which issues from ${spec.cidr}, has not said yet that it knows of the reservation of ${address}, and may have given it to any pod; it says so in that block's status as soon as it has heard, so ask again. If the node is gone for good, delete its Node`,
  };
}
