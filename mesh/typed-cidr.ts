import IPCIDR from "ip-cidr";
import type { Cidr } from "./cidr.ts";
import { cidrOf, formatAddress, formatCidr, overlaps, parseAddress, parseCidr } from "./cidr.ts";
import type { Checked } from "./refusal.ts";
import { refuse } from "./refusal.ts";

/** What people type: read in any sane spelling, refused with the right one. */

const MAPPED = parseCidr("::ffff:0:0/96");

/**
 * A CIDR as a person typed it. Refuses what is none (`bad-cidr`) and set host bits (`host-bits-set`, naming the
 * network).
 */
export function readCidr(typed: string): Checked<Cidr> {
  const text = typed.trim();
  const oddity = oddityIn(text);
  if (oddity !== undefined) {
    return refuse("bad-cidr", `${quote(text)} is not a CIDR: ${oddity}`);
  }
  if (!text.includes("/") && IPCIDR.isValidAddress(text)) {
    return refuse(
      "bad-cidr",
      `${text} has no prefix length; write ${text}/${text.includes(":") ? 128 : 32} for the one address`,
    );
  }
  if (!IPCIDR.isValidCIDR(text) || !/\/(0|[1-9]\d*)$/.test(text)) {
    return refuse("bad-cidr", `${quote(text)} is not a CIDR; write it as 10.1.0.0/16 or fd00:1::/48`);
  }
  const { address } = new IPCIDR(text);
  const typedAddress = parseAddress(address.correctForm());
  const cidr = cidrOf(typedAddress, address.subnetMask);
  if (overlaps(cidr, MAPPED) && cidr.length >= MAPPED.length) {
    return refuse("bad-cidr", `${quote(text)} is IPv4 mapped into IPv6; write the IPv4 range itself`);
  }
  if (cidr.first !== typedAddress.value) {
    return refuse(
      "host-bits-set",
      `${formatAddress(typedAddress)}/${cidr.length} has host bits set; did you mean ${formatCidr(cidr)}?`,
    );
  }
  return { value: cidr };
}

/** An address as a person typed it, in canonical text. Refuses what is none (`bad-address`). */
export function readAddress(typed: string): Checked<string> {
  const text = typed.trim();
  const oddity = text.includes("/") ? "leave the prefix length away" : oddityIn(text);
  if (oddity !== undefined || !IPCIDR.isValidAddress(text)) {
    return refuse(
      "bad-address",
      `${quote(text)} is not an IP address: ${oddity ?? "write it as 10.1.2.3 or fd00:1::2"}`,
    );
  }
  return { value: formatAddress(parseAddress(IPCIDR.createAddress(text).correctForm())) };
}

/** Forms that ip-cidr would take, some of them for another address than the one meant. */
function oddityIn(text: string): string | undefined {
  if (text.includes("%")) {
    return "a zone (%…) means nothing outside one machine";
  }
  if (text.includes(":") && text.includes(".")) {
    return "write an IPv4 address plainly, and an IPv6 one in hexadecimal";
  }
  return undefined;
}

function quote(text: string): string {
  return JSON.stringify(text.length > 64 ? `${text.slice(0, 64)}…` : text);
}
