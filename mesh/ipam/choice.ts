import { familyOf, parseAddress, parseCidr } from "../cidr.ts";
import type { Checked, Refusal } from "../refusal.ts";
import { refuse } from "../refusal.ts";
import type { Family } from "../resources.ts";
import { ANNOTATIONS, readWish } from "./annotations.ts";
import type { PodFacts, Wish } from "./annotations.ts";
import type { Choices } from "./network-choice.ts";
import { chooseNetwork, contradiction, holds } from "./network-choice.ts";
import { ownOfNode } from "./node-addresses.ts";
import type { NodeAddresses } from "./node-addresses.ts";
import type { Network, Subnet } from "./resources.ts";
import { selectorText, selects } from "./selector.ts";
import { addressInSpan, parseSpan } from "./span.ts";
import type { Span } from "./span.ts";
import { endsOf } from "./supply.ts";

/** Where a pod's addresses come from: one of each entry of `families`, all of them or none. */
export interface Choice {
  readonly network: Network;
  readonly families: readonly FamilyChoice[];
  readonly retain: boolean;
}

/** One of: this very address of the one Subnet; any address of the first Subnet that has one. */
export interface FamilyChoice {
  readonly family: Family;
  /** In the order they are to be tried, at least one. */
  readonly subnets: readonly Subnet[];
  readonly address?: string | undefined;
}

/**
 * Holds a pod's wish against what there is. Refusals are what the person who wrote the annotations reads: what was asked,
 * what contradicts it.
 */
export function chooseAddresses(facts: PodFacts, choices: Choices): Checked<Choice> {
  const wish = readWish(facts);
  if (wish.refusal !== undefined) return wish;
  const network = chooseNetwork(wish.value, choices);
  if (network.refusal !== undefined) return network;
  const { retain, addresses, subnets } = wish.value;
  const families =
    subnets.length > 0
      ? fromNamed(wish.value, network.value, choices)
      : addresses.length > 0
        ? fromAddresses(addresses, network.value, choices)
        : fromNetwork(network.value, choices);
  return families.refusal === undefined
    ? { value: { network: network.value, families: families.value, retain } }
    : families;
}

/** The Subnets that the wish names, each of the Network, not disabled, and for this node. */
function fromNamed({ subnets: names, addresses }: Wish, network: Network, choices: Choices): Checked<FamilyChoice[]> {
  const named: Subnet[] = [];
  for (const name of names) {
    const subnet = choices.subnets.find(({ metadata }) => metadata.name === name);
    if (subnet === undefined) {
      const known = choices.subnets.map(({ metadata }) => metadata.name).join(", ") || "none";
      return refuse(
        "unknown-subnet",
        `${ANNOTATIONS.subnet} names "${name}", which does not exist; there are: ${known}`,
      );
    }
    const refusal = unfit(subnet, network, choices);
    if (refusal !== undefined) return { refusal };
    named.push(subnet);
  }
  const stray = addresses.find((address) => !named.some((subnet) => holds(subnet, address)));
  if (stray !== undefined) {
    return contradiction(`${ANNOTATIONS.ip} ${stray} lies in none of ${ANNOTATIONS.subnet} ${names.join(", ")}`);
  }
  if (addresses.length > 0) return fromAddresses(addresses, network, { ...choices, subnets: named });
  return { value: byFamily(named) };
}

function fromAddresses(addresses: readonly string[], network: Network, choices: Choices): Checked<FamilyChoice[]> {
  const families: FamilyChoice[] = [];
  for (const address of addresses) {
    const subnet = choices.subnets.find((each) => each.spec.network === network.metadata.name && holds(each, address));
    if (subnet === undefined) {
      return refuse(
        "unknown-subnet",
        `${ANNOTATIONS.ip} ${address} is in no Subnet of Network "${network.metadata.name}"`,
      );
    }
    const refusal = unfit(subnet, network, choices) ?? unissuable(subnet, network, address, choices.nodeAddresses);
    if (refusal !== undefined) return { refusal };
    families.push({ family: familyOf(address), subnets: [subnet], address });
  }
  return { value: families };
}

/** Any Subnet of the Network that is not private: those for this very node before those for any, then by name. */
function fromNetwork(network: Network, choices: Choices): Checked<FamilyChoice[]> {
  const fit = choices.subnets.filter((each) => !each.spec.private && unfit(each, network, choices) === undefined);
  const isBound = ({ spec }: Subnet): boolean => Object.keys(spec.nodeSelector).length > 0;
  const byName = fit.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  const ordered = [...byName.filter(isBound), ...byName.filter((subnet) => !isBound(subnet))];
  return ordered.length === 0
    ? refuse(
        "no-subnet",
        `Network "${network.metadata.name}" has no Subnet for pods on node "${choices.node.name}": they are disabled, private, or for other nodes`,
      )
    : { value: byFamily(ordered) };
}

function byFamily(subnets: readonly Subnet[]): FamilyChoice[] {
  return ([4, 6] as const).flatMap((family) => {
    const own = subnets.filter(({ spec }) => familyOf(spec.cidr) === family);
    return own.length === 0 ? [] : [{ family, subnets: own }];
  });
}

/** Why nothing may be issued from a Subnet to a pod of this Network on this node. */
function unfit(subnet: Subnet, network: Network, { node }: Choices): Refusal | undefined {
  const { metadata, spec } = subnet;
  if (spec.network !== network.metadata.name) {
    return contradiction(`Subnet "${metadata.name}" is of Network "${spec.network}", not of "${network.metadata.name}"`)
      .refusal;
  }
  const refusal = disabledRefusal(subnet);
  if (refusal !== undefined) return refusal;
  return selects(spec.nodeSelector, node.labels)
    ? undefined
    : {
        code: "wrong-node",
        message: `Subnet "${metadata.name}" is for nodes with ${selectorText(spec.nodeSelector)}, and node "${node.name}" is none of them`,
      };
}

/** Why nothing is issued from a Subnet to anybody. */
export function disabledRefusal({ metadata, spec }: Subnet): Refusal | undefined {
  return spec.disabled || metadata.deletionTimestamp !== undefined
    ? { code: "no-subnet", message: `Subnet "${metadata.name}" is disabled: it issues nothing` }
    : undefined;
}

/** Why an address can't be had by name. Blocks issue whatever is not reserved, so one of an overlay has to be. */
export function unissuable(
  { metadata, spec }: Subnet,
  network: Network,
  address: string,
  nodes: NodeAddresses,
): Refusal | undefined {
  const among = (spans: readonly Span[]): boolean => spans.some((span) => addressInSpan(span, parseAddress(address)));
  if (among(endsOf(parseCidr(spec.cidr)))) {
    return {
      code: "bad-address",
      message: `no pod may have ${address}: it means all of ${spec.cidr}, not one machine`,
    };
  }
  if (among(spec.excludeIPs.map(parseSpan)) || address === spec.gateway) {
    return {
      code: "excluded",
      message: `${address} is the gateway of Subnet "${metadata.name}", or one of its excludeIPs`,
    };
  }
  const own = ownOfNode(address, nodes);
  if (own !== undefined) return own;
  return network.spec.type === "Underlay" || among(spec.reservedIPs.map(parseSpan))
    ? undefined
    : {
        code: "not-reserved",
        message: `${address} is not among reservedIPs of overlay Subnet "${metadata.name}", so a node may have given it to any pod; reserve it first`,
      };
}
