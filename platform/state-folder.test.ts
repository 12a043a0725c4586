import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { PassThrough } from "node:stream";
import { z } from "zod";
import { createLog } from "./log.ts";
import { runner } from "./run.ts";
import { openStateFolder } from "./state-folder.ts";
import { eventually } from "./testing/eventually.ts";

const ledger = z.object({ rows: z.array(z.string()) });
let root: string;
let folder: string;
let lines: string[];

beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), "trestle-state-"));
  folder = path.join(root, "hub");
  lines = [];
});
afterEach(() => rm(root, { recursive: true }));

const open = () => {
  const stream = new PassThrough().on("data", (chunk: Buffer) => lines.push(chunk.toString()));
  return openStateFolder(folder, createLog({ level: "info", pretty: false, stream }));
};
const modeOf = async (file: string) => ((await stat(file)).mode & 0o777).toString(8);

describe("a state folder", () => {
  test("gives back what was written, and is for its owner alone", async () => {
    const state = await open();
    expect(await state.read("ledger", ledger)).toBeUndefined();
    expect(await state.readText("key.pem")).toBeUndefined();
    await state.write("ledger", { rows: ["10.1.0.0/16"] });
    await state.write("ledger", { rows: ["10.2.0.0/16"] });
    await state.writeText("key.pem", "PEM");
    await state.writeBytes("seed", Uint8Array.of(0, 255));
    expect(await state.read("ledger", ledger)).toEqual({ rows: ["10.2.0.0/16"] });
    expect(await state.readText("key.pem")).toBe("PEM");
    expect([...((await state.readBytes("seed")) ?? [])]).toEqual([0, 255]);
    expect(await modeOf(folder)).toBe("700");
    expect((await readdir(folder)).toSorted()).toEqual(["key.pem", "ledger", "lock", "seed"]);
    for (const file of ["key.pem", "ledger", "seed"]) expect(await modeOf(path.join(folder, file))).toBe("600");
    await state.remove("seed");
    await state.remove("seed");
    expect(await state.readBytes("seed")).toBeUndefined();
  });

  test.each([
    ["half a file", '{"version":1,"value":{"ro'],
    ["nothing", ""],
    ["another shape", '{"version":1,"value":{"rows":7}}'],
    ["a version from the future", '{"version":2,"value":{"rows":[]}}'],
    ["no envelope", '{"rows":[]}'],
  ])("sets %s aside and says so, each time anew", async (_, text) => {
    const state = await open();
    for (const n of [1, 2]) {
      await writeFile(path.join(folder, "ledger"), text);
      expect(await state.read("ledger", ledger)).toBeUndefined();
      expect(await readFile(path.join(folder, `ledger.corrupt-${n}`), "utf8")).toBe(text);
      expect(lines.filter((line) => line.includes("state-corrupt"))).toHaveLength(n);
    }
    await state.write("ledger", { rows: [] });
    expect(await state.read("ledger", ledger)).toEqual({ rows: [] });
  });

  test("leaves what is precious where it is, and throws", async () => {
    const state = await open();
    await writeFile(path.join(folder, "ledger"), "garbage");
    const reading = state.read("ledger", ledger, "throw");
    await expect(reading).rejects.toMatchObject({
      code: "state-corrupt",
      message: expect.stringContaining("restore it"),
    });
    expect(await readFile(path.join(folder, "ledger"), "utf8")).toBe("garbage");
  });

  test("refuses a second process, by the pid of the first", async () => {
    const first = await open();
    await expect(open()).rejects.toMatchObject({
      code: "state-locked",
      message: expect.stringContaining(String(process.pid)),
    });
    await first.unlock();
    await (await open()).unlock();
  });

  test("of a process that died, and of a pid that is another's now, is free", async () => {
    await (await open()).unlock();
    const died = spawn("true");
    await once(died, "exit");
    await writeFile(path.join(folder, "lock"), `${died.pid} 1 boot`);
    await (await open()).unlock();
    await writeFile(path.join(folder, "lock"), `${process.pid} 1 boot`);
    await (await open()).unlock();
  });

  test("goes to one of many that find a dead one's claim at once", async () => {
    await (await open()).unlock();
    await writeFile(path.join(folder, "lock"), "999999999 1 boot");
    const outcomes = await Promise.allSettled(Array.from({ length: 8 }, open));
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  });

  test("a holder that died counts as gone before its parent has asked for its exit code", async () => {
    await (await open()).unlock();
    const parent = spawn("sh", ["-c", "sleep 0.01 & echo $!; exec sleep 60"], { stdio: ["ignore", "pipe", "ignore"] });
    try {
      const [printed] = (await once(parent.stdout, "data")) as [Buffer];
      const pid = printed.toString().trim();
      const fields = async () => (await readFile(`/proc/${pid}/stat`, "utf8")).split(" ");
      await eventually(async () => (await fields())[2] === "Z");
      const boot = (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim();
      await writeFile(path.join(folder, "lock"), `${pid} ${(await fields())[21]} ${boot}`);
      await (await open()).unlock();
    } finally {
      parent.kill("SIGKILL");
    }
  });

  test.each([
    ["read-only", "mount -o remount,ro DISK", "mount -o remount,rw DISK"],
    ["full", "head -c 1M /dev/zero > DISK/filler || true", "rm DISK/filler"],
  ])("on a %s disk says so at once, keeps what it has, leaves nothing behind", async (_, spoil, mend) => {
    const program = `
      import { createLog } from "${import.meta.dirname}/log.ts";
      import { openStateFolder } from "${import.meta.dirname}/state-folder.ts";
      import { execFileSync } from "node:child_process";
      import { readdirSync } from "node:fs";
      const shell = (text) => execFileSync("sh", ["-c", text.replaceAll("DISK", "${root}")], { stdio: "ignore" });
      const open = () => openStateFolder("${folder}", createLog({ level: "silent", pretty: false }));
      const saidBy = (work) => work().then(() => "nothing", ({ code, message }) => code + ": " + message);
      const state = await open();
      await state.writeText("kept", "old");
      shell(${JSON.stringify(spoil)});
      const written = await saidBy(() => state.writeText("kept", "new"));
      const read = await state.readText("kept");
      shell(${JSON.stringify(mend)});
      await state.unlock();
      shell(${JSON.stringify(spoil)});
      const opened = await saidBy(open);
      shell(${JSON.stringify(mend)});
      console.log(JSON.stringify({ written, read, opened, files: readdirSync("${folder}") }));`;
    const script = 'mount -t tmpfs -o size=64k tmpfs "$1" && exec "$2" --input-type=module -e "$3"';
    const args = ["--mount", "--", "sh", "-c", script, "sh", root, process.execPath, program];
    const said: unknown = JSON.parse(await runner()("unshare", args, { limitMs: 150_000 }));
    expect(said).toEqual({
      written: expect.stringMatching(/^state-unusable: can't write .*kept: /),
      read: "old",
      opened: expect.stringMatching(/^state-unusable: can't (make|lock) .*hub: /),
      files: ["kept"],
    });
  });

  test("that can't be made is told with its path", async () => {
    await writeFile(path.join(root, "file"), "");
    folder = path.join(root, "file", "hub");
    await expect(open()).rejects.toMatchObject({ code: "state-unusable", message: expect.stringContaining(folder) });
  });
});
