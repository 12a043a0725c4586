import { bitsOf, cidrOf, formatCidr, sizeOf } from "../cidr.ts";
import type { Cidr } from "../cidr.ts";
import type { SubnetSpec } from "./resources.ts";
import { parseSpan, spanOfSubnet, spansOverlap } from "./span.ts";
import type { Span } from "./span.ts";

/**
 * The addresses that pods of a Subnet may have, as few CIDRs as can be: its range without its gateway and what it
 * excludes, for those are other machines'.
 * @param subnet valid; see subnetRefusals
 */
export function podRanges(subnet: Pick<SubnetSpec, "cidr" | "range" | "gateway" | "excludeIPs">): string[] {
  const { gateway, excludeIPs } = subnet;
  const others = [...excludeIPs, ...(gateway === undefined ? [] : [gateway])].map(parseSpan);
  const left = others.reduce((spans, hole) => spans.flatMap((span) => without(span, hole)), [spanOfSubnet(subnet)]);
  return left.flatMap(cidrsOf).map(formatCidr);
}

function without(span: Span, hole: Span): Span[] {
  if (!spansOverlap(span, hole)) return [span];
  return [
    ...(span.first < hole.first ? [{ ...span, last: hole.first - 1n }] : []),
    ...(hole.last < span.last ? [{ ...span, first: hole.last + 1n }] : []),
  ];
}

/** The widest CIDR that begins where the rest does, again and again. */
function cidrsOf({ family, first, last }: Span): Cidr[] {
  const cidrs: Cidr[] = [];
  for (let at = first; at <= last;) {
    const cidr = widest({ family, first: at, last });
    cidrs.push(cidr);
    at += sizeOf(cidr);
  }
  return cidrs;
}

function widest({ family, first, last }: Span): Cidr {
  let cidr = cidrOf({ family, value: first }, bitsOf(family));
  while (cidr.length > 0) {
    const wider = cidrOf({ family, value: first }, cidr.length - 1);
    if (wider.first !== first || first + sizeOf(wider) - 1n > last) break;
    cidr = wider;
  }
  return cidr;
}
