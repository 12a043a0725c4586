import type { Cidr } from "../mesh/cidr.ts";
import { bitsOf, formatCidr, parseAddress, parseCidr, parseInterfaceAddress } from "../mesh/cidr.ts";
import { enclosing } from "../mesh/nesting.ts";
import { RESERVED } from "../mesh/reserved.ts";
import type { Family } from "../mesh/resources.ts";
import type { Remote, Situation } from "./situation.ts";

/** Prefixes of linked clusters that this node does not route to them: it would cut itself, or its tunnels, off. */

export type PrefixRefusalReason =
  | "DefaultRoute"
  | "TooWide"
  | "Reserved"
  | "OverlapsLAN"
  | "OverlapsOwn"
  | "OverlapsLocal"
  | "CoversEndpoint"
  | "OverlapsCluster";

export interface RefusedPrefix {
  /** Linked cluster that announces it. */
  readonly cluster: string;
  readonly prefix: string;
  readonly reason: PrefixRefusalReason;
  /** A sentence that names what it collides with. */
  readonly message: string;
}

/**
 * Wider than this is no cluster's: a few such prefixes are the whole address space, as 0.0.0.0/1 and 128.0.0.0/1 are.
 * The widest private ranges are 10.0.0.0/8 (RFC 1918) and, for one site, fd00::/8 cut into /48 (RFC 4193).
 */
const WIDEST: Readonly<Record<Family, number>> = { 4: 8, 6: 16 };

/** A range that somebody has or wants. Those of one owner never collide with each other. */
interface Claim {
  readonly cidr: Cidr;
  readonly owner: Remote | "this cluster" | "nobody";
  /** Why another claim on it is refused, and how that is said. */
  readonly reason: PrefixRefusalReason;
  readonly sentence: string;
}

/**
 * The situation without the prefixes that collide with what this node stands on or with each other. Each is refused
 * alone: the rest of its cluster stays. Of two linked clusters that overlap, the one with the lower number has the
 * prefix. A cluster of which nothing is refused stays the very same object. Withdrawn prefixes that are in the way go
 * silently, for nobody asks for them.
 */
export function refusePrefixes(situation: Situation): {
  readonly situation: Situation;
  readonly refused: readonly RefusedPrefix[];
} {
  const remotes = situation.remotes.toSorted((a, b) => a.number - b.number);
  const asked = remotes.flatMap((remote) => remote.prefixes.map((prefix) => claimOf(remote, prefix)));
  const withdrawn = situation.withdrawn.map((prefix) => claimOf("nobody", prefix));
  const [tooWide, sane] = [asked.filter(isTooWide), asked.filter((claim) => !isTooWide(claim))];
  const collisions = collisionsIn([...standingClaims(situation), ...sane, ...withdrawn]);
  const refused = [
    ...tooWide.flatMap((claim) => refusalOf(claim, widthFault(claim.cidr))),
    ...collisions.flatMap(({ claim, hit }) => refusalOf(claim, hit)),
  ];
  const inTheWay = new Set(collisions.flatMap(({ claim }) => (claim.owner === "nobody" ? formatCidr(claim.cidr) : [])));
  if (refused.length === 0 && inTheWay.size === 0) return { situation, refused };
  const lost = Map.groupBy(refused, ({ cluster }) => cluster);
  return {
    situation: {
      ...situation,
      remotes: situation.remotes.map((remote) => without(remote, lost.get(remote.name) ?? [])),
      withdrawn: situation.withdrawn.filter((prefix) => !inTheWay.has(prefix)),
    },
    refused,
  };
}

/** What no linked cluster can have. Where several claim one range, the first says why. */
function standingClaims({ lan, nodes, node, self, localCIDRs, remotes }: Situation): Claim[] {
  const claims = new Map<string, Claim>();
  const stand = (cidr: Cidr, reason: PrefixRefusalReason, holder: string): void => {
    const text = formatCidr(cidr);
    const sentence = `it overlaps ${text}, ${holder}`;
    if (!claims.has(text)) claims.set(text, { cidr, owner: "this cluster", reason, sentence });
  };
  const lanOf = (addresses: readonly string[], whose: string): void => {
    for (const text of addresses) stand(parseInterfaceAddress(text).subnet, "OverlapsLAN", `the LAN of ${whose}`);
  };
  lanOf(lan.addresses, "this node");
  for (const other of nodes) if (other.name !== node) lanOf(other.addresses, `node "${other.name}"`);
  for (const text of self.podCIDRs) stand(parseCidr(text), "OverlapsOwn", "this cluster's own pods");
  for (const text of self.meshPrefixes) stand(parseCidr(text), "OverlapsOwn", "this cluster's own mesh prefix");
  for (const text of self.announcedCIDRs) stand(parseCidr(text), "OverlapsOwn", "which this cluster announces itself");
  for (const text of localCIDRs) stand(parseCidr(text), "OverlapsLocal", "one of this cluster's LANs or Services");
  for (const { range, meaning } of RESERVED) stand(range, "Reserved", `which can't be routed (${meaning})`);
  for (const remote of remotes) {
    for (const { name, endpoint } of remote.gateways) {
      if (endpoint === undefined || claims.has(endpoint)) continue;
      const { family, value: first } = parseAddress(endpoint);
      const sentence = `it holds ${endpoint}, where gateway "${name}" of cluster "${remote.name}" is dialled: the packets of that tunnel would go into a tunnel`;
      const cidr = { family, first, length: bitsOf(family) };
      claims.set(endpoint, { cidr, owner: "this cluster", reason: "CoversEndpoint", sentence });
    }
  }
  return [...claims.values()];
}

function claimOf(owner: Remote | "nobody", prefix: string): Claim {
  const whose = owner === "nobody" ? "" : ` of cluster "${owner.name}", which has the lower number`;
  return { cidr: parseCidr(prefix), owner, reason: "OverlapsCluster", sentence: `it overlaps ${prefix}${whose}` };
}

/**
 * The claims that collide with one before them, in order, and with which. A claim that collides takes nothing from those
 * after it.
 */
function collisionsIn(claims: readonly Claim[]): { readonly claim: Claim; readonly hit: Claim }[] {
  const parents = enclosing(claims.map(({ cidr }) => cidr));
  const granted = new Set<number>();
  /** By index of a claim, the first granted one that lies in it. Of the same owner: then all granted ones so far are. */
  const inside = new Map<number, Claim>();
  const around = (index: number, { owner }: Claim): Claim | undefined => {
    for (let at = parents[index] ?? -1; at >= 0; at = parents[at] ?? -1) {
      const holder = claims[at];
      if (granted.has(at) && holder?.owner !== owner) return holder;
    }
    return undefined;
  };
  return claims.flatMap((claim, index) => {
    const within = inside.get(index);
    const hit = around(index, claim) ?? (within?.owner === claim.owner ? undefined : within);
    if (hit !== undefined) return [{ claim, hit }];
    granted.add(index);
    for (let at = parents[index] ?? -1; at >= 0 && !inside.has(at); at = parents[at] ?? -1) inside.set(at, claim);
    return [];
  });
}

function isTooWide({ cidr }: Claim): boolean {
  return cidr.length < WIDEST[cidr.family];
}

function widthFault({ family, length }: Cidr): Pick<Claim, "reason" | "sentence"> {
  return length === 0
    ? { reason: "DefaultRoute", sentence: "it is the default route, and all that is nobody else's would go there" }
    : {
        reason: "TooWide",
        sentence: `it is wider than /${WIDEST[family]}, more of the address space than any cluster has, and would take in what is others'`,
      };
}

function refusalOf({ cidr, owner }: Claim, { reason, sentence }: Pick<Claim, "reason" | "sentence">): RefusedPrefix[] {
  if (typeof owner === "string") return [];
  const prefix = formatCidr(cidr);
  const message = `${prefix} of cluster "${owner.name}" is not routed: ${sentence}; the rest of "${owner.name}" is`;
  return [{ cluster: owner.name, prefix, reason, message }];
}

function without(remote: Remote, refused: readonly RefusedPrefix[]): Remote {
  if (refused.length === 0) return remote;
  const gone = new Set(refused.map(({ prefix }) => prefix));
  const kept = (prefix: string): boolean => !gone.has(prefix);
  return { ...remote, prefixes: remote.prefixes.filter(kept), meshPrefixes: remote.meshPrefixes.filter(kept) };
}
