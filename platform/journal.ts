import { constants } from "node:fs";
import { open } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { crc32 } from "node:zlib";
import { z } from "zod";
import { MeshError, messageOf } from "./errors.ts";
import type { Log } from "./log.ts";
import type { StateFolder } from "./state-folder.ts";

/**
 * A file that only grows: records are on disk before whoever appended them hears of it. What is appended while the disk
 * is busy shares the next fsync. One line a batch, `<CRC-32 of the rest, 8 hex digits> <JSON array>`, after a line that
 * says which journal it is; so only the last line can be torn, and none of its records was ever answered for.
 */
export interface Journal<T> {
  /**
   * Resolves when the record is on disk.
   * @throws MeshError `journal-failed` (retry): it is not there, and what was appended before is
   */
  append(record: T): Promise<void>;
  /** Puts these in the place of all there is, in one step: what a compaction leaves. Not while an append is under way. */
  rewrite(records: readonly T[]): Promise<void>;
  /** Batches since it was opened or rewritten, those it was opened with too. */
  readonly length: number;
  close(): Promise<void>;
}

export interface JournalOptions<T> {
  readonly folder: StateFolder;
  /** Of the file in the folder. */
  readonly name: string;
  /** Of its records' format; a journal of a later one is refused. */
  readonly version: number;
  readonly schema: z.ZodType<T>;
  readonly log: Log;
}

const header = z.object({ journal: z.string(), version: z.int() });

/**
 * Opens a journal, makes it where there is none, and cuts a torn end off. One of an earlier version is written anew as one
 * of this version: what reads no more than that refuses it, instead of taking new records for damage.
 * @returns it, and the records it holds in the order they were appended
 * @throws MeshError `journal-newer` and `journal-corrupt`, which leave the file as it is; `state-unusable`
 */
export async function openJournal<T>(
  options: JournalOptions<T>,
): Promise<{ readonly journal: Journal<T>; readonly records: readonly T[] }> {
  const { folder, name, version, log } = options;
  const head = lineOf({ journal: name, version });
  const present = await folder.readBytes(name);
  if (present === undefined) await folder.writeText(name, head);
  const bytes = Buffer.from(present ?? head);
  const { version: of, batches, size } = readBatches(options, bytes);
  if (size < bytes.length) {
    log.warn(
      { event: "journal-torn", file: name, lost: bytes.length - size },
      `cut off what ${name} ended with: a write that never came to its end`,
    );
  }
  const journal = new AppendOnlyJournal<T>(options, head, await openAt(folder, name, size), size, batches.length);
  const records = batches.flat();
  if (of < version) await journal.rewrite(records);
  return { journal, records };
}

class AppendOnlyJournal<T> implements Journal<T> {
  readonly #options: JournalOptions<T>;
  readonly #head: string;
  #file: FileHandle;
  /** Bytes that are on disk and whole. */
  #size: number;
  #length: number;
  #waiting: { readonly record: T; readonly done: PromiseWithResolvers<void> }[] = [];
  #writing: Promise<void> | undefined;

  constructor(options: JournalOptions<T>, head: string, file: FileHandle, size: number, length: number) {
    this.#options = options;
    this.#head = head;
    this.#file = file;
    this.#size = size;
    this.#length = length;
  }

  get length(): number {
    return this.#length;
  }

  append(record: T): Promise<void> {
    const done = Promise.withResolvers<void>();
    this.#waiting.push({ record, done });
    this.#writing ??= this.#writeAll();
    return done.promise;
  }

  async rewrite(records: readonly T[]): Promise<void> {
    await this.#writing;
    const { folder, name } = this.#options;
    const text = this.#head + (records.length === 0 ? "" : lineOf(records));
    await folder.writeText(name, text);
    await this.#file.close();
    this.#size = Buffer.byteLength(text);
    this.#file = await openAt(folder, name, this.#size);
    this.#length = records.length === 0 ? 0 : 1;
  }

  async close(): Promise<void> {
    await this.#writing;
    await this.#file.close();
  }

  async #writeAll(): Promise<void> {
    // All that was appended in this turn of the event loop is one batch.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      try {
        await this.#write(batch.map(({ record }) => record));
        for (const { done } of batch) done.resolve();
      } catch (error) {
        for (const { done } of batch) done.reject(error);
      }
    }
    this.#writing = undefined;
  }

  async #write(records: readonly T[]): Promise<void> {
    const line = Buffer.from(lineOf(records));
    try {
      await writeWhole(this.#file, line, this.#size);
      await this.#file.datasync();
    } catch (error) {
      // What is half there must not come before what follows.
      await this.#file.truncate(this.#size).catch(() => undefined);
      const { folder, name } = this.#options;
      const message = `${folder.path}/${name} could not be written: ${messageOf(error)}; make room on that disk`;
      throw new MeshError("journal-failed", message, { retry: true, cause: error });
    }
    this.#size += line.length;
    this.#length += 1;
  }
}

/** A write may take less than it was given, at the end of a disk for one. */
async function writeWhole(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, written, bytes.length - written, position + written);
    written += bytesWritten;
  }
}

async function openAt(folder: StateFolder, name: string, size: number): Promise<FileHandle> {
  const file = await open(`${folder.path}/${name}`, constants.O_RDWR);
  await file.truncate(size);
  await file.datasync();
  return file;
}

/** The version that wrote it, all whole batches, and how many bytes they and the header take. */
function readBatches<T>(
  { name, version, schema, folder }: JournalOptions<T>,
  bytes: Buffer,
): { readonly version: number; readonly batches: readonly (readonly T[])[]; readonly size: number } {
  const corrupt = (what: string): MeshError =>
    new MeshError(
      "journal-corrupt",
      `${folder.path}/${name} ${what}; restore it, or move it away to start from what the store knows`,
      {
        retry: false,
      },
    );
  if (bytes.length === 0) throw corrupt("is empty");
  const batches: (readonly T[])[] = [];
  const batchSchema = z.array(schema);
  let writer = version;
  let at = 0;
  for (let line = 0; at < bytes.length; line += 1) {
    const end = bytes.indexOf("\n", at);
    const value = end < 0 ? undefined : readLine(bytes.toString("utf8", at, end));
    if (value === undefined) {
      const isLast = end < 0 || end === bytes.length - 1;
      if (line > 0 && isLast) break;
      throw corrupt(`can't be read at line ${line + 1}`);
    }
    if (line === 0) writer = versionOf(value.json, name, version, `${folder.path}/${name}`);
    else {
      const batch = batchSchema.safeParse(value.json);
      if (!batch.success) throw corrupt(`has a record at line ${line + 1} that is none: ${batch.error.message}`);
      batches.push(batch.data);
    }
    at = end + 1;
  }
  return { version: writer, batches, size: at };
}

/** Of what wrote it. */
function versionOf(value: unknown, name: string, version: number, file: string): number {
  const { data } = header.safeParse(value);
  if (data?.journal !== name) {
    throw new MeshError("journal-corrupt", `${file} is no ${name}; move it away`, { retry: false });
  }
  if (data.version > version) {
    throw new MeshError(
      "journal-newer",
      `${file} was written by a later version of Trestle (format ${data.version}, this one reads ${version}); run that version, or let the node leave first`,
      { retry: false },
    );
  }
  return data.version;
}

function lineOf(value: unknown): string {
  const json = JSON.stringify(value);
  return `${crc32(json).toString(16).padStart(8, "0")} ${json}\n`;
}

/** Undefined for a line that is not what was written. */
function readLine(line: string): { readonly json: unknown } | undefined {
  const json = line.slice(9);
  if (line.slice(0, 9) !== `${crc32(json).toString(16).padStart(8, "0")} `) return undefined;
  try {
    return { json: JSON.parse(json) as unknown };
  } catch {
    return undefined;
  }
}
