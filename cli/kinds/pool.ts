import type { CIDRPool } from "../../mesh/resources.ts";
import { conditionColumns, renderFields, renderSection } from "../describe.ts";
import type { Look } from "../output.ts";
import type { Column } from "../table.ts";
import { since } from "../time.ts";
import { ageColumn, labelsText, nameColumn } from "./looks.ts";

export const poolColumns: readonly Column<CIDRPool>[] = [
  nameColumn,
  { title: "CIDR", cell: ({ spec }) => spec.cidr },
  { title: "BLOCK", cell: ({ spec }) => `/${spec.clusterPrefixLength}` },
  { title: "PURPOSE", cell: ({ spec }) => spec.purpose },
  { title: "TOTAL", cell: ({ status }) => String(status.total) },
  { title: "ALLOCATED", cell: ({ status }) => String(status.allocated) },
  {
    title: "FREE",
    cell: ({ status }) => (status.total > 0 && status.free === 0 ? { text: "0", tone: "bad" } : String(status.free)),
  },
  ageColumn,
];

/** A pool as `trestle pool show` draws it. */
export function describePool({ metadata, spec, status }: CIDRPool, look: Look): string {
  const fields = renderFields([
    ["Name", metadata.name],
    ["CIDR", spec.cidr],
    ["Cluster block", `/${spec.clusterPrefixLength}`],
    ["Purpose", spec.purpose],
    ["Blocks", `${status.allocated} allocated, ${status.free} free, ${status.total} in all`],
    ["Labels", labelsText(metadata.labels)],
    ["Created", `${since(metadata.creationTimestamp, look.now)} ago`],
  ]);
  return fields + renderSection("Conditions", conditionColumns, status.conditions, look);
}
