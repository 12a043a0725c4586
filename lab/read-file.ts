import { readFileSync } from "node:fs";
import { isMap, isNode, isScalar, LineCounter, parseDocument } from "yaml";
import type { Document } from "yaml";
import { z } from "zod";
import { MeshError, messageOf } from "../platform/errors.ts";
import { labFile } from "./file.ts";
import type { LabFile } from "./file.ts";
import { checkReferences } from "./file-references.ts";
import { closest } from "./closest.ts";

/** Reads the lab file at `file`. @throws MeshError `bad-lab-file` that lists every fault with its line and column */
export function readLabFile(file: string): LabFile {
  try {
    return parseLabFile(readFileSync(file, "utf8"), file);
  } catch (error) {
    if (error instanceof MeshError) throw error;
    throw new MeshError("bad-lab-file", `can't read the lab file ${file}: ${messageOf(error)}`, {
      retry: false,
      cause: error,
    });
  }
}

/** Parses a lab file's text; `file` is its name in messages. @throws MeshError `bad-lab-file` */
export function parseLabFile(text: string, file: string): LabFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  // What follows the first is mostly its consequence: of a file that is no YAML at all there would be dozens.
  const broken = document.errors.slice(0, 1).map(({ pos, message }) => ({ offset: pos[0], message }));
  if (broken.length > 0) throw complain(file, lines, broken);
  const read = labFile.safeParse(document.toJS());
  if (!read.success)
    throw complain(
      file,
      lines,
      read.error.issues.flatMap((issue) => locate(issue, document)),
    );
  const dangling = checkReferences(read.data).map(({ path, message }) => ({
    offset: offsetOf(document, path),
    message,
  }));
  if (dangling.length > 0) throw complain(file, lines, dangling);
  return read.data;
}

interface Located {
  readonly offset: number;
  readonly message: string;
}

function complain(file: string, lines: LineCounter, faults: readonly Located[]): MeshError {
  const said = faults
    .toSorted((a, b) => a.offset - b.offset)
    .map(({ offset, message }) => {
      const { line, col } = lines.linePos(offset);
      return `${file}:${line}:${col}: ${message}`;
    });
  return new MeshError("bad-lab-file", said.join("\n"), { retry: false });
}

function locate(issue: z.core.$ZodIssue, document: Document): Located[] {
  const path = issue.path.filter((key) => typeof key !== "symbol");
  if (issue.code !== "unrecognized_keys") return [{ offset: offsetOf(document, path), message: sentence(issue, path) }];
  const known = keysAt(labFile, path);
  return issue.keys.map((key) => {
    const near = closest(key, known);
    const hint = near === undefined ? `known here: ${known.join(", ") || "nothing"}` : `did you mean ${near}?`;
    return { offset: keyOffset(document, path, key), message: `unknown key ${key}; ${hint}` };
  });
}

function sentence(issue: z.core.$ZodIssue, path: readonly (string | number)[]): string {
  const field = path.findLast((key) => typeof key === "string") ?? "the file";
  if (issue.code === "custom") return issue.message;
  return `${field}: ${issue.message.replace("Invalid input: ", "")}`;
}

/** Where the value at `path` starts, or the nearest thing around it that is there. */
function offsetOf(document: Document, path: readonly (string | number)[]): number {
  for (let length = path.length; length >= 0; length -= 1) {
    const found = length === 0 ? document.contents : document.getIn(path.slice(0, length), true);
    if (isNode(found) && found.range) return found.range[0];
  }
  return 0;
}

function keyOffset(document: Document, path: readonly (string | number)[], key: string): number {
  const map = path.length === 0 ? document.contents : document.getIn(path, true);
  const pair = isMap(map) ? map.items.find((item) => isScalar(item.key) && item.key.value === key) : undefined;
  return isNode(pair?.key) && pair.key.range ? pair.key.range[0] : offsetOf(document, path);
}

/** Keys the schema knows in the object at `path`. */
function keysAt(schema: z.core.$ZodType, path: readonly (string | number)[]): string[] {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodOptional) return keysAt(schema.unwrap(), path);
  const [key, ...rest] = path;
  if (schema instanceof z.ZodArray) return keysAt(schema.element, rest);
  if (!(schema instanceof z.ZodObject)) return [];
  const shape: Readonly<Record<string, z.core.$ZodType>> = schema.shape;
  if (key === undefined) return Object.keys(shape);
  const inner = shape[key];
  return inner ? keysAt(inner, rest) : [];
}
