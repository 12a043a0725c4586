import type { Address, Cidr } from "../mesh/cidr.ts";
import { addressPart, bitsOf, formatCidr, parseAddress, parseCidr, parseInterfaceAddress } from "../mesh/cidr.ts";
import { enclosing } from "../mesh/nesting.ts";
import { RESERVED } from "../mesh/reserved.ts";
import type { AskedSituation, Remote, RemoteGateway } from "./situation.ts";

/** Who has or wants which range, and which of these collide: refusals follow from it. */

export type CollisionReason = "Reserved" | "OverlapsLAN" | "OverlapsOwn" | "OverlapsLocal" | "OverlapsCluster";

/** A range that somebody has or wants. Those of one owner never collide with each other. */
export interface Claim {
  readonly text: string;
  readonly cidr: Cidr;
  readonly owner: Remote | "this cluster";
  /** Why another claim on it is refused. */
  readonly reason: CollisionReason;
  /** Whose it is, as it is said after "it overlaps 10.1.0.0/16"; of a linked cluster's, its name. */
  readonly holder: string;
  /** Nobody's gateway but the owner's is in there. */
  readonly barsEndpoints: boolean;
  /** Of the address at which a linked cluster's gateway is dialled: that gateway. */
  readonly gateway?: RemoteGateway | undefined;
}

export interface Collision {
  readonly claim: Claim;
  /** What was there before it. */
  readonly hit: Claim;
}

/** What no linked cluster can have. Where several claim one range, the first says why. */
export function standingClaims({ lan, nodes, node, self, localCIDRs }: AskedSituation): Claim[] {
  const claims = new Map<string, Claim>();
  const stand = (cidr: Cidr, reason: CollisionReason, holder: string, barsEndpoints: boolean): void => {
    const text = formatCidr(cidr);
    if (!claims.has(text)) claims.set(text, { text, cidr, owner: "this cluster", reason, holder, barsEndpoints });
  };
  const standLan = (addresses: readonly string[], whose: string): void => {
    // Clusters may share a LAN, and are dialled there.
    for (const { subnet } of addresses.map(parseInterfaceAddress))
      stand(subnet, "OverlapsLAN", `the LAN of ${whose}`, false);
  };
  const standAll = (cidrs: readonly string[], reason: CollisionReason, holder: string): void => {
    for (const text of cidrs) stand(parseCidr(text), reason, holder, reason !== "OverlapsLocal");
  };
  standLan(lan.addresses, "this node");
  for (const other of nodes) if (other.name !== node) standLan(other.addresses, `node "${other.name}"`);
  standAll(self.podCIDRs, "OverlapsOwn", "this cluster's own pods");
  standAll(self.meshPrefixes, "OverlapsOwn", "this cluster's own mesh prefix");
  standAll(self.announcedCIDRs, "OverlapsOwn", "which this cluster announces itself");
  standAll(localCIDRs, "OverlapsLocal", "one of this cluster's LANs or Services");
  for (const { range, meaning } of RESERVED) stand(range, "Reserved", `which can't be routed (${meaning})`, true);
  return [...claims.values()];
}

/** The very addresses of this cluster's nodes, in the LANs that clusters may share. */
export function nodeClaims({ lan, nodes, node }: AskedSituation): Claim[] {
  const addressesOf = new Map([
    ...nodes.map(({ name, addresses }) => [name, addresses] as const),
    [node, lan.addresses],
  ]);
  return [...addressesOf].flatMap(([name, addresses]) =>
    addresses.map((text): Claim => {
      const { address } = parseInterfaceAddress(text);
      const holder = `an address of node "${name}" of this cluster`;
      return {
        text: addressPart(text),
        cidr: hostOf(address),
        owner: "this cluster",
        reason: "OverlapsOwn",
        holder,
        barsEndpoints: true,
      };
    }),
  );
}

/** The prefixes that a linked cluster announces. */
export function prefixClaims(remote: Remote): Claim[] {
  const common = { owner: remote, reason: "OverlapsCluster", holder: remote.name, barsEndpoints: true } as const;
  return remote.prefixes.map((text) => ({ ...common, text, cidr: parseCidr(text) }));
}

/** Where its gateways are dialled. */
export function endpointClaims(remote: Remote): Claim[] {
  const common = { owner: remote, reason: "OverlapsCluster", holder: remote.name, barsEndpoints: false } as const;
  return remote.gateways.flatMap((gateway) => {
    const { endpoint } = gateway;
    return endpoint === undefined ? [] : [{ ...common, gateway, text: endpoint, cidr: hostOf(parseAddress(endpoint)) }];
  });
}

/**
 * The claims that collide with one before them, in order, and with which. A claim that collides takes nothing from those
 * after it. Endpoints come last: they are in nobody's way.
 */
export function collisionsIn(claims: readonly Claim[]): Collision[] {
  const parents = enclosing(claims.map(({ cidr }) => cidr));
  const verdicts: ("granted" | "refused")[] = [];
  /** By index of a claim, the first granted one that lies in it. If that is of the same owner, all so far are. */
  const inside = new Map<number, Claim>();
  const above = (index: number): number => parents[index] ?? -1;
  const around = (index: number, claim: Claim): Claim | undefined => {
    // Refused ones are in nobody's way: a thousand claims on one range would make a way of a thousand steps.
    while (verdicts[above(index)] === "refused") parents[index] = above(above(index));
    for (let at = above(index); at >= 0; at = above(at)) {
      const holder = claims[at];
      if (verdicts[at] === "granted" && holder !== undefined && collide(claim, holder)) return holder;
    }
    return undefined;
  };
  const collisions: Collision[] = [];
  for (const [index, claim] of claims.entries()) {
    const within = inside.get(index);
    const hit = around(index, claim) ?? (within && collide(claim, within) ? within : undefined);
    verdicts.push(hit === undefined ? "granted" : "refused");
    if (hit !== undefined) collisions.push({ claim, hit });
    else for (let at = above(index); at >= 0 && !inside.has(at); at = above(at)) inside.set(at, claim);
  }
  return collisions;
}

function collide({ owner, gateway }: Claim, holder: Claim): boolean {
  return holder.owner !== owner && (gateway === undefined || holder.barsEndpoints);
}

function hostOf({ family, value: first }: Address): Cidr {
  return { family, first, length: bitsOf(family) };
}
