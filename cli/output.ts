import pc from "picocolors";
import { stringify } from "yaml";
import { isData } from "./format.ts";
import type { OutputFormat } from "./format.ts";
import { renderTable } from "./table.ts";
import type { Column, Paint, Tone } from "./table.ts";
import type { Shell } from "./shell.ts";

/** Rows as a table, or as one JSON or YAML array. No rows make no table at all. */
export function renderList<T>(
  shell: Shell,
  format: OutputFormat,
  columns: readonly Column<T>[],
  rows: readonly T[],
): string {
  if (isData(format)) return renderData(format, rows);
  if (rows.length === 0) return "";
  return renderTable(columns, rows, { wide: format === "wide", now: shell.clock.now(), paint: painter(shell) });
}

/** One value: as JSON or YAML whole, else as `describe` draws it for a person. */
export function renderOne<T>(shell: Shell, format: OutputFormat, value: T, describe: (look: Look) => string): string {
  if (isData(format)) return renderData(format, value);
  return describe({ wide: format === "wide", now: shell.clock.now(), paint: painter(shell) });
}

/** What a drawing needs to know besides the thing it draws. */
export interface Look {
  readonly wide: boolean;
  readonly now: number;
  readonly paint: Paint;
}

function renderData(format: "json" | "yaml", value: unknown): string {
  // Long lines stay whole in YAML: a public key or a message must be found by grep.
  return format === "json" ? `${JSON.stringify(value, undefined, 2)}\n` : stringify(value, { lineWidth: 0 });
}

function painter(shell: Shell): Paint {
  const colours = pc.createColors(shell.colour);
  const strokes: Readonly<Record<Tone, (text: string) => string>> = {
    good: colours.green,
    doubt: colours.yellow,
    bad: colours.red,
    faint: colours.dim,
  };
  return (text, tone) => strokes[tone](text);
}
