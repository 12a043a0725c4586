import type { Cidr } from "./cidr.ts";
import { formatCidr, overlaps, parseCidr } from "./cidr.ts";
import type { Refusal } from "./refusal.ts";

/** Ranges that mean something else to every kernel (RFC 6890), so that no cluster can own them. */
export const RESERVED: readonly { readonly range: Cidr; readonly meaning: string }[] = (
  [
    ["0.0.0.0/8", "this network"],
    ["127.0.0.0/8", "loopback"],
    ["169.254.0.0/16", "link-local"],
    ["224.0.0.0/4", "multicast"],
    ["240.0.0.0/4", "reserved"],
    ["::/96", "unspecified and loopback"],
    ["::ffff:0:0/96", "IPv4 mapped into IPv6"],
    ["fe80::/10", "link-local"],
    ["ff00::/8", "multicast"],
  ] as const
).map(([text, meaning]) => ({ range: parseCidr(text), meaning }));

/** Why no cluster can have this range for pods (`bad-cidr`), if it touches one with a meaning of its own. */
export function reservedRefusal(cidr: Cidr): Refusal | undefined {
  const hit = RESERVED.find(({ range }) => overlaps(range, cidr));
  return (
    hit && {
      code: "bad-cidr",
      message: `${formatCidr(cidr)} overlaps ${formatCidr(hit.range)} (${hit.meaning}), which can't be routed; use a range such as 10.0.0.0/8 or fd00::/8`,
    }
  );
}
