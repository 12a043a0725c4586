import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parse, stringify } from "yaml";
import { z } from "zod";
import { describeFaults } from "../crds/faults.ts";
import { hubContext } from "../crds/wire/context.ts";
import type { HubContext } from "../crds/wire/context.ts";
import { MeshError, messageOf } from "../platform/errors.ts";
import type { Shell } from "./shell.ts";

/** `~/.config/trestle/contexts.yaml`: the hubs this person knows, and which one is meant when none is named. */
const contextBook = z.object({ current: z.string().optional(), contexts: z.array(hubContext) });
export type ContextBook = z.infer<typeof contextBook>;

/** Where the book is: under XDG_CONFIG_HOME if it is set, else `~/.config`. */
export function bookFile(env: Shell["env"]): string {
  const folder = env["XDG_CONFIG_HOME"] || path.join(env["HOME"] ?? "/", ".config");
  return path.join(folder, "trestle", "contexts.yaml");
}

/** The book, empty when there is no file yet. @throws MeshError `bad-context` naming file and fault */
export function readBook(file: string): ContextBook {
  return readYaml(file, contextBook) ?? { contexts: [] };
}

/** Whole or not at all, and for the owner's eyes only: it holds seeds. */
export function writeBook(file: string, book: ContextBook): void {
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.${process.pid}.new`;
  writeFileSync(draft, stringify(book, { lineWidth: 0 }), { mode: 0o600, flush: true });
  renameSync(draft, file);
}

/** What a hub wrote as `context.yaml`. @throws MeshError `no-context` when there is no such file, `bad-context` */
export function readContextFile(file: string): HubContext {
  const context = readYaml(file, hubContext);
  if (context !== undefined) return context;
  throw new MeshError("no-context", `there is no file ${file}; a hub writes context.yaml into its --state folder`, {
    retry: false,
  });
}

/** Undefined when there is no file. */
function readYaml<T>(file: string, schema: z.ZodType<T>): T | undefined {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw new MeshError("bad-context", `cannot read ${file}: ${messageOf(error)}`, { retry: false, cause: error });
  }
  try {
    return schema.parse(parse(text), { reportInput: true });
  } catch (error) {
    throw new MeshError("bad-context", `${file} is not what a hub or this command wrote: ${faultOf(error)}`, {
      retry: false,
      cause: error,
    });
  }
}

/** The yaml library draws the place below its message: the first line says it all. */
function faultOf(error: unknown): string {
  if (error instanceof z.ZodError) return describeFaults(error);
  return (messageOf(error).split("\n")[0] ?? "").replace(/:$/, "");
}

function isAbsent(error: unknown): boolean {
  return typeof error === "object" && error !== null && "code" in error && error.code === "ENOENT";
}
