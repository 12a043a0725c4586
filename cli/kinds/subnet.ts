import { bitsOf, familyOf, formatAddress } from "../../mesh/cidr.ts";
import { blockLengthOf } from "../../mesh/ipam/blocks.ts";
import type { Network, Subnet, SubnetSpec } from "../../mesh/ipam/resources.ts";
import { selectorText } from "../../mesh/ipam/selector.ts";
import { spanSize } from "../../mesh/ipam/span.ts";
import { supplyOf } from "../../mesh/ipam/supply.ts";
import { conditionColumns, renderFields, renderSection } from "../describe.ts";
import type { Look } from "../output.ts";
import type { Cell, Column } from "../table.ts";
import { since } from "../time.ts";
import { ageColumn, conditionsColumn, deletionText, labelsText, nameColumn } from "./looks.ts";

export const subnetColumns: readonly Column<Subnet>[] = [
  nameColumn,
  { title: "VERSION", cell: ({ spec }) => String(familyOf(spec.cidr)) },
  { title: "CIDR", cell: ({ spec }) => spec.cidr },
  { title: "START", cell: ({ spec }) => endsOf(spec).start },
  { title: "END", cell: ({ spec }) => endsOf(spec).end },
  { title: "GATEWAY", cell: ({ spec }) => spec.gateway ?? "" },
  { title: "TOTAL", cell: (subnet) => counted(subnet, "total") },
  { title: "USED", cell: (subnet) => counted(subnet, "used") },
  { title: "AVAILABLE", cell: availableCell },
  { title: "NETWORK", cell: ({ spec }) => spec.network },
  { title: "BLOCK-SIZE", wide: true, cell: ({ spec }) => blockText(spec.cidr, spec.blockSize) ?? "" },
  { title: "PRIVATE", wide: true, cell: ({ spec }) => (spec.private ? "yes" : "no") },
  { title: "DISABLED", wide: true, cell: ({ spec }) => (spec.disabled ? { text: "yes", tone: "doubt" } : "no") },
  { title: "EXCLUDED", wide: true, cell: ({ spec }) => spec.excludeIPs.join(",") },
  { title: "RESERVED", wide: true, cell: ({ spec }) => spec.reservedIPs.join(",") },
  { title: "NODE-SELECTOR", wide: true, cell: ({ spec }) => selectorText(spec.nodeSelector) },
  conditionsColumn,
  { ...ageColumn, wide: true },
];

/**
 * A Subnet as `trestle subnet show` draws it, with what is usual where it says nothing.
 * @param network its own, if that is there
 */
export function describeSubnet(subnet: Subnet, network: Network | undefined, look: Look): string {
  const { metadata, spec, status } = subnet;
  const type = network?.spec.type;
  const { start, end } = endsOf(spec);
  const fields = renderFields([
    ["Name", metadata.name],
    ["Network", spec.network],
    ["CIDR", spec.cidr],
    ["Range", `${start} to ${end}`],
    ["Gateway", spec.gateway],
    ["Gateway check", spec.checkGateway ? "yes: no address while it does not answer" : undefined],
    ["Excluded", spec.excludeIPs.join("\n")],
    ["Reserved", spec.reservedIPs.join("\n")],
    ["Node block", blockText(spec.cidr, type === "Overlay" ? blockLengthOf(spec) : spec.blockSize)],
    ["Nodes", selectorText(spec.nodeSelector)],
    ["Private", spec.private ? "yes: only for pods that name it" : undefined],
    ["Disabled", spec.disabled ? "yes: nothing is issued from it" : undefined],
    ["Deleted", deletionText(metadata, "no address of it is in use", look.now)],
    ["Masquerade", masqueradeText(spec, type)],
    [
      "Addresses",
      isCounted(subnet)
        ? `${status.available} available, ${status.used} used, ${status.total} in all`
        : "not counted yet",
    ],
    ["Labels", labelsText(metadata.labels)],
    ["Created", `${since(metadata.creationTimestamp, look.now)} ago`],
  ]);
  return fields + renderSection("Conditions", conditionColumns, status.conditions, look);
}

/** First and last address that it may issue, by name alone or to anybody; of one that issues nothing, all of its range. */
function endsOf(spec: SubnetSpec): { readonly start: string; readonly end: string } {
  const { span, total, isUsable } = supplyOf(spec);
  let [first, last] = [0, Number(spanSize(span)) - 1];
  while (total > 0 && !isUsable(first)) first += 1;
  while (total > 0 && !isUsable(last)) last -= 1;
  const addressAt = (place: number): string =>
    formatAddress({ family: span.family, value: span.first + BigInt(place) });
  return { start: addressAt(first), end: addressAt(last) };
}

/** A new object has a status of zeros; nobody has counted anything then. */
function isCounted({ status }: Subnet): boolean {
  return status.total > 0 || status.used > 0 || status.conditions.length > 0;
}

function counted(subnet: Subnet, of: "total" | "used" | "available"): string {
  return isCounted(subnet) ? String(subnet.status[of]) : "";
}

function availableCell(subnet: Subnet): Cell {
  const text = counted(subnet, "available");
  return text === "0" ? { text, tone: "bad" } : text;
}

function blockText(cidr: string, length: number | undefined): string | undefined {
  if (length === undefined) return undefined;
  return `/${length} (${2n ** BigInt(bitsOf(familyOf(cidr)) - length)})`;
}

function masqueradeText({ masquerade }: SubnetSpec, type: Network["spec"]["type"] | undefined): string | undefined {
  const words = (isDone: boolean): string => (isDone ? "on the way out of the mesh" : "never");
  if (masquerade !== undefined) return words(masquerade);
  return type && `${words(type === "Overlay")} (usual of an ${type.toLowerCase()})`;
}
