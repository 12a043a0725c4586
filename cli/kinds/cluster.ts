import type { Cluster, GatewayRecord } from "../../mesh/resources.ts";
import { compareRevisions } from "../../mesh/revision.ts";
import { conditionColumns, renderFields, renderSection } from "../describe.ts";
import type { Look } from "../output.ts";
import type { Cell, Column } from "../table.ts";
import { since } from "../time.ts";
import { ageColumn, labelsColumn, labelsText, nameColumn, revisionText } from "./looks.ts";

export const clusterColumns: readonly Column<Cluster>[] = [
  nameColumn,
  { title: "NUMBER", cell: ({ status }) => numberText(status.number) },
  { title: "POD CIDRS", cell: ({ status }) => status.podCIDRs.join(",") },
  { title: "MESH PREFIXES", wide: true, cell: ({ status }) => status.meshPrefixes.join(",") },
  { title: "GATEWAYS", cell: ({ status }) => String(status.gateways.length) },
  { title: "DESIRED", wide: true, cell: ({ status }) => revisionText(status.revision.desired) },
  { title: "APPLIED", cell: appliedCell },
  { title: "LAST SEEN", cell: ({ status }, now) => since(status.lastSeen, now) },
  { title: "PAUSED", wide: true, cell: ({ spec }) => (spec.paused ? "yes" : "no") },
  labelsColumn,
  ageColumn,
];

/** The applied revision, doubtful while it is behind what the hub wants. */
function appliedCell({ status }: Cluster): Cell {
  const { desired, applied } = status.revision;
  const text = revisionText(applied);
  const isBehind = desired !== undefined && (applied === undefined || compareRevisions(applied, desired) < 0);
  return isBehind ? { text, tone: "doubt" } : text;
}

const gatewayColumns: readonly Column<GatewayRecord>[] = [
  { title: "RANK", cell: ({ rank }) => String(rank) },
  { title: "NODE", cell: ({ name }) => name },
  { title: "ENDPOINTS", cell: ({ endpoints }) => endpoints.join(",") },
  { title: "BASE PORT", cell: ({ basePort }) => String(basePort) },
  { title: "PUBLIC KEY", cell: ({ publicKey }) => publicKey },
];

/** A cluster as `trestle cluster show` draws it. */
export function describeCluster({ metadata, spec, status }: Cluster, look: Look): string {
  const fields = renderFields([
    ["Name", metadata.name],
    ["Number", numberText(status.number)],
    ["Pod CIDRs", status.podCIDRs.join("\n")],
    ["Declared", spec.podCIDRs.join("\n")],
    ["Mesh prefixes", status.meshPrefixes.join("\n")],
    ["May announce", spec.allowedCIDRs.join("\n")],
    ["Local CIDRs", spec.localCIDRs.join("\n")],
    [
      "Revision",
      `${revisionText(status.revision.applied) || "none"} applied, ${revisionText(status.revision.desired) || "none"} desired`,
    ],
    ["Last seen", status.lastSeen === undefined ? "never" : `${since(status.lastSeen, look.now)} ago`],
    ["Paused", spec.paused ? "yes: the hub publishes it nothing new" : undefined],
    ["Labels", labelsText(metadata.labels)],
    ["Created", `${since(metadata.creationTimestamp, look.now)} ago`],
  ]);
  const gateways = renderSection("Gateways", gatewayColumns, status.gateways, look);
  return fields + gateways + renderSection("Conditions", conditionColumns, status.conditions, look);
}

function numberText(number: number | undefined): string {
  return number === undefined ? "" : String(number);
}
