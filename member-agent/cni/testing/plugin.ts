import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { findTool } from "../../../platform/tools.ts";

export const CONFIGURATION = { cniVersion: "1.1.0", name: "pods", type: "trestle-cni" };

/** Starts the plugin as a runtime does, with an environment of nothing else. @param variables CNI_ ones */
export async function callPlugin(
  socket: string,
  variables: Readonly<Record<string, string>>,
  configuration: object = CONFIGURATION,
): Promise<{ readonly code: number; readonly said: unknown }> {
  const child = spawn(findTool("trestle-cni", ""), [], { env: { TRESTLE_CNI_SOCKET: socket, ...variables } });
  child.stdin.end(JSON.stringify(configuration));
  const [said, [code]] = await Promise.all([text(child.stdout), once(child, "close") as Promise<[number]>]);
  return { code, said: said === "" ? undefined : (JSON.parse(said) as unknown) };
}
