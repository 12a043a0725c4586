import { readIPv4, readIPv6 } from "./address-text.ts";
import type { Cidr } from "./cidr.ts";
import { addressInCidr, familyOf, parseCidr } from "./cidr.ts";
import type { Refusal } from "./refusal.ts";

/** Where a gateway is dialled: an address or a DNS name, without port. */

const LABEL = /^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/i;

/**
 * A name that can be looked up (RFC 1123, section 2.1): labels joined by dots, the last of them no number, for that would
 * be an address that was mistyped.
 */
export function isHostName(text: string): boolean {
  if (text.length > 253) return false;
  const labels = text.replace(/\.$/, "").split(".");
  const last = labels.at(-1) ?? "";
  return labels.every((label) => LABEL.test(label)) && !/^\d+$/.test(last);
}

/** Why nobody can dial this (`bad-address`): neither an address nor a name, or an address that is not one machine's. */
export function endpointRefusal(text: string): Refusal | undefined {
  const family = familyOf(text);
  const value = family === 4 ? readIPv4(text) : readIPv6(text);
  if (value === undefined)
    return isHostName(text) ? undefined : refusal(text, "is neither an IP address nor a DNS name");
  const elsewhere = NOT_DIALLED.find(({ ranges }) => ranges.some((range) => addressInCidr(range, { family, value })));
  return elsewhere && refusal(text, elsewhere.why);
}

const NOT_DIALLED: readonly { readonly ranges: readonly Cidr[]; readonly why: string }[] = [
  {
    ranges: cidrs("0.0.0.0/8", "::/128"),
    why: "is no address that others can dial; name the one they reach this machine at",
  },
  {
    ranges: cidrs("127.0.0.0/8", "::1/128"),
    why: "is every machine's own; name the address that others reach this machine at",
  },
  {
    ranges: cidrs("169.254.0.0/16", "fe80::/10"),
    why: "is valid on one LAN only; name an address that other sites can dial",
  },
  {
    ranges: cidrs("224.0.0.0/4", "255.255.255.255/32", "ff00::/8"),
    why: "is not one machine's; name the address that others reach this machine at",
  },
  { ranges: cidrs("::ffff:0:0/96"), why: "is an IPv4 address in disguise; write it plainly" },
];

function cidrs(...texts: readonly string[]): Cidr[] {
  return texts.map(parseCidr);
}

function refusal(text: string, why: string): Refusal {
  return { code: "bad-address", message: `${text.length > 80 ? `${text.slice(0, 80)}…` : text} ${why}` };
}
