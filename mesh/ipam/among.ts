import { contains, overlaps, parseCidr } from "../cidr.ts";
import type { Refusal } from "../refusal.ts";
import { blockLengthOf } from "./blocks.ts";
import { excludedInUse } from "./in-use.ts";
import type { IPInstance, Network, Subnet } from "./resources.ts";
import { areDisjoint, selectorText } from "./selector.ts";
import { formatSpan, spanOfSubnet, spansOverlap } from "./span.ts";

/** What stands in the way of an object among the others of its member; a refusal names the one that it collides with. */

/** One overlay at most, and no node in two underlays. */
export function networkAmong(network: Network, networks: readonly Network[]): Refusal | undefined {
  const others = networks.filter(({ metadata }) => metadata.name !== network.metadata.name);
  const { type, nodeSelector } = network.spec;
  const alike = others.filter(({ spec }) => spec.type === type);
  if (type === "Overlay") {
    const [overlay] = alike;
    return (
      overlay && {
        code: "overlay-exists",
        message: `a cluster has one overlay Network, and "${overlay.metadata.name}" is it; add Subnets to it instead`,
      }
    );
  }
  const rival = alike.find(({ spec }) => !areDisjoint(spec.nodeSelector, nodeSelector));
  return (
    rival && {
      code: "selector-overlap",
      message: `underlay Network "${network.metadata.name}" (${selectorText(nodeSelector)}) and "${rival.metadata.name}" (${selectorText(rival.spec.nodeSelector)}) may select the same node; ask for different values of one label`,
    }
  );
}

/** What a Subnet is held against. */
export interface SubnetPeers {
  readonly networks: readonly Network[];
  readonly subnets: readonly Subnet[];
  readonly instances: readonly IPInstance[];
  /** The cluster's, empty until it has joined. */
  readonly podCIDRs: readonly string[];
}

/** @param previous absent for a new Subnet; what is immutable has been seen to */
export function subnetAmong(
  subnet: Subnet,
  previous: Subnet | undefined,
  { networks, subnets, instances, podCIDRs }: SubnetPeers,
): Refusal | undefined {
  if (previous !== undefined) return excludedInUse(subnet, instances, previous);
  const others = subnets.filter(({ metadata }) => metadata.name !== subnet.metadata.name);
  return (
    placeRefusal(subnet, networks, podCIDRs) ??
    dyingRefusal(subnet, networks) ??
    others.map((other) => collision(subnet, other)).find(Boolean)
  );
}

/** A Subnet is of a Network that there is: an overlay issues what the mesh routes to this cluster, an underlay nothing of it. */
export function placeRefusal(
  subnet: Subnet,
  networks: readonly Network[],
  podCIDRs: readonly string[],
): Refusal | undefined {
  const { name } = subnet.metadata;
  const network = networks.find(({ metadata }) => metadata.name === subnet.spec.network);
  if (network === undefined) {
    const known = networks.map(({ metadata }) => metadata.name).join(", ") || "none";
    return {
      code: "unknown-network",
      message: `Subnet "${name}" is of Network "${subnet.spec.network}", which does not exist; there are: ${known}`,
    };
  }
  const cidr = parseCidr(subnet.spec.cidr);
  if (network.spec.type === "Underlay") {
    const pods = podCIDRs.find((each) => overlaps(parseCidr(each), cidr));
    if (subnet.spec.blockSize !== undefined) {
      return {
        code: "bad-spec",
        message: `Subnet "${name}" is of an underlay, whose addresses are claimed one by one: leave blockSize away`,
      };
    }
    return pods === undefined
      ? undefined
      : {
          code: "cidr-overlap",
          message: `underlay Subnet "${name}" asks for ${subnet.spec.cidr}, which overlaps the cluster's pod CIDR ${pods}; pick the range of the LAN`,
        };
  }
  return podCIDRs.length === 0 || podCIDRs.some((each) => contains(parseCidr(each), cidr))
    ? undefined
    : {
        code: "outside-pod-cidrs",
        message: `overlay Subnet "${name}" asks for ${subnet.spec.cidr}, which no other cluster has a route to: this cluster's pod CIDRs are ${podCIDRs.join(", ")}`,
      };
}

/** A Network that is being deleted goes with its last Subnet, so it gets no new one. */
function dyingRefusal({ metadata: { name }, spec }: Subnet, networks: readonly Network[]): Refusal | undefined {
  const network = networks.find(({ metadata }) => metadata.name === spec.network);
  return network?.metadata.deletionTimestamp === undefined
    ? undefined
    : {
        code: "unknown-network",
        message: `Subnet "${name}" is of Network "${spec.network}", which is being deleted and goes with its last Subnet; create it anew then`,
      };
}

/**
 * Two Subnets may share a CIDR within one Network, if their ranges don't touch and their blocks are as long as each
 * other's: two nodes that claim at once then want one block, and one is refused, or blocks that lie apart. Anything else
 * that overlaps may not be.
 */
export function collision(subnet: Subnet, other: Subnet): Refusal | undefined {
  const [own, its] = [subnet.spec, other.spec];
  if (!overlaps(parseCidr(own.cidr), parseCidr(its.cidr))) return undefined;
  const overlap = (what: string): Refusal => ({
    code: "cidr-overlap",
    message: `Subnet "${subnet.metadata.name}" asks for ${what}`,
  });
  const rival = `Subnet "${other.metadata.name}"`;
  if (own.cidr !== its.cidr || own.network !== its.network) {
    return overlap(
      `${own.cidr}, which overlaps ${its.cidr} of ${rival} in Network "${its.network}"; pick a range outside it`,
    );
  }
  const [ownSpan, itsSpan] = [spanOfSubnet(own), spanOfSubnet(its)];
  if (spansOverlap(ownSpan, itsSpan)) {
    return overlap(
      `${formatSpan(ownSpan)}, which overlaps the range ${formatSpan(itsSpan)} of ${rival}; two Subnets of one CIDR need ranges that don't touch`,
    );
  }
  const [ownLength, itsLength] = [blockLengthOf(own), blockLengthOf(its)];
  return ownLength === itsLength
    ? undefined
    : overlap(
        `blocks of /${ownLength}, which overlap the /${itsLength} ones of ${rival} in the same CIDR; set blockSize to ${itsLength}`,
      );
}
