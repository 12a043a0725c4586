import { link, readFile, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { MeshError } from "./errors.ts";

const LOCK_FILE = "lock";

/**
 * Claims a folder for this process: a file that names it by pid, start time and boot, so that a pid used again after a
 * crash or a reboot is not taken for the old holder. Advisory, and blind to other pid namespaces: it stops a second
 * daemon started by mistake. Returns what releases it.
 * @throws MeshError `state-locked` when another living process holds it; else what the file system says
 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  const file = path.join(folder, LOCK_FILE);
  const mine = await identityOf(process.pid);
  if (mine === undefined) throw new MeshError("state-unusable", "can't read /proc/self/stat", { retry: false });
  for (let attempt = 0; attempt < 10; attempt += 1) {
    if (await claim(file, mine)) return () => rm(file, { force: true });
    const holder = await readFile(file, "utf8").catch(() => undefined);
    if (holder === undefined) continue;
    const pid = Number(holder.split(" ")[0]);
    if ((await identityOf(pid)) === holder) {
      const message = `${folder} is in use by process ${pid}; stop that one or take another folder`;
      throw new MeshError("state-locked", message, { retry: true });
    }
    await removeStale(file, holder);
  }
  throw new MeshError("state-locked", `several processes are trying to take ${folder}`, { retry: true });
}

/** The claim appears whole or not at all: link fails when there is one. */
async function claim(file: string, mine: string): Promise<boolean> {
  const own = `${file}.${crypto.randomUUID()}`;
  try {
    await writeFile(own, mine, { mode: 0o600, flag: "wx" });
    await link(own, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    await rm(own, { force: true });
  }
}

/** Another who found the same stale claim may have replaced it meanwhile: what was taken away by mistake goes back. */
async function removeStale(file: string, stale: string): Promise<void> {
  const aside = `${file}.${crypto.randomUUID()}`;
  try {
    await rename(file, aside);
  } catch {
    return;
  }
  if ((await readFile(aside, "utf8")) !== stale) await link(aside, file).catch(() => undefined);
  await rm(aside, { force: true });
}

/** Undefined when there is no such process. Field 22 of stat is the start time in clock ticks since boot, proc_pid_stat(5). */
async function identityOf(pid: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    const boot = await readFile("/proc/sys/kernel/random/boot_id", "utf8");
    // The second field is the program's name in parentheses and may hold spaces; the third follows the last of them.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [state] = fields;
    const started = fields[19];
    // A zombie holds nothing any more, though its parent has not asked for its exit code yet (proc_pid_stat(5)).
    if (state === "Z" || state === "X") return undefined;
    return `${pid} ${started} ${boot.trim()}`;
  } catch {
    return undefined;
  }
}
