import { chmod, mkdir, open, readFile, rename, rm } from "node:fs/promises";
import path from "node:path";
import type { z } from "zod";
import { MeshError, messageOf } from "./errors.ts";
import type { Log } from "./log.ts";
import { lockFolder } from "./folder-lock.ts";

/**
 * A daemon's folder on disk: 0700, files 0600, each replaced whole by rename and fsync. Values are JSON in an envelope
 * that carries its version; one that can't be read is set aside as `NAME.corrupt-<n>` and told, never silently replaced.
 */
export interface StateFolder {
  readonly path: string;
  /**
   * The value last written; undefined when there is none, or when it had to be set aside. What can't be made again and
   * must not be missed by a restart either (keys that others pin) is read with `throw`: then it stays where it is.
   * @throws MeshError `state-corrupt` with `throw`
   */
  read<T>(name: string, schema: z.ZodType<T>, whenCorrupt?: "set-aside" | "throw"): Promise<T | undefined>;
  write(name: string, value: unknown): Promise<void>;
  /** Keys, PEM, JWT, configurations of other programs: the file's text as it is. Undefined when there is none. */
  readText(name: string): Promise<string | undefined>;
  writeText(name: string, text: string): Promise<void>;
  readBytes(name: string): Promise<Uint8Array | undefined>;
  writeBytes(name: string, bytes: Uint8Array): Promise<void>;
  remove(name: string): Promise<void>;
  /** Gives the folder to the next process. */
  unlock(): Promise<void>;
}

const ENVELOPE_VERSION = 1;

/**
 * Opens `folder`, makes it if need be, and locks it for this process.
 * @throws MeshError `state-locked` when another living process has it, `state-unusable` when it can't be made or written
 */
export async function openStateFolder(folder: string, log: Log): Promise<StateFolder> {
  await orUnusable(folder, "make", async () => {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await chmod(folder, 0o700);
  });
  const unlock = await orUnusable(folder, "lock", () => lockFolder(folder));
  const at = (name: string): string => path.join(folder, name);

  const readBytes = (name: string): Promise<Uint8Array | undefined> =>
    orUnusable(at(name), "read", () => readFile(at(name)).catch(absent));
  const writeBytes = (name: string, bytes: Uint8Array): Promise<void> =>
    orUnusable(at(name), "write", () => replaceFile(folder, name, bytes));

  return {
    path: folder,
    readBytes,
    writeBytes,
    readText: async (name) => decode(await readBytes(name)),
    writeText: (name, text) => writeBytes(name, new TextEncoder().encode(text)),
    read: async (name, schema, whenCorrupt = "set-aside") => {
      const text = decode(await readBytes(name));
      if (text === undefined) return undefined;
      try {
        return schema.parse(openEnvelope(text));
      } catch (error) {
        if (whenCorrupt === "throw") {
          const message = `${at(name)} can't be read (${messageOf(error)}); restore it from a backup, or move it away to start anew`;
          throw new MeshError("state-corrupt", message, { retry: false, cause: error });
        }
        const aside = await orUnusable(at(name), "set aside", () => setAside(folder, name));
        log.error(
          { event: "state-corrupt", file: at(name), aside, error },
          `${at(name)} can't be read; kept as ${aside}`,
        );
        return undefined;
      }
    },
    write: (name, value) =>
      writeBytes(name, new TextEncoder().encode(JSON.stringify({ version: ENVELOPE_VERSION, value }))),
    remove: (name) =>
      orUnusable(at(name), "remove", async () => {
        await rm(at(name), { force: true });
        await syncFolder(folder);
      }),
    unlock,
  };
}

function openEnvelope(text: string): unknown {
  const envelope: unknown = JSON.parse(text);
  if (typeof envelope !== "object" || envelope === null || !("version" in envelope) || !("value" in envelope)) {
    throw new Error("not an envelope {version, value}");
  }
  if (envelope.version !== ENVELOPE_VERSION)
    throw new Error(`version ${String(envelope.version)}, not ${ENVELOPE_VERSION}`);
  return envelope.value;
}

async function replaceFile(folder: string, name: string, bytes: Uint8Array): Promise<void> {
  const temporary = path.join(folder, `.${name}.${crypto.randomUUID()}`);
  try {
    const file = await open(temporary, "wx", 0o600);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path.join(folder, name));
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(folder);
}

/** A rename is on disk only when its folder is. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Renames to the first `NAME.corrupt-<n>` that is free, and returns that name. */
async function setAside(folder: string, name: string): Promise<string> {
  for (let n = 1; ; n += 1) {
    const aside = path.join(folder, `${name}.corrupt-${n}`);
    const taken = await open(aside, "wx", 0o600).catch(() => undefined);
    if (taken === undefined && n < 1_000) continue;
    await taken?.close();
    await rename(path.join(folder, name), aside);
    await syncFolder(folder);
    return aside;
  }
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code === "ENOENT") return undefined;
  throw error;
}

function decode(bytes: Uint8Array | undefined): string | undefined {
  return bytes && new TextDecoder().decode(bytes);
}

async function orUnusable<T>(what: string, verb: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof MeshError) throw error;
    throw new MeshError("state-unusable", `can't ${verb} ${what}: ${messageOf(error)}`, { retry: true, cause: error });
  }
}
