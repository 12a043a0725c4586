import { addressInCidr, bitsOf, formatCidr, parseAddress, parseCidr, sizeOf } from "../cidr.ts";
import type { Cidr } from "../cidr.ts";
import { cidrFaults, fault, givenNameFaults, nameFaults, nodeNameFaults, numberFaults } from "../field-checks.ts";
import { objectNameOfAddress } from "../names.ts";
import type { Refusal } from "../refusal.ts";
import { readAddress } from "../typed-cidr.ts";
import { blockLengthOf, SMALLEST_BLOCK_BITS } from "./blocks.ts";
import type { IPInstanceSpec, NetworkSpec, Subnet, SubnetSpec } from "./resources.ts";
import { formatSpan, readSpan, spanBetween, spanContains, spanOfCidr, spanOfSubnet, spanSize } from "./span.ts";
import { MOST_ADDRESSES } from "./supply.ts";

/** What is wrong with an object of a member's address management, seen alone: every fault at once. */

const LINK_LOCAL = { 4: parseCidr("169.254.0.0/16"), 6: parseCidr("fe80::/10") } as const;

export function networkRefusals(name: string, { type, nodeSelector }: NetworkSpec): Refusal[] {
  return [
    ...nameFaults("metadata.name", name),
    ...(type === "Overlay" && Object.keys(nodeSelector).length > 0
      ? fault("spec.nodeSelector", "bad-spec", "an overlay spans all nodes; leave it empty")
      : []),
  ];
}

export function subnetRefusals(name: string, spec: SubnetSpec): Refusal[] {
  const own = [...nameFaults("metadata.name", name), ...nameFaults("spec.network", spec.network)];
  const unread = cidrFaults("spec.cidr", spec.cidr);
  if (unread.length > 0) return [...own, ...unread];
  const cidr = parseCidr(spec.cidr);
  const rest = [
    ...lengthFaults(cidr),
    ...gatewayFaults(cidr, spec.gateway),
    ...spanListFaults("spec.excludeIPs", spec, spec.excludeIPs),
    ...spanListFaults("spec.reservedIPs", spec, spec.reservedIPs),
    ...blockFaults(cidr, spec.blockSize),
  ];
  return [...own, ...rangeFaults(cidr, spec), ...rest];
}

/** Those that can be reckoned with: an object may have come past admission. */
export function soundSubnets(subnets: readonly Subnet[]): Subnet[] {
  return subnets.filter(({ metadata, spec }) => subnetRefusals(metadata.name, spec).length === 0);
}

export function ipInstanceRefusals(name: string, { address, node, subnet, network }: IPInstanceSpec): Refusal[] {
  const unread = addressFaults("spec.address", address);
  return [
    ...unread,
    ...(unread.length > 0 ? [] : givenNameFaults(name, objectNameOfAddress(address))),
    ...nameFaults("spec.subnet", subnet),
    ...nameFaults("spec.network", network),
    ...(node === undefined ? [] : nodeNameFaults("spec.node", node)),
  ];
}

/** A CIDR of one or two addresses has no room for a network. */
function lengthFaults({ family, length }: Cidr): Refusal[] {
  const longest = bitsOf(family) - 2;
  return length <= longest
    ? []
    : fault("spec.cidr", "prefix-too-long", `a Subnet needs at least four addresses: /${longest} or shorter`);
}

function rangeFaults(cidr: Cidr, { cidr: text, range }: SubnetSpec): Refusal[] {
  if (range !== undefined) {
    const unread = [...addressFaults("spec.range.start", range.start), ...addressFaults("spec.range.end", range.end)];
    if (unread.length > 0) return unread;
    const span = spanBetween(range.start, range.end);
    if (span === undefined)
      return fault("spec.range", "bad-range", `ends (${range.end}) before it starts (${range.start})`);
    if (!spanContains(spanOfCidr(cidr), span)) {
      return fault("spec.range", "bad-range", `${range.start} to ${range.end} does not lie inside ${text}`);
    }
  }
  const size = spanSize(spanOfSubnet({ cidr: text, range }));
  return size <= MOST_ADDRESSES
    ? []
    : fault(
        "spec.range",
        "bad-range",
        `a Subnet tracks at most ${MOST_ADDRESSES} addresses, not ${size}; give a smaller range of ${text}`,
      );
}

/** A node keeps track of each address of a block, as of a Subnet. */
function blockFaults(cidr: Cidr, blockSize: number | undefined): Refusal[] {
  if (blockSize === undefined) return [];
  const most = bitsOf(cidr.family) - SMALLEST_BLOCK_BITS;
  const faults = numberFaults("spec.blockSize", blockSize, cidr.length, most);
  if (faults.length > 0 || sizeOf({ ...cidr, length: blockSize }) <= MOST_ADDRESSES) return faults;
  const least = bitsOf(cidr.family) - Math.log2(MOST_ADDRESSES);
  return fault(
    "spec.blockSize",
    "bad-spec",
    `a block has at most ${MOST_ADDRESSES} addresses; give a length from ${least} to ${most}, or leave it empty for /${blockLengthOf({ cidr: formatCidr(cidr) })}`,
  );
}

function gatewayFaults(cidr: Cidr, gateway: string | undefined): Refusal[] {
  if (gateway === undefined) return [];
  const unread = addressFaults("spec.gateway", gateway);
  if (unread.length > 0) return unread;
  const address = parseAddress(gateway);
  return addressInCidr(cidr, address) || addressInCidr(LINK_LOCAL[cidr.family], address)
    ? []
    : fault("spec.gateway", "bad-address", `${gateway} is neither inside the CIDR nor link-local`);
}

/** Ranges by hand: each inside the CIDR. */
function spanListFaults(path: string, { cidr }: SubnetSpec, texts: readonly string[]): Refusal[] {
  const whole = spanOfCidr(parseCidr(cidr));
  return texts.flatMap((text, index) => {
    const { value, refusal } = readSpan(text);
    if (refusal !== undefined) return fault(`${path}[${index}]`, refusal.code, refusal.message);
    return spanContains(whole, value)
      ? []
      : fault(`${path}[${index}]`, "bad-range", `${formatSpan(value)} does not lie inside ${cidr}`);
  });
}

/** A stored address is in canonical text, so that equal ones are equal strings. */
function addressFaults(path: string, text: string): Refusal[] {
  const { value, refusal } = readAddress(text);
  if (refusal !== undefined) return fault(path, refusal.code, refusal.message);
  return value === text ? [] : fault(path, "bad-address", `write ${JSON.stringify(text)} as ${value}`);
}
