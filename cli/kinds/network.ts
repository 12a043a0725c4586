import { DEFAULT_NETWORK } from "../../mesh/ipam/network-choice.ts";
import type { AddressCounts, Network, NetworkStatus, Subnet } from "../../mesh/ipam/resources.ts";
import { selectorText } from "../../mesh/ipam/selector.ts";
import { conditionColumns, renderFields, renderSection } from "../describe.ts";
import type { Look } from "../output.ts";
import type { Cell, Column } from "../table.ts";
import { since } from "../time.ts";
import { ageColumn, conditionsColumn, deletionText, labelsColumn, labelsText, nameColumn } from "./looks.ts";
import { subnetColumns } from "./subnet.ts";

export const networkColumns: readonly Column<Network>[] = [
  nameColumn,
  { title: "TYPE", cell: ({ spec }) => spec.type },
  { title: "TOTAL", cell: ({ status }) => byFamily(status, "total") },
  { title: "USED", cell: ({ status }) => byFamily(status, "used") },
  { title: "AVAILABLE", cell: availableCell },
  { title: "LAST-SUBNET", cell: ({ status }) => status.lastAllocatedSubnet ?? "" },
  { title: "DEFAULT", wide: true, cell: (network) => (isMarkedDefault(network) ? "yes" : "") },
  { title: "NODE-SELECTOR", wide: true, cell: ({ spec }) => selectorText(spec.nodeSelector) },
  conditionsColumn,
  labelsColumn,
  { ...ageColumn, wide: true },
];

/** A Network as `trestle network show` draws it, with its Subnets. */
export function describeNetwork(network: Network, subnets: readonly Subnet[], look: Look): string {
  const { metadata, spec, status } = network;
  const own = subnets.filter((subnet) => subnet.spec.network === metadata.name);
  const fields = renderFields([
    ["Name", metadata.name],
    ["Type", spec.type],
    ["Default", isMarkedDefault(network) ? "yes: of pods that choose none" : undefined],
    ["Nodes", selectorText(spec.nodeSelector)],
    ["IPv4", countsText(status.ipv4)],
    ["IPv6", countsText(status.ipv6)],
    ["Last Subnet", status.lastAllocatedSubnet],
    ["Deleted", deletionText(metadata, "no Subnet is of it", look.now)],
    ["Labels", labelsText(metadata.labels)],
    ["Created", `${since(metadata.creationTimestamp, look.now)} ago`],
  ]);
  const listed = renderSection("Subnets", subnetColumns, own, { ...look, wide: false });
  return fields + listed + renderSection("Conditions", conditionColumns, status.conditions, look);
}

/** Whether somebody made it the default; where nobody did of any, the overlay is. */
export function isMarkedDefault({ metadata }: Pick<Network, "metadata">): boolean {
  return metadata.annotations[DEFAULT_NETWORK] === "true";
}

/** `65533`, or of both families `65533/65536`, IPv4 first. */
function byFamily({ ipv4, ipv6 }: NetworkStatus, of: keyof AddressCounts): string {
  return [ipv4, ipv6].flatMap((counts) => (counts === undefined ? [] : [counts[of]])).join("/");
}

function availableCell({ status }: Network): Cell {
  const text = byFamily(status, "available");
  const isExhausted = [status.ipv4, status.ipv6].some((counts) => counts !== undefined && counts.available === 0);
  return isExhausted ? { text, tone: "bad" } : text;
}

function countsText(counts: AddressCounts | undefined): string | undefined {
  return counts && `${counts.available} available, ${counts.used} used, ${counts.total} in all`;
}
