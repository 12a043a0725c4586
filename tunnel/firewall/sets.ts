import type { Cidr } from "../../mesh/cidr.ts";
import { cidrOf, compareCidrs, contains, formatCidr, overlaps, parseCidr } from "../../mesh/cidr.ts";
import type { Firewall } from "../state.ts";
import type { Json, NftObject } from "./expressions.ts";
import { FAMILIES, TABLE } from "./expressions.ts";

/** A set of the table: its declaration, and what is in it by canonical text. */
export interface NftSet {
  readonly name: string;
  readonly declaration: NftObject;
  readonly elements: ReadonlyMap<string, Json>;
}

/**
 * All that the rules look up, by family (`remote4`, `remote6` …): prefixes (`remote`, `closed`, `announced`, `blocks`,
 * `inside`, `masqueraded`, `kept`, `own`), next hops to nodes of this cluster (`nodes`), who may be outside a VXLAN packet
 * (`outer`: address and port) and inside (`inner`: MAC address and prefix). And `open`, protocol and port.
 */
export function setsOf(firewall: Firewall): NftSet[] {
  const prefixes = {
    remote: firewall.remotePrefixes,
    closed: firewall.closedPrefixes,
    announced: firewall.announcedPrefixes,
    blocks: firewall.clusterBlocks,
    inside: firewall.insidePrefixes,
    masqueraded: firewall.masqueradedSources,
    kept: firewall.keptSources,
    own: firewall.localAddresses.map((address) => `${address}/${address.includes(":") ? 128 : 32}`),
  };
  return [
    ...Object.entries(prefixes).flatMap(([name, cidrs]) =>
      FAMILIES.map(({ suffix, type }) =>
        nftSet(`${name}${suffix}`, type, INTERVAL, merged(ofFamily(cidrs, suffix)).map(prefixElement)),
      ),
    ),
    ...FAMILIES.map(({ suffix, type }) => nftSet(`nodes${suffix}`, type, {}, ofFamily(firewall.nodeHops, suffix))),
    ...FAMILIES.map(({ suffix, type }) => {
      const pairs = firewall.vxlanEndpoints.flatMap(({ port, addresses }) =>
        ofFamily(addresses, suffix).map((address): Json => ({ concat: [address, port] })),
      );
      return nftSet(`outer${suffix}`, [type, "inet_service"], {}, pairs);
    }),
    ...FAMILIES.map(({ suffix, type }) => {
      const pairs = [...prefixesByMac(firewall)].flatMap(([mac, cidrs]) =>
        merged(ofFamily(cidrs, suffix)).map((cidr): Json => ({ concat: [mac, prefixElement(cidr)] })),
      );
      return nftSet(`inner${suffix}`, ["ether_addr", type], INTERVAL, pairs);
    }),
    nftSet(
      "open",
      ["inet_proto", "inet_service"],
      {},
      firewall.openPorts.map(({ protocol, port }) => ({ concat: [protocol, port] })),
    ),
  ];
}

const INTERVAL = { flags: ["interval"] };

function nftSet(
  name: string,
  type: string | readonly string[],
  flags: { readonly flags?: readonly string[] },
  elements: readonly Json[],
): NftSet {
  const declaration: NftObject = { set: { family: TABLE.family, name, table: TABLE.table, type, ...flags } };
  return { name, declaration, elements: byText(elements) };
}

/** Set name to its elements, each by a text of its own. */
export type Elements = ReadonlyMap<string, ReadonlyMap<string, Json>>;

/** What the sets hold. */
export function elementsBySet(sets: readonly NftSet[]): Elements {
  return new Map(sets.map(({ name, elements }) => [name, elements]));
}

/** Elements as nft has them, each by a text of its own, so that two lists can be compared. */
export function byText(elements: readonly Json[]): Map<string, Json> {
  return new Map(elements.map((element) => [JSON.stringify(element), element]));
}

function prefixesByMac({ vxlanSources }: Firewall): Map<string, string[]> {
  const byMac = new Map<string, string[]>();
  for (const { mac, prefixes } of vxlanSources) {
    byMac.set(mac, [...(byMac.get(mac) ?? []), ...prefixes]);
  }
  return byMac;
}

function ofFamily(texts: readonly string[], suffix: "4" | "6"): string[] {
  return texts.filter((text) => text.includes(":") === (suffix === "6"));
}

/**
 * The same addresses in as few CIDRs as can be: an interval set has no place for one inside another, and the fewer
 * there are the sooner nft reads and writes them (about 10 µs each). Clusters of one pool lie side by side.
 */
export function merged(cidrs: readonly string[]): string[] {
  const kept: Spelled[] = [];
  for (const next of cidrs.map((text) => ({ text, cidr: parseCidr(text) })).toSorted(byAddress)) {
    const last = kept.at(-1);
    if (last === undefined || !contains(last.cidr, next.cidr)) {
      append(kept, next);
    }
  }
  return kept.map(({ text }) => text);
}

/** A CIDR with its text, for writing thousands anew takes longer than all the rest. */
interface Spelled {
  readonly text: string;
  readonly cidr: Cidr;
}

function byAddress(a: Spelled, b: Spelled): number {
  return compareCidrs(a.cidr, b.cidr);
}

/** Appends a CIDR; where it is the upper half of a wider one and the lower half is there, that one instead. */
function append(kept: Spelled[], next: Spelled): void {
  const { family, first, length } = next.cidr;
  const last = kept.at(-1)?.cidr;
  // Never all addresses at once: nft lists that one in a form of its own.
  if (last !== undefined && last.length === length && length > 1) {
    const wider = cidrOf({ family, value: first }, length - 1);
    if (overlaps(wider, last)) {
      kept.pop();
      append(kept, { text: formatCidr(wider), cidr: wider });
      return;
    }
  }
  kept.push(next);
}

/** nft lists a single address bare. */
function prefixElement(cidr: string): Json {
  const [address = "", length = ""] = cidr.split("/");
  const isHost = Number(length) === (address.includes(":") ? 128 : 32);
  const addr = asListed(address);
  return isHost ? addr : { prefix: { addr, len: Number(length) } };
}

/** The last 32 bits of what looks like IPv4 in disguise nft lists in decimal: `::ffff:0.0.0.0`, as inet_ntop(3) does. */
function asListed(address: string): string {
  const [, disguise, ...words] = /^(::(?:ffff:)?)([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(address) ?? [];
  if (disguise === undefined) return address;
  const bytes = words.map((word) => Number.parseInt(word, 16)).flatMap((value) => [value >> 8, value & 255]);
  return disguise + bytes.join(".");
}
