import type { Cidr } from "../../../mesh/cidr.ts";
import { compareCidrs, parseCidr } from "../../../mesh/cidr.ts";
import { placeRefusal } from "../../../mesh/ipam/among.ts";
import { excludedInUse } from "../../../mesh/ipam/in-use.ts";
import type { IPInstance, Network, Subnet } from "../../../mesh/ipam/resources.ts";
import type { Span } from "../../../mesh/ipam/span.ts";
import { formatSpan, spanContains, spanOfCidr, spanOfSubnet } from "../../../mesh/ipam/span.ts";
import type { Refusal } from "../../../mesh/refusal.ts";
import type { Condition, Membership } from "../../../mesh/resources.ts";
import type { AddressLevel } from "./level.ts";

/** What a controller says of an object, before it is known since when. */
export type Verdict = Omit<Condition, "lastTransitionTime">;

/** Why objects are out of force, by name: see mesh/ipam/in-force.ts. */
export interface AddressFaults {
  readonly networks: ReadonlyMap<string, Refusal>;
  readonly subnets: ReadonlyMap<string, Refusal>;
}

/** Whether a Network keeps the rules: one that came past admission does not have to. */
export function judgeNetwork({ metadata }: Network, faults: AddressFaults): Verdict {
  return validity(faults.networks.get(metadata.name));
}

/** What a Subnet is judged by. */
export type Surroundings = Pick<AddressLevel, "membership" | "networks"> & { readonly faults: AddressFaults };

/**
 * Likewise of a Subnet; and whether other clusters have a route to it, where it is of an underlay.
 * @param own its addresses
 */
export function judgeSubnet(
  subnet: Subnet,
  own: readonly IPInstance[],
  { networks, membership, faults }: Surroundings,
): readonly Verdict[] {
  const fault = faults.subnets.get(subnet.metadata.name);
  if (fault !== undefined) return [validity(fault)];
  const network = networks.find(({ metadata }) => metadata.name === subnet.spec.network);
  const podCIDRs = membership?.status.podCIDRs ?? [];
  const refusal =
    placeRefusal(subnet, networks, podCIDRs) ?? ofFaultyNetwork(subnet, faults) ?? excludedInUse(subnet, own);
  const isAnnounceable = network?.spec.type === "Underlay" && membership !== undefined;
  return [validity(refusal), ...(isAnnounceable ? [announcement(subnet, membership)] : [])];
}

/** Nothing is issued from it, though nothing is wrong with itself. */
function ofFaultyNetwork({ metadata, spec }: Subnet, { networks }: AddressFaults): Refusal | undefined {
  const fault = networks.get(spec.network);
  return (
    fault && {
      code: fault.code,
      message: `Subnet "${metadata.name}" is of Network "${spec.network}", by which nothing is issued: ${fault.message}`,
    }
  );
}

/** Conditions as they are to be written: unchanged ones keep their time. */
export function conditionsOf(
  verdicts: readonly Verdict[],
  before: readonly Condition[],
  now: string,
): readonly Condition[] {
  return verdicts.map((verdict) => {
    const last = before.find(({ type }) => type === verdict.type);
    return { ...verdict, lastTransitionTime: last?.status === verdict.status ? last.lastTransitionTime : now };
  });
}

function validity(refusal: Refusal | undefined): Verdict {
  return refusal === undefined
    ? { type: "Valid", status: "True", reason: "KeepsTheRules", message: "it collides with nothing" }
    : { type: "Valid", status: "False", reason: reasonOf(refusal.code), message: refusal.message };
}

/** The hub enters what a cluster announces in its ledger, where it overlaps nobody else's. */
function announcement({ spec }: Subnet, { spec: { cluster }, status }: Membership): Verdict {
  const range = spanOfSubnet(spec);
  const announced = status.announcedCIDRs.map(parseCidr);
  if (merged(announced).some((each) => spanContains(each, range))) {
    const message = "other clusters that are linked have a route to it";
    return { type: "Announced", status: "True", reason: "InAnnouncedRanges", message };
  }
  const known = status.announcedCIDRs.join(", ") || "nothing";
  const message = `its pods are reached from this cluster alone: ${formatSpan(range)} does not lie in what the cluster announces (${known}); to have it reached from others, add it to spec.allowedCIDRs of Cluster "${cluster}" at the hub`;
  return { type: "Announced", status: "False", reason: "NotAnnounced", message };
}

/** CIDRs that touch, as one range each. */
function merged(cidrs: readonly Cidr[]): readonly Span[] {
  const spans: Span[] = [];
  for (const span of cidrs.toSorted(compareCidrs).map(spanOfCidr)) {
    const last = spans.at(-1);
    if (last === undefined || last.family !== span.family || last.last + 1n < span.first) spans.push(span);
    else if (last.last < span.last) spans.splice(-1, 1, { ...last, last: span.last });
  }
  return spans;
}

/** `cidr-overlap` as a condition's reason, CidrOverlap. */
function reasonOf(code: string): string {
  return code.replaceAll(/(?:^|-)(.)/g, (_, letter: string) => letter.toUpperCase());
}
