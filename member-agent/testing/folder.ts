import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createLog } from "../../platform/log.ts";
import { openStateFolder } from "../../platform/state-folder.ts";
import type { StateFolder } from "../../platform/state-folder.ts";

/** Says nothing. */
export const silent = createLog({ level: "silent", pretty: false });

/** Runs a test with an agent's state folder of its own, and removes it. */
export async function withFolder<T>(use: (folder: StateFolder, where: string) => Promise<T>): Promise<T> {
  const where = await mkdtemp(path.join(tmpdir(), "trestle-agent-"));
  try {
    const folder = await openStateFolder(path.join(where, "state"), silent);
    return await use(folder, path.join(where, "state"));
  } finally {
    await rm(where, { recursive: true, force: true });
  }
}
