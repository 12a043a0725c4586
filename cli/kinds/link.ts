import type { ClusterLink, ClusterLinkSpec, ClusterSelection, PairState } from "../../mesh/resources.ts";
import { conditionColumns, renderFields, renderSection } from "../describe.ts";
import type { Look } from "../output.ts";
import type { Cell, Column } from "../table.ts";
import { since } from "../time.ts";
import { ageColumn, labelsText, nameColumn } from "./looks.ts";
import { pairColumns } from "./pair.ts";

export const linkColumns: readonly Column<ClusterLink>[] = [
  nameColumn,
  { title: "CLUSTERS", cell: ({ spec }) => whoText(spec) },
  {
    title: "TUNNEL",
    cell: ({ spec }) => (spec.tunnel === "VXLAN" ? { text: "VXLAN (clear)", tone: "doubt" } : spec.tunnel),
  },
  { title: "MTU", wide: true, cell: ({ spec }) => (spec.mtu === undefined ? "" : String(spec.mtu)) },
  { title: "PAIRS UP", cell: pairsCell },
  { title: "READY", cell: readyCell },
  { title: "STATES", wide: true, cell: ({ status }) => countsText(status.pairs) },
  ageColumn,
];

/** `east,west`, `tier=edge`, or `hub -> east,west` */
function whoText({ members, from, to }: ClusterLinkSpec): string {
  return members === undefined ? `${selectionText(from)} -> ${selectionText(to)}` : selectionText(members);
}

function selectionText(selection: ClusterSelection | undefined): string {
  return [selection?.names?.join(","), labelsText(selection?.matchLabels ?? {})].filter(Boolean).join(",");
}

function pairsCell({ status }: ClusterLink): Cell {
  const all = Object.values(status.pairs).reduce((sum, count) => sum + count, 0);
  const up = status.pairs.Up + status.pairs.Degraded;
  return { text: `${up}/${all}`, tone: up === all ? "good" : up === 0 ? "bad" : "doubt" };
}

function readyCell({ status }: ClusterLink): Cell {
  const ready = status.conditions.find(({ type }) => type === "Ready");
  if (ready === undefined) return "";
  return ready.status === "True" ? { text: "True", tone: "good" } : { text: ready.reason, tone: "bad" };
}

function countsText(counts: ClusterLink["status"]["pairs"]): string {
  const states: readonly PairState[] = ["Up", "Degraded", "Pending", "Doubtful", "Unreachable"];
  return states
    .filter((state) => counts[state] > 0)
    .map((state) => `${counts[state]} ${state}`)
    .join(", ");
}

/** A link as `trestle link show` draws it. */
export function describeLink({ metadata, spec, status }: ClusterLink, look: Look): string {
  const fields = renderFields([
    ["Name", metadata.name],
    ["Clusters", whoText(spec)],
    ["Shape", spec.members === undefined ? "hub and spoke" : "full mesh"],
    ["Tunnel", spec.tunnel === "VXLAN" ? "VXLAN, which does not encrypt" : spec.tunnel],
    ["Path MTU", spec.mtu === undefined ? undefined : String(spec.mtu)],
    ["Pairs", countsText(status.pairs) || "none"],
    ["Labels", labelsText(metadata.labels)],
    ["Created", `${since(metadata.creationTimestamp, look.now)} ago`],
  ]);
  const pairs = renderSection("Worst pairs", pairColumns, status.worst, look);
  return fields + pairs + renderSection("Conditions", conditionColumns, status.conditions, look);
}
