import { stripVTControlCharacters } from "node:util";

/** `good`, `bad` and `doubt` get a colour where there is colour; the words alone must say it all. */
export type Tone = "good" | "doubt" | "bad" | "faint";
export type Cell = string | { readonly text: string; readonly tone: Tone };

export interface Column<T> {
  readonly title: string;
  /** Only in `--output wide`. */
  readonly wide?: boolean;
  /** `now` is milliseconds since the epoch, for ages. An empty text is shown as `-`. */
  cell(row: T, now: number): Cell;
}

/** Puts a tone on a text, or does nothing where colour is not wanted. */
export type Paint = (text: string, tone: Tone) => string;

export interface TableOptions {
  readonly wide: boolean;
  readonly now: number;
  readonly paint: Paint;
}

const GAP = "   ";

/** Columns aligned by spaces, as kubectl does it, so that a line can be cut by awk; ends with a newline. */
export function renderTable<T>(columns: readonly Column<T>[], rows: readonly T[], options: TableOptions): string {
  const shown = columns.filter((column) => options.wide || column.wide !== true);
  const head = shown.map((column) => column.title);
  const body = rows.map((row) => shown.map((column) => column.cell(row, options.now)));
  const widths = head.map((title, at) =>
    Math.max(width(title), ...body.map((cells) => width(textOf(cells[at] ?? "")))),
  );
  return [head, ...body].map((cells) => `${renderLine(cells, widths, options.paint)}\n`).join("");
}

function renderLine(cells: readonly Cell[], widths: readonly number[], paint: Paint): string {
  const padded = cells.map((cell, at) => {
    const text = textOf(cell);
    const space = at === cells.length - 1 ? "" : " ".repeat((widths[at] ?? 0) - width(text));
    return (typeof cell === "string" ? text : paint(text, cell.tone)) + space;
  });
  return padded.join(GAP);
}

/** What others wrote (labels, messages) can't move the cursor or forge a line. */
function textOf(cell: Cell): string {
  const text = typeof cell === "string" ? cell : cell.text;
  return stripVTControlCharacters(text).replaceAll(/\p{Cc}+/gu, " ") || "-";
}

const graphemes = new Intl.Segmenter();

function width(text: string): number {
  return Array.from(graphemes.segment(text)).length;
}
