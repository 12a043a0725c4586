import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import { messageOf, MeshError } from "../platform/errors.ts";
import { hasErrnoCode } from "./errno.ts";

const plugin = z.looseObject({ type: z.string().regex(/^\w[\w.-]*$/, "is no file name of a plugin") });
/** Versions of the specification that the lab's runtime speaks, the newest first. */
const VERSIONS = ["1.1.0", "1.0.0"] as const;

const conflist = z
  .object({
    cniVersion: z.string(),
    /** Those that the plugins know; since 1.1. */
    cniVersions: z.array(z.string()).default([]),
    name: z.string(),
    plugins: z.array(plugin).min(1),
  })
  .transform(({ cniVersion, cniVersions, ...rest }) => {
    const common = VERSIONS.find((version) => [cniVersion, ...cniVersions].includes(version));
    return { ...rest, cniVersion: common ?? cniVersion };
  });

/** What an agent tells container runtimes: "Configuration format" of the CNI specification. */
export type Conflist = z.infer<typeof conflist>;
export type ConflistPlugin = Conflist["plugins"][number];

/** The first conflist of a folder by name, as libcni chooses; undefined while there is none. @throws MeshError `bad-conflist` */
export function readConflist(folder: string): Conflist | undefined {
  const [first] = filesOf(folder).filter((file) => file.endsWith(".conflist"));
  if (first === undefined) return undefined;
  const file = path.join(folder, first);
  try {
    return conflist.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch (error) {
    // Removed since it was listed: as if it had not been there.
    if (hasErrnoCode(error, "ENOENT")) return undefined;
    const message = `${file} is no CNI configuration list: ${messageOf(error)}`;
    throw new MeshError("bad-conflist", message, { retry: false, cause: error });
  }
}

/** What one plugin of the list gets on standard input: its own part, with what all of the list have in common. Pure. */
export function pluginInput(list: Conflist, own: ConflistPlugin, prevResult?: object): object {
  return { ...own, cniVersion: list.cniVersion, name: list.name, ...(prevResult && { prevResult }) };
}

function filesOf(folder: string): string[] {
  try {
    return readdirSync(folder).toSorted();
  } catch (error) {
    if (hasErrnoCode(error, "ENOENT")) return [];
    throw error;
  }
}
