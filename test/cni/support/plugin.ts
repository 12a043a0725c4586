import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { findTool } from "../../../platform/tools.ts";

export type Command = "ADD" | "DEL" | "CHECK" | "GC" | "STATUS" | "VERSION";

/** Of one call of the plugin. */
export interface Said {
  readonly code: number | null;
  /** Standard output; empty when it had nothing to say. */
  readonly output: string;
}

/** A success result, as far as tests look at it: "ADD Success" in the specification. */
export interface AddResult {
  readonly cniVersion: string;
  readonly ips: readonly { readonly address: string; readonly gateway: string }[];
}

export interface CNIFailure {
  readonly cniVersion: string;
  readonly code: number;
  readonly msg: string;
  readonly details?: string;
}

/** The configuration that a runtime hands a plugin of a list. */
export function configuration(cniVersion = "1.1.0"): object {
  return { cniVersion, name: "pods", type: "trestle-cni" };
}

/** Starts the plugin as a runtime does, and waits for its end. `env` has nothing but what a test gives. */
export async function runPlugin(
  socket: string,
  env: Readonly<Record<string, string>>,
  input: string | Uint8Array,
): Promise<Said> {
  const child = spawn(findTool("trestle-cni", ""), [], {
    env: { TRESTLE_CNI_SOCKET: socket, ...env },
    stdio: ["pipe", "pipe", "inherit"],
  });
  // It may end before it has read everything.
  child.stdin.on("error", () => undefined).end(input);
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, "close") as Promise<[number | null]>]);
  return { code, output };
}
