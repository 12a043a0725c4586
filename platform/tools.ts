import { accessSync, constants } from "node:fs";
import path from "node:path";
import { MeshError } from "./errors.ts";

/** Programs Trestle starts that no distribution carries in the version it needs; scripts/setup puts them in .cache/bin. */
export type Tool = "nats-server" | "wireguard-go" | "trestle-cni" | "trestle-launch";

/**
 * Absolute path of a tool: the one scripts/setup built, else the first in `searchPath` (a PATH).
 * @throws MeshError `missing-tool`
 */
export function findTool(tool: Tool, searchPath: string): string {
  const built = path.join(import.meta.dirname, "..", ".cache", "bin");
  const found = [built, ...searchPath.split(":").filter(Boolean)]
    .map((folder) => path.join(folder, tool))
    .find(isExecutable);
  if (found === undefined) {
    throw new MeshError("missing-tool", `${tool} was not found in ${built} nor in PATH; run scripts/setup`, {
      retry: false,
    });
  }
  return found;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
