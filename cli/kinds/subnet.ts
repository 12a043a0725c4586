import { bitsOf, familyOf, formatAddress, parseCidr } from "../../mesh/cidr.ts";
import type { Subnet, SubnetSpec } from "../../mesh/ipam/resources.ts";
import { selectorText } from "../../mesh/ipam/selector.ts";
import { spanOfCidr } from "../../mesh/ipam/span.ts";
import type { Metadata } from "../../mesh/resources.ts";
import { conditionColumns, renderFields, renderSection } from "../describe.ts";
import type { Look } from "../output.ts";
import type { Cell, Column } from "../table.ts";
import { since } from "../time.ts";
import { ageColumn, conditionsColumn, labelsText, nameColumn } from "./looks.ts";

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
  { title: "BLOCK-SIZE", wide: true, cell: ({ spec }) => blockText(spec) ?? "" },
  { title: "PRIVATE", wide: true, cell: ({ spec }) => (spec.private ? "yes" : "no") },
  { title: "DISABLED", wide: true, cell: ({ spec }) => (spec.disabled ? { text: "yes", tone: "doubt" } : "no") },
  { title: "EXCLUDED", wide: true, cell: ({ spec }) => spec.excludeIPs.join(",") },
  { title: "RESERVED", wide: true, cell: ({ spec }) => spec.reservedIPs.join(",") },
  { title: "NODE-SELECTOR", wide: true, cell: ({ spec }) => selectorText(spec.nodeSelector) },
  conditionsColumn,
  { ...ageColumn, wide: true },
];

/** A Subnet as `trestle subnet show` draws it. */
export function describeSubnet(subnet: Subnet, look: Look): string {
  const { metadata, spec, status } = subnet;
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
    ["Node block", blockText(spec)],
    ["Nodes", selectorText(spec.nodeSelector)],
    ["Private", spec.private ? "yes: only for pods that name it" : undefined],
    ["Disabled", spec.disabled ? "yes: nothing is issued from it" : undefined],
    ["Deleted", deletionText(metadata, look)],
    ["Masquerade", masqueradeText(spec)],
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

/** First and last address that it may issue: of its range, else of its CIDR less what no host may have. */
function endsOf({ cidr, range }: SubnetSpec): { readonly start: string; readonly end: string } {
  if (range !== undefined) return range;
  const { family, first, last } = spanOfCidr(parseCidr(cidr));
  return {
    start: formatAddress({ family, value: first + 1n }),
    end: formatAddress({ family, value: family === 4 ? last - 1n : last }),
  };
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

function blockText({ blockSize, cidr }: SubnetSpec): string | undefined {
  if (blockSize === undefined) return undefined;
  const addresses = 2n ** BigInt(bitsOf(familyOf(cidr)) - blockSize);
  return `/${blockSize} (${addresses})`;
}

/** It is held while an address is in use; nothing is issued from it meanwhile. */
function deletionText({ deletionTimestamp }: Metadata, { now }: Look): string | undefined {
  return deletionTimestamp && `${since(deletionTimestamp, now)} ago: it goes when no address of it is in use`;
}

function masqueradeText({ masquerade }: SubnetSpec): string | undefined {
  return masquerade === undefined ? undefined : masquerade ? "on the way out of the mesh" : "never";
}
