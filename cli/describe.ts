import type { Condition } from "../mesh/resources.ts";
import type { Look } from "./output.ts";
import { renderTable } from "./table.ts";
import type { Column, Tone } from "./table.ts";
import { since } from "./time.ts";

/** Label and value; a value of several lines hangs below its first; an empty one is left out. */
export type Field = readonly [label: string, value: string | undefined];

/** `Label:   value`, values aligned; ends with a newline. */
export function renderFields(fields: readonly Field[]): string {
  const present = fields.filter(([, value]) => value);
  const indent = Math.max(0, ...present.map(([label]) => label.length)) + 4;
  return present.map(([label, value = ""]) => `${`${label}:`.padEnd(indent)}${hang(value, indent)}\n`).join("");
}

function hang(value: string, indent: number): string {
  return value.split("\n").join(`\n${" ".repeat(indent)}`);
}

/** A titled table below the fields, or nothing when it has no rows. */
export function renderSection<T>(title: string, columns: readonly Column<T>[], rows: readonly T[], look: Look): string {
  if (rows.length === 0) return "";
  const lines = renderTable(columns, rows, look).trimEnd().split("\n");
  return `\n${title}:\n${lines.map((line) => `  ${line}\n`).join("")}`;
}

/** Columns of the conditions every kind may have. */
export const conditionColumns: readonly Column<Condition>[] = [
  { title: "CONDITION", cell: ({ type }) => type },
  { title: "STATUS", cell: ({ status }) => ({ text: status, tone: toneOf(status) }) },
  { title: "REASON", cell: ({ reason }) => reason },
  { title: "SINCE", cell: ({ lastTransitionTime }, now) => since(lastTransitionTime, now) },
  { title: "MESSAGE", cell: ({ message }) => message },
];

function toneOf(status: Condition["status"]): Tone {
  return status === "True" ? "good" : status === "False" ? "bad" : "doubt";
}
