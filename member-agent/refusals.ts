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
  readonly text: string;
  readonly cidr: Cidr;
  readonly owner: Remote | "this cluster" | "nobody";
  /** Why another claim on it is refused. */
  readonly reason: PrefixRefusalReason;
  /** Whose it is, as it is said after "it overlaps 10.1.0.0/16"; of a linked cluster's prefix or endpoint, its name. */
  readonly holder: string;
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
  const tooWide = asked.filter(isTooWide);
  const sane = tooWide.length === 0 ? asked : asked.filter((claim) => !isTooWide(claim));
  const withdrawn = situation.withdrawn.map((prefix) => claimOf("nobody", prefix));
  const collisions = collisionsIn([...standingClaims(situation), ...sane, ...withdrawn]);
  const refused = [
    ...tooWide.flatMap((claim) => refusalOf(claim, widthFault(claim.cidr))),
    ...collisions.flatMap(({ claim, hit }) => refusalOf(claim, collisionFault(hit))),
  ];
  const inTheWay = new Set(collisions.flatMap(({ claim }) => (claim.owner === "nobody" ? claim.text : [])));
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
  const stand = (text: string, cidr: Cidr, reason: PrefixRefusalReason, holder: string): void => {
    if (!claims.has(text)) claims.set(text, { text, cidr, owner: "this cluster", reason, holder });
  };
  const standLan = (addresses: readonly string[], whose: string): void => {
    for (const { subnet } of addresses.map(parseInterfaceAddress))
      stand(formatCidr(subnet), subnet, "OverlapsLAN", `the LAN of ${whose}`);
  };
  const standAll = (cidrs: readonly string[], reason: PrefixRefusalReason, holder: string): void => {
    for (const text of cidrs) stand(text, parseCidr(text), reason, holder);
  };
  standLan(lan.addresses, "this node");
  for (const other of nodes) if (other.name !== node) standLan(other.addresses, `node "${other.name}"`);
  standAll(self.podCIDRs, "OverlapsOwn", "this cluster's own pods");
  standAll(self.meshPrefixes, "OverlapsOwn", "this cluster's own mesh prefix");
  standAll(self.announcedCIDRs, "OverlapsOwn", "which this cluster announces itself");
  standAll(localCIDRs, "OverlapsLocal", "one of this cluster's LANs or Services");
  for (const { range, meaning } of RESERVED)
    stand(formatCidr(range), range, "Reserved", `which can't be routed (${meaning})`);
  const endpoints = remotes.flatMap(({ name, gateways }) =>
    gateways.flatMap(({ endpoint }): Claim[] => (endpoint === undefined ? [] : [endpointClaim(endpoint, name)])),
  );
  return [...claims.values(), ...endpoints];
}

function endpointClaim(endpoint: string, cluster: string): Claim {
  const { family, value: first } = parseAddress(endpoint);
  const cidr = { family, first, length: bitsOf(family) };
  return { text: endpoint, cidr, owner: "this cluster", reason: "CoversEndpoint", holder: cluster };
}

function claimOf(owner: Remote | "nobody", text: string): Claim {
  const holder = owner === "nobody" ? owner : owner.name;
  return { text, cidr: parseCidr(text), owner, reason: "OverlapsCluster", holder };
}

/**
 * The claims that collide with one before them, in order, and with which. A claim that collides takes nothing from those
 * after it.
 */
function collisionsIn(claims: readonly Claim[]): { readonly claim: Claim; readonly hit: Claim }[] {
  const parents = enclosing(claims.map(({ cidr }) => cidr));
  const verdicts: ("granted" | "refused")[] = [];
  /** By index of a claim, the first granted one that lies in it. If that is of the same owner, all so far are. */
  const inside = new Map<number, Claim>();
  const above = (index: number): number => parents[index] ?? -1;
  const around = (index: number, { owner }: Claim): Claim | undefined => {
    // Refused ones are in nobody's way: a thousand claims on one range would make a way of a thousand steps.
    while (verdicts[above(index)] === "refused") parents[index] = above(above(index));
    for (let at = above(index); at >= 0; at = above(at)) {
      const holder = claims[at];
      if (verdicts[at] === "granted" && holder?.owner !== owner) return holder;
    }
    return undefined;
  };
  const collisions: { readonly claim: Claim; readonly hit: Claim }[] = [];
  for (const [index, claim] of claims.entries()) {
    const within = inside.get(index);
    const hit = around(index, claim) ?? (within?.owner === claim.owner ? undefined : within);
    verdicts.push(hit === undefined ? "granted" : "refused");
    if (hit !== undefined) collisions.push({ claim, hit });
    else for (let at = above(index); at >= 0 && !inside.has(at); at = above(at)) inside.set(at, claim);
  }
  return collisions;
}

function isTooWide({ cidr }: Claim): boolean {
  return cidr.length < WIDEST[cidr.family];
}

interface Fault {
  readonly reason: PrefixRefusalReason;
  readonly sentence: string;
}

function widthFault({ family, length }: Cidr): Fault {
  if (length === 0)
    return {
      reason: "DefaultRoute",
      sentence: "it is the default route, and all that is nobody else's would go there",
    };
  const sentence = `it is wider than /${WIDEST[family]}, more of the address space than any cluster has, and would take in what is others'`;
  return { reason: "TooWide", sentence };
}

function collisionFault({ text, reason, holder }: Claim): Fault {
  switch (reason) {
    case "CoversEndpoint":
      return {
        reason,
        sentence: `it holds ${text}, where cluster "${holder}" is dialled: the packets of that tunnel would go into a tunnel`,
      };
    case "OverlapsCluster":
      return { reason, sentence: `it overlaps ${text} of cluster "${holder}", which has the lower number` };
    default:
      return { reason, sentence: `it overlaps ${text}, ${holder}` };
  }
}

function refusalOf({ text, owner }: Claim, { reason, sentence }: Fault): RefusedPrefix[] {
  if (typeof owner === "string") return [];
  const message = `${text} of cluster "${owner.name}" is not routed: ${sentence}; the rest of "${owner.name}" is`;
  return [{ cluster: owner.name, prefix: text, reason, message }];
}

function without(remote: Remote, refused: readonly RefusedPrefix[]): Remote {
  if (refused.length === 0) return remote;
  const gone = new Set(refused.map(({ prefix }) => prefix));
  const kept = (prefix: string): boolean => !gone.has(prefix);
  return { ...remote, prefixes: remote.prefixes.filter(kept), meshPrefixes: remote.meshPrefixes.filter(kept) };
}
