import type { Cidr } from "../mesh/cidr.ts";
import { contains } from "../mesh/cidr.ts";
import type { Family } from "../mesh/resources.ts";
import { closeRanges } from "./closed.ts";
import { livePrefixes } from "./node/plan.ts";
import type { Claim, CollisionReason } from "./refusals-claims.ts";
import { collisionsIn, endpointClaims, nodeClaims, prefixClaims, standingClaims } from "./refusals-claims.ts";
import type { AskedSituation, Remote, Situation } from "./situation.ts";

/**
 * What of linked clusters this node does not apply: prefixes that would cut it, or its tunnels, off, and endpoints by
 * which one linked cluster would cut off another.
 */

export type RefusalReason = CollisionReason | "DefaultRoute" | "TooWide" | "CoversEndpoint";

export interface Refused {
  /** Linked cluster that announces it. */
  readonly cluster: string;
  readonly kind: "prefix" | "endpoint";
  /** The prefix, or the address at which a gateway is not dialled. */
  readonly subject: string;
  readonly reason: RefusalReason;
  /** A sentence that names all of these and what it collides with. */
  readonly message: string;
}

/** What is safe to plan from, what was left out of it, and what to remember for the next time. */
export interface Judged {
  readonly situation: Situation;
  readonly refused: readonly Refused[];
  /** See {@link AskedSituation}. */
  readonly known: readonly string[];
}

/**
 * Wider than this is no cluster's: a few such prefixes are the whole address space, as 0.0.0.0/1 and 128.0.0.0/1 are.
 * The widest private ranges are 10.0.0.0/8 (RFC 1918) and, for one site, fd00::/8 cut into /48 (RFC 4193).
 */
const WIDEST: Readonly<Record<Family, number>> = { 4: 8, 6: 16 };

/**
 * The situation without the prefixes that collide with what this node stands on or with each other. Each is refused
 * alone: the rest of its cluster stays. Of two linked clusters that overlap, the one with the lower number has the
 * prefix. What is refused, or is nobody's any more, is closed. A gateway whose endpoint lies where it can't be is not
 * dialled there. A cluster of which nothing is refused stays the very same object.
 */
export function refuse(asked: AskedSituation): Judged {
  const { known, ...rest } = asked;
  const remotes = asked.remotes.toSorted((a, b) => a.number - b.number);
  const standing = standingClaims(asked);
  const endpoints = remotes.flatMap(endpointClaims);
  const { refused: atOnce, sane } = sortOut(remotes.flatMap(prefixClaims), endpoints);
  const collisions = collisionsIn([...standing, ...nodeClaims(asked), ...sane, ...endpoints]);
  const refused = [...atOnce, ...collisions.flatMap(({ claim, hit }) => refusalOf(claim, collisionFault(claim, hit)))];
  const lost = Map.groupBy(refused, ({ cluster }) => cluster);
  const situation = { ...rest, remotes: asked.remotes.map((remote) => without(remote, lost.get(remote.name) ?? [])) };
  const live = livePrefixes(situation);
  const undialled = new Set(collisions.map(({ claim }) => claim));
  const { apart, closed } = closeRanges({
    ours: standing.map(({ cidr }) => cidr),
    live,
    asked: [...refused.filter(isClosable).map(({ subject }) => subject), ...known],
    dialled: endpoints.filter((endpoint) => !undialled.has(endpoint)).map(({ cidr }) => cidr),
  });
  return { situation: { ...situation, closed }, refused, known: [...live, ...apart] };
}

/** What needs no look at anybody else: too wide ones, and those around a gateway of their own cluster. */
function sortOut(
  prefixes: readonly Claim[],
  endpoints: readonly Claim[],
): { readonly refused: readonly Refused[]; readonly sane: readonly Claim[] } {
  const endpointsOf = Map.groupBy(endpoints, ({ owner }) => owner);
  const refused: Refused[] = [];
  const sane = prefixes.filter((claim) => {
    const fault = widthFault(claim.cidr) ?? coverFault(claim, endpointsOf.get(claim.owner) ?? []);
    if (fault !== undefined) refused.push(...refusalOf(claim, fault));
    return fault === undefined;
  });
  return { refused, sane };
}

interface Fault {
  readonly reason: RefusalReason;
  readonly sentence: string;
}

function widthFault({ family, length }: Cidr): Fault | undefined {
  if (length >= WIDEST[family]) return undefined;
  if (length === 0)
    return {
      reason: "DefaultRoute",
      sentence: "it is the default route, and all that is nobody else's would go there",
    };
  const sentence = `it is wider than /${WIDEST[family]}, more of the address space than any cluster has, and would take in what is others'`;
  return { reason: "TooWide", sentence };
}

function coverFault({ cidr }: Claim, endpoints: readonly Claim[]): Fault | undefined {
  const hit = endpoints.find((endpoint) => contains(cidr, endpoint.cidr));
  return (
    hit && {
      reason: "CoversEndpoint",
      sentence: `it holds ${hit.text}, where cluster "${hit.holder}" is dialled: the packets of that tunnel would go into a tunnel`,
    }
  );
}

function collisionFault({ gateway }: Claim, { text, reason, holder }: Claim): Fault {
  const verb = gateway === undefined ? "overlaps" : text.includes("/") ? "lies in" : "is";
  if (reason !== "OverlapsCluster") return { reason, sentence: `it ${verb} ${text}, ${holder}` };
  const why = gateway === undefined ? ", which has the lower number" : "";
  return { reason, sentence: `it ${verb} ${text} of cluster "${holder}"${why}` };
}

function refusalOf({ text, owner, gateway }: Claim, { reason, sentence }: Fault): Refused[] {
  if (typeof owner === "string") return [];
  const cluster = owner.name;
  if (gateway === undefined) {
    const message = `${text} of cluster "${cluster}" is not routed: ${sentence}; the rest of "${cluster}" is`;
    return [{ cluster, kind: "prefix", subject: text, reason, message }];
  }
  const message = `gateway "${gateway.name}" of cluster "${cluster}" is not dialled at ${text}: ${sentence}; start its agent with another --endpoint`;
  return [{ cluster, kind: "endpoint", subject: text, reason, message }];
}

/** Nobody ever had a default route, and nothing else would be left where one is closed. */
function isClosable({ kind, reason }: Refused): boolean {
  return kind === "prefix" && reason !== "DefaultRoute" && reason !== "TooWide";
}

function without(remote: Remote, refused: readonly Refused[]): Remote {
  if (refused.length === 0) return remote;
  const gone = new Set(refused.map(({ subject }) => subject));
  const kept = (prefix: string): boolean => !gone.has(prefix);
  return {
    ...remote,
    prefixes: remote.prefixes.filter(kept),
    meshPrefixes: remote.meshPrefixes.filter(kept),
    gateways: remote.gateways.map((gateway) =>
      gateway.endpoint !== undefined && gone.has(gateway.endpoint) ? { ...gateway, endpoint: undefined } : gateway,
    ),
  };
}
