import { networkKind } from "../../../crds/network.ts";
import { subnetKind } from "../../../crds/subnet.ts";
import { byAge } from "../../../mesh/age.ts";
import { formatAddress, nthAddress, overlaps, parseCidr, sizeOf } from "../../../mesh/cidr.ts";
import { soundSubnets, subnetRefusals } from "../../../mesh/ipam/checks.ts";
import type { Network, Subnet, SubnetSpec } from "../../../mesh/ipam/resources.ts";
import { MOST_ADDRESSES } from "../../../mesh/ipam/supply.ts";
import { objectNameOfCidr } from "../../../mesh/names.ts";
import { hasCode } from "../../../platform/errors.ts";
import { retryOnConflict } from "../../../platform/store/amend.ts";
import type { Draft, ResourceKind, ResourceStore, StoredObject } from "../../../platform/store/port.ts";
import type { AddressLevel } from "./level.ts";

/** Name of the Network that a member has without asking. */
const DEFAULT_OVERLAY = "overlay";
/**
 * On the overlay Network: pod CIDRs that once had a Subnet, separated by commas. None of them gets another by itself, so
 * that a person may delete a Subnet and cut the range as they like.
 */
export const PROVIDED_ANNOTATION = "trestle.dev/provided-cidrs";

/** What is missing for pods to have addresses of the cluster's pod CIDRs. */
export interface DefaultNetworkPlan {
  /** Whether the overlay Network is to be made. */
  readonly makesNetwork: boolean;
  readonly subnets: readonly { readonly name: string; readonly spec: SubnetSpec }[];
  /** Pod CIDRs that have a Subnet then, or had one; with the name of the Network that it is to be written on. */
  readonly provided: { readonly network: string; readonly cidrs: readonly string[] };
}

/**
 * Pure. Undefined: a person called an underlay by the overlay's name, and is to make an overlay, too; or the overlay is
 * being deleted, and made anew once it is gone. What overlaps a pod CIDR in whatever Network is somebody's decision about
 * it and stands for a Subnet of it.
 */
export function planDefaultNetwork(
  podCIDRs: readonly string[],
  networks: readonly Network[],
  subnets: readonly Subnet[],
): DefaultNetworkPlan | undefined {
  const [overlay] = networks.filter(({ spec }) => spec.type === "Overlay").toSorted(byAge);
  if (overlay?.metadata.deletionTimestamp !== undefined) return undefined;
  if (overlay === undefined && networks.some(({ metadata }) => metadata.name === DEFAULT_OVERLAY)) return undefined;
  const network = overlay?.metadata.name ?? DEFAULT_OVERLAY;
  const before = (overlay?.metadata.annotations[PROVIDED_ANNOTATION] ?? "").split(",");
  const names = new Set(subnets.map(({ metadata }) => metadata.name));
  const sound = soundSubnets(subnets);
  const covered = podCIDRs.filter((podCIDR) => sound.some(({ spec }) => overlapsEachOther(spec.cidr, podCIDR)));
  const missing = podCIDRs
    .filter((podCIDR) => !covered.includes(podCIDR) && !before.includes(podCIDR))
    .map((podCIDR) => ({ podCIDR, ...defaultSubnet(network, podCIDR) }))
    .filter(({ name, spec }) => !names.has(name) && subnetRefusals(name, spec).length === 0);
  const had = podCIDRs.filter((podCIDR) => before.includes(podCIDR) || covered.includes(podCIDR));
  return {
    makesNetwork: overlay === undefined,
    subnets: missing.map(({ name, spec }) => ({ name, spec })),
    provided: { network, cidrs: [...had, ...missing.map(({ podCIDR }) => podCIDR)].toSorted() },
  };
}

/**
 * Makes Network `overlay` and a Subnet of each pod CIDR, where a member has none. What a person made is left as it is; a
 * Subnet that a person deleted stays away, until its Network is deleted, too. Pod CIDRs that are added get theirs.
 */
export async function ensureDefaultNetwork(store: ResourceStore, level: AddressLevel): Promise<void> {
  const { membership, networks, subnets } = level;
  if (membership?.spec.phase !== "Joined" || membership.status.podCIDRs.length === 0) return;
  const plan = planDefaultNetwork(membership.status.podCIDRs, networks, subnets);
  if (plan === undefined) return;
  const { network, cidrs } = plan.provided;
  if (plan.makesNetwork) {
    await createIfMissing(store, networkKind, {
      metadata: { name: network },
      spec: { type: "Overlay", nodeSelector: {} },
    });
  }
  for (const { name, spec } of plan.subnets) await createIfMissing(store, subnetKind, { metadata: { name }, spec });
  const text = cidrs.join(",");
  if (networks.some(({ metadata: { annotations } }) => annotations[PROVIDED_ANNOTATION] === text)) return;
  await retryOnConflict(async () => {
    const present = await store.get(networkKind, network);
    if (present === undefined) return;
    const annotations = { ...present.metadata.annotations, [PROVIDED_ANNOTATION]: text };
    await store.update(networkKind, { ...present, metadata: { ...present.metadata, annotations } });
  });
}

function defaultSubnet(network: string, podCIDR: string): { readonly name: string; readonly spec: SubnetSpec } {
  const cidr = parseCidr(podCIDR);
  const start = formatAddress(nthAddress(cidr, 0));
  const range =
    sizeOf(cidr) > BigInt(MOST_ADDRESSES)
      ? { start, end: formatAddress(nthAddress(cidr, MOST_ADDRESSES - 1)) }
      : undefined;
  return {
    name: `${DEFAULT_OVERLAY}-${objectNameOfCidr(podCIDR)}`,
    spec: {
      network,
      cidr: podCIDR,
      ...(range !== undefined && { range }),
      excludeIPs: [],
      reservedIPs: [],
      private: false,
      disabled: false,
      nodeSelector: {},
    },
  };
}

/** Another controller may be at it, too. */
async function createIfMissing<T extends StoredObject>(
  store: ResourceStore,
  kind: ResourceKind<T>,
  draft: Draft<T>,
): Promise<void> {
  try {
    await store.create(kind, draft);
  } catch (error) {
    if (!hasCode(error, "already-exists")) throw error;
  }
}

function overlapsEachOther(one: string, other: string): boolean {
  return overlaps(parseCidr(one), parseCidr(other));
}
