import { afterEach, beforeEach, expect, test } from "@jest/globals";
import fc from "fast-check";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { z } from "zod";
import { openJournal } from "./journal.ts";
import { createLog } from "./log.ts";
import { runner } from "./run.ts";
import { openStateFolder } from "./state-folder.ts";
import type { StateFolder } from "./state-folder.ts";

const NAME = "addresses";
const log = createLog({ level: "silent", pretty: false });
let root: string;
let folder: StateFolder;

beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), "trestle-journal-"));
  folder = await openStateFolder(path.join(root, "state"), log);
});
afterEach(() => rm(root, { recursive: true }));

const openIn = (where: StateFolder, version = 1) =>
  openJournal({ folder: where, name: NAME, version, schema: z.string(), log });
const bytesOf = () => readFile(path.join(folder.path, NAME));

/** What a process that starts now finds. */
async function reopened(): Promise<readonly string[]> {
  const { journal, records } = await openIn(folder);
  await journal.close();
  return records;
}

test("what was appended is there after a restart, in order, however many waited for the disk together", async () => {
  const { journal, records } = await openIn(folder);
  expect(records).toEqual([]);
  const words = Array.from({ length: 200 }, (_, at) => `record ${at}`);
  await Promise.all(words.map((word) => journal.append(word)));
  await journal.append("last");
  await journal.close();
  expect(await reopened()).toEqual([...words, "last"]);
  // They shared the disk's attention: far fewer lines than records.
  expect((await bytesOf()).toString().split("\n").length).toBeLessThan(10);
});

test("rewritten, it holds what it was given and goes on from there", async () => {
  const { journal } = await openIn(folder);
  for (const word of ["a", "b", "c"]) await journal.append(word);
  expect(journal.length).toBe(3);
  await journal.rewrite(["c"]);
  expect(journal.length).toBe(1);
  await journal.append("d");
  await journal.close();
  expect(await reopened()).toEqual(["c", "d"]);
});

test("cut off anywhere, it holds every record of the batches before the cut, and takes new ones", async () => {
  const { journal } = await openIn(folder);
  const batches = [["a", "b"], ["c"], ["d", "e", "f"], ["g"]];
  const ends: number[] = [];
  for (const batch of batches) {
    await Promise.all(batch.map((word) => journal.append(word)));
    ends.push((await bytesOf()).length);
  }
  await journal.close();
  const whole = await bytesOf();
  const start = whole.indexOf("\n") + 1;
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: start, max: whole.length }), async (cut) => {
      await writeFile(path.join(folder.path, NAME), whole.subarray(0, cut));
      const kept = batches.filter((_, at) => (ends[at] ?? Infinity) <= cut).flat();
      expect(await reopened()).toEqual(kept);
      const again = await openIn(folder);
      await again.journal.append("more");
      await again.journal.close();
      expect(await reopened()).toEqual([...kept, "more"]);
    }),
    { numRuns: 40 },
  );
});

test.each<[string, (text: string) => string, string]>([
  ["a damaged record before the last", (text) => text.replace("one", "won"), "journal-corrupt"],
  ["a damaged header", (text) => text.replace("version", "vision"), "journal-corrupt"],
  ["no header", () => "", "journal-corrupt"],
  ["something else in it", () => "hello\n", "journal-corrupt"],
])("a journal with %s is refused and left as it is", async (_, damage, code) => {
  const { journal } = await openIn(folder);
  for (const word of ["one", "two"]) await journal.append(word);
  await journal.close();
  const damaged = damage((await bytesOf()).toString());
  await writeFile(path.join(folder.path, NAME), damaged);
  await expect(openIn(folder)).rejects.toMatchObject({ code, retry: false });
  expect((await bytesOf()).toString()).toBe(damaged);
});

test("a journal of a later version is refused and left as it is", async () => {
  const { journal } = await openIn(folder, 2);
  await journal.append("one");
  await journal.close();
  const before = await bytesOf();
  await expect(openIn(folder)).rejects.toMatchObject({ code: "journal-newer", retry: false });
  expect(await bytesOf()).toEqual(before);
});

test("a journal of an earlier version is read, and is one of this version from then on", async () => {
  const { journal } = await openIn(folder);
  for (const word of ["one", "two"]) await journal.append(word);
  await journal.close();
  const { journal: later, records } = await openIn(folder, 2);
  expect(records).toEqual(["one", "two"]);
  await later.append("three");
  await later.close();
  await expect(openIn(folder)).rejects.toMatchObject({ code: "journal-newer" });
  const again = await openIn(folder, 2);
  await again.journal.close();
  expect(again.records).toEqual(["one", "two", "three"]);
});

test("on a full disk a record is refused, nothing before it is lost, and with room there it goes on", async () => {
  const small = path.join(root, "small");
  const host = runner();
  await host("mkdir", [small]);
  await host("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", small]);
  try {
    const where = await openStateFolder(path.join(small, "state"), log);
    const { journal } = await openIn(where);
    await journal.append("before");
    await writeFile(path.join(small, "ballast"), Buffer.alloc(1 << 20)).catch(() => undefined);
    await expect(journal.append("x".repeat(20_000))).rejects.toMatchObject({ code: "journal-failed", retry: true });
    await rm(path.join(small, "ballast"));
    await journal.append("after");
    await journal.close();
    const { journal: again, records } = await openIn(where);
    await again.close();
    expect(records).toEqual(["before", "after"]);
  } finally {
    await host("umount", [small]);
  }
});

/** Opens the journal, appends and rewrites, and says each time on standard output that it is done. */
const WRITER = `
  import { writeSync } from "node:fs";
  import { z } from "zod";
  const [root, name] = process.argv.slice(1);
  const { openJournal } = await import("${path.join(import.meta.dirname, "journal.ts")}");
  const { createLog } = await import("${path.join(import.meta.dirname, "log.ts")}");
  const { openStateFolder } = await import("${path.join(import.meta.dirname, "state-folder.ts")}");
  const log = createLog({ level: "silent", pretty: false });
  const folder = await openStateFolder(root, log);
  const { journal } = await openJournal({ folder, name, version: 1, schema: z.string(), log });
  writeSync(1, "opened");
  await journal.append("one");
  writeSync(1, "appended");
  await journal.rewrite(["one"]);
  writeSync(1, "rewritten");
  await journal.append("two");
  writeSync(1, "appended");
`;

/** What a process did with a file, and said, in order, of what strace wrote: a sync counts once it has come to its end. */
function tracedSteps(trace: string, file: string): string[] {
  const syncing = new Set<string>();
  return trace.split("\n").flatMap((line) => {
    const [pid = ""] = line.split(" ");
    const said = /write\(1<[^>]*>, "(\w+)"/.exec(line)?.[1];
    if (said !== undefined) return said;
    if (/<\.\.\. f(data)?sync resumed>.*= 0/.test(line) && syncing.delete(pid)) return "synced";
    if (!line.includes(`<${file}>`)) return [];
    if (!/f(data)?sync\(/.test(line)) return "changed";
    if (line.includes("= 0")) return "synced";
    syncing.add(pid);
    return [];
  });
}

test("whoever appended hears of it once the disk has it, and what is cut off is gone before anything is appended", async () => {
  const { journal } = await openIn(folder);
  await journal.close();
  await folder.unlock();
  const trace = path.join(root, "trace");
  const calls = "trace=write,pwrite64,ftruncate,fsync,fdatasync";
  const writer = [process.execPath, "--input-type=module", "-e", WRITER, folder.path, NAME];
  await runner()("strace", ["-f", "-y", "-qq", "-s", "32", "-e", calls, "-o", trace, ...writer], { limitMs: 60_000 });
  const done = (what: string): string[] => ["changed", "synced", what];
  expect(tracedSteps(await readFile(trace, "utf8"), path.join(folder.path, NAME))).toEqual(
    ["opened", "appended", "rewritten", "appended"].flatMap(done),
  );
}, 90_000);
