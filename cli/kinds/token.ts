import type { JoinToken } from "../../mesh/resources.ts";
import type { Cell, Column } from "../table.ts";
import { age, since } from "../time.ts";
import { ageColumn, nameColumn } from "./looks.ts";

export const tokenColumns: readonly Column<JoinToken>[] = [
  nameColumn,
  { title: "CLUSTER", cell: ({ spec }) => spec.cluster },
  { title: "STATE", cell: stateCell },
  { title: "EXPIRES IN", cell: ({ spec }, now) => remaining(spec.expiresAt, now) },
  { title: "POD CIDRS", cell: ({ spec }) => spec.podCIDRs.join(",") },
  { title: "USED", wide: true, cell: ({ status }, now) => since(status.usedAt, now) },
  { title: "USED BY", wide: true, cell: ({ status }) => status.usedBy ?? "" },
  ageColumn,
];

function stateCell({ spec, status }: JoinToken, now: number): Cell {
  if (status.usedAt !== undefined) return { text: "used", tone: "faint" };
  return Date.parse(spec.expiresAt) <= now ? { text: "expired", tone: "bad" } : { text: "usable", tone: "good" };
}

function remaining(expiresAt: string, now: number): string {
  const left = Date.parse(expiresAt) - now;
  return left > 0 ? age(left) : "";
}
