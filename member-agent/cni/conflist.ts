import { chmod, mkdir, open, readFile, rename, rm } from "node:fs/promises";
import path from "node:path";
import { MeshError, messageOf } from "../../platform/errors.ts";

/** Runtimes take the first file by name; whoever was there before comes later in most directories. */
export const CONFLIST = "05-trestle.conflist";

/** Where the plugin asks unless it is told otherwise (forwarder.c). */
export const DEFAULT_SOCKET = "/run/trestle/cni.sock";

/**
 * What a runtime is told of the plugin. 1.0 for those who know no later version; who does reads `cniVersions` ("Network
 * configuration" of the specification, 1.1).
 */
function contentFor(socket: string): string {
  const plugin = { type: "trestle-cni", ...(socket === DEFAULT_SOCKET ? {} : { socket }) };
  const list = { cniVersion: "1.0.0", cniVersions: ["1.0.0", "1.1.0"], name: "trestle", plugins: [plugin] };
  return `${JSON.stringify(list, undefined, 2)}\n`;
}

/**
 * Tells the runtime of this node that pods can be given networks: from here on they are. In one step, for a runtime that
 * reads half a file takes this node out of service.
 * @param socket at which the plugin is answered
 * @throws MeshError `conflist-unwritable` (retry)
 */
export async function installConflist(folder: string, socket: string): Promise<void> {
  const [file, draft] = filesIn(folder);
  const content = contentFor(socket);
  try {
    if ((await readFile(file, "utf8").catch(() => "")) === content) return;
    await mkdir(folder, { recursive: true });
    const opened = await open(draft, "w", 0o644);
    try {
      await opened.writeFile(content);
      await opened.sync();
    } finally {
      await opened.close();
    }
    await chmod(draft, 0o644);
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true }).catch(() => undefined);
    throw new MeshError("conflist-unwritable", `${file} can't be written: ${messageOf(error)}`, {
      retry: true,
      cause: error,
    });
  }
}

/** Has the runtime start no more pods by the plugin; one that is gone already is no fault. */
export async function removeConflist(folder: string): Promise<void> {
  // A draft stays behind where an agent was killed.
  for (const file of filesIn(folder)) await rm(file, { force: true });
}

/** The file, and what it is written as before it is whole: no runtime reads a file of such a name. */
function filesIn(folder: string): readonly [file: string, draft: string] {
  const file = path.join(folder, CONFLIST);
  return [file, `${file}.new`];
}
