import { everythingRefusal, LONGEST_BLOCK } from "./admission-request.ts";
import { parseCidr } from "./cidr.ts";
import { cidrFaults, cidrListFaults, fault, nameFaults, numberFaults, singletonFaults } from "./field-checks.ts";
import { EMPTY_LEDGER, rangesRefusal } from "./ledger.ts";
import { ledgerFaults } from "./ledger-faults.ts";
import { pairsOf } from "./links.ts";
import type { Refusal } from "./refusal.ts";
import { reservedRefusal } from "./reserved.ts";
import type {
  CIDRPoolSpec,
  ClusterLinkSpec,
  ClusterSelection,
  ClusterSpec,
  JoinTokenSpec,
  LedgerSpec,
} from "./resources.ts";

/** What is wrong with an object of the hub, seen alone: every fault at once. The schemas have seen to the types. */

export function cidrPoolRefusals(name: string, spec: CIDRPoolSpec): Refusal[] {
  const faults = [...nameFaults("metadata.name", name), ...cidrFaults("spec.cidr", spec.cidr, reservedRefusal)];
  return faults.length > 0 ? faults : blockLengthFaults(spec);
}

function blockLengthFaults({ cidr, clusterPrefixLength: length }: CIDRPoolSpec): Refusal[] {
  const pool = parseCidr(cidr);
  const longest = LONGEST_BLOCK[pool.family];
  const path = "spec.clusterPrefixLength";
  if (pool.length > longest) {
    return fault(
      "spec.cidr",
      "prefix-too-long",
      `${cidr} is too small for a pool: the smallest block is a /${longest}`,
    );
  }
  if (length < pool.length) {
    return fault(path, "prefix-too-short", `a /${length} is wider than ${cidr}; use ${pool.length} to ${longest}`);
  }
  if (length > longest) {
    return fault(
      path,
      "prefix-too-long",
      `a /${length} leaves a cluster's gateways and nodes no room; use ${pool.length} to ${longest}`,
    );
  }
  return numberFaults(path, length, pool.length, longest);
}

export function clusterRefusals(name: string, spec: ClusterSpec): Refusal[] {
  const faults = [
    ...nameFaults("metadata.name", name),
    ...cidrListFaults("spec.podCIDRs", spec.podCIDRs, reservedRefusal),
    ...cidrListFaults("spec.allowedCIDRs", spec.allowedCIDRs, reservedRefusal),
    ...cidrListFaults("spec.localCIDRs", spec.localCIDRs, everythingRefusal),
  ];
  const overlap = faults.length > 0 ? undefined : rangesRefusal(EMPTY_LEDGER, name, spec);
  return overlap ? [overlap] : faults;
}

/** Every packet of ours fits IPv6's least MTU (RFC 8200, section 5), and IP knows no larger one than the second. */
const MTU = { least: 1280, most: 65_535 } as const;

export function clusterLinkRefusals(name: string, spec: ClusterLinkSpec): Refusal[] {
  const { members, from, to, mtu } = spec;
  const faults = [
    ...nameFaults("metadata.name", name),
    ...sidesFaults(spec),
    ...selectionFaults("spec.members", members),
    ...selectionFaults("spec.from", from),
    ...selectionFaults("spec.to", to),
    ...(mtu === undefined ? [] : numberFaults("spec.mtu", mtu, MTU.least, MTU.most)),
  ];
  return faults.length === 0 && linksNobody(name, spec)
    ? fault("spec", "bad-spec", "links no two clusters; name at least two different ones")
    : faults;
}

function sidesFaults({ members, from, to }: ClusterLinkSpec): Refusal[] {
  const isMesh = members !== undefined && from === undefined && to === undefined;
  const isHubAndSpoke = members === undefined && from !== undefined && to !== undefined;
  return isMesh || isHubAndSpoke
    ? []
    : fault("spec", "bad-spec", "give either members (all are linked with each other) or both from and to");
}

/** An empty matchLabels selects every cluster, as it does in Kubernetes. */
function selectionFaults(path: string, selection: ClusterSelection | undefined): Refusal[] {
  if (selection === undefined) {
    return [];
  }
  const { names = [], matchLabels } = selection;
  return names.length === 0 && matchLabels === undefined
    ? fault(path, "bad-spec", "selects nothing; give names or matchLabels")
    : names.flatMap((name, index) => nameFaults(`${path}.names[${index}]`, name));
}

function linksNobody(name: string, spec: ClusterLinkSpec): boolean {
  const selections = [spec.members, spec.from, spec.to].flatMap((selection) => selection ?? []);
  const named = new Set(selections.flatMap(({ names }) => names ?? []));
  const clusters = [...named].map((each) => ({ metadata: { name: each, labels: {} } }));
  const isByNameOnly = selections.every(({ matchLabels }) => matchLabels === undefined);
  return isByNameOnly && pairsOf({ metadata: { name }, spec }, clusters).length === 0;
}

export function joinTokenRefusals(name: string, spec: JoinTokenSpec): Refusal[] {
  return [
    ...nameFaults("metadata.name", name),
    ...nameFaults("spec.cluster", spec.cluster),
    ...cidrListFaults("spec.podCIDRs", spec.podCIDRs, reservedRefusal),
    ...(Number.isNaN(Date.parse(spec.expiresAt))
      ? fault(
          "spec.expiresAt",
          "bad-spec",
          `${JSON.stringify(spec.expiresAt)} is not a time, such as 2026-01-31T12:00:00Z`,
        )
      : []),
    ...(/^U[A-Z2-7]{55}$/.test(spec.publicKey)
      ? []
      : fault("spec.publicKey", "bad-spec", "is not the public key of a NATS user (U and 55 more characters)")),
  ];
}

export function ledgerRefusals(name: string, spec: LedgerSpec): Refusal[] {
  const unread = spec.rows.flatMap((row, index) => cidrFaults(`spec.rows[${index}].prefix`, row.prefix));
  const faults = [...singletonFaults(name), ...unread];
  return faults.length > 0 ? faults : ledgerFaults(spec).flatMap((message) => fault("spec", "cidr-overlap", message));
}
