import {
  cidrFaults,
  cidrListFaults,
  fault,
  givenNameFaults,
  interfaceAddressFaults,
  nameFaults,
  nodeNameFaults,
  numberFaults,
  singletonFaults,
} from "./field-checks.ts";
import { HIGHEST_NUMBER } from "./ledger.ts";
import { objectNameOfCidr } from "./names.ts";
import type { Refusal } from "./refusal.ts";
import type {
  CredentialSpec,
  GatewaySpec,
  IPBlockSpec,
  MembershipSpec,
  NodeSpec,
  RemoteClusterSpec,
} from "./resources.ts";
import { MAX_RANKS } from "./resources.ts";

/** What is wrong with an object of a member, seen alone: every fault at once. The schemas have seen to the types. */

export function membershipRefusals(name: string, spec: MembershipSpec | CredentialSpec): Refusal[] {
  return [...singletonFaults(name), ...nameFaults("spec.cluster", spec.cluster)];
}

export function gatewayRefusals(name: string, { node, rank }: GatewaySpec): Refusal[] {
  return [
    ...numberFaults("spec.rank", rank, 0, MAX_RANKS - 1),
    ...givenNameFaults(name, `rank-${rank}`),
    ...nodeNameFaults("spec.node", node),
  ];
}

export function remoteClusterRefusals(name: string, spec: RemoteClusterSpec): Refusal[] {
  const stray = spec.meshPrefixes.filter((prefix) => !spec.prefixes.includes(prefix));
  return [
    ...nameFaults("metadata.name", name),
    ...numberFaults("spec.number", spec.number, 1, HIGHEST_NUMBER),
    ...cidrListFaults("spec.prefixes", spec.prefixes),
    ...stray.flatMap((prefix) => fault("spec.meshPrefixes", "bad-spec", `${prefix} is missing in spec.prefixes`)),
  ];
}

export function nodeRefusals(name: string, { addresses }: NodeSpec): Refusal[] {
  return [
    ...nodeNameFaults("metadata.name", name),
    ...addresses.flatMap((address, index) => interfaceAddressFaults(`spec.addresses[${index}]`, address)),
  ];
}

export function ipBlockRefusals(name: string, { cidr, node }: IPBlockSpec): Refusal[] {
  const unread = cidrFaults("spec.cidr", cidr);
  return [
    ...unread,
    ...(unread.length > 0 ? [] : givenNameFaults(name, objectNameOfCidr(cidr))),
    ...nodeNameFaults("spec.node", node),
  ];
}
