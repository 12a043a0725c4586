import { isSeq, LineCounter, parseAllDocuments } from "yaml";
import type { Document } from "yaml";

/** One object as somebody wrote it, still unchecked. */
export interface WrittenObject {
  readonly value: unknown;
  /** Counted from 1 in its file, as `---` separates them. */
  readonly document: number;
  /** Line of a field, or of the nearest one around it that is there; counted from 1. */
  lineOf(path: readonly (string | number)[]): number;
}

/** Something in a file that must be put right first. */
export interface Fault {
  readonly document: number;
  readonly line: number;
  readonly message: string;
}

export interface ReadDocuments {
  readonly objects: readonly WrittenObject[];
  readonly faults: readonly Fault[];
}

/** Cuts YAML (or JSON) into objects: a document each, or a document that is a list of them, as `get --output yaml` prints. */
export function readDocuments(text: string): ReadDocuments {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: lines });
  const objects: WrittenObject[] = [];
  const faults: Fault[] = [];
  if (!("length" in documents)) return { objects, faults };
  for (const [at, parsed] of documents.entries()) {
    const document = at + 1;
    const found = [...parsed.errors, ...parsed.warnings];
    faults.push(
      ...found.map(({ message, pos }) => ({ document, line: lines.linePos(pos[0]).line, message: firstLine(message) })),
    );
    if (found.length === 0) objects.push(...objectsOf(parsed, document, lines));
  }
  return { objects, faults };
}

function objectsOf(parsed: Document.Parsed, document: number, lines: LineCounter): WrittenObject[] {
  const written = (value: unknown, base: readonly (string | number)[]): WrittenObject => ({
    value,
    document,
    lineOf: (path) => lineOf(parsed, [...base, ...path], lines),
  });
  const value: unknown = parsed.toJS();
  // A file that begins with `---`, or ends with it, has an empty document there.
  if (value === null || value === undefined) return [];
  if (isSeq(parsed.contents) && Array.isArray(value)) return value.map((item, at) => written(item, [at]));
  return [written(value, [])];
}

function lineOf(parsed: Document.Parsed, path: readonly (string | number)[], lines: LineCounter): number {
  for (let depth = path.length; depth >= 0; depth -= 1) {
    const node: unknown = depth === 0 ? parsed.contents : parsed.getIn(path.slice(0, depth), true);
    const start = rangeStart(node);
    if (start !== undefined) return lines.linePos(start).line;
  }
  return lines.linePos(parsed.range[0]).line;
}

function rangeStart(node: unknown): number | undefined {
  const range: unknown = typeof node === "object" && node !== null && "range" in node ? node.range : undefined;
  return Array.isArray(range) && typeof range[0] === "number" ? range[0] : undefined;
}

/** The yaml library draws the place below its message; we say the line ourselves. */
function firstLine(message: string): string {
  return (message.split("\n")[0] ?? message).replace(/ at line \d+, column \d+:?$/, "");
}
