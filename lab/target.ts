import { z } from "zod";
import { MeshError, messageOf } from "../platform/errors.ts";
import { logFile } from "./daemons.ts";
import type { LabFile } from "./file.ts";
import type { Layout } from "./layout.ts";
import type { Lab } from "./state.ts";
import { askHub } from "./trestle.ts";
import { logTail } from "./wait.ts";

/** What the steps that bring a lab up have in common. */

/** What every step needs. */
export interface Target {
  readonly lab: Lab;
  readonly layout: Layout;
  readonly file: LabFile;
}

const named = z.array(z.object({ metadata: z.object({ name: z.string() }) }));

/** Names of all that the hub has of a kind, a plural as `trestle get` takes it. */
export async function namesOf(lab: Lab, layout: Layout, kind: string, signal: AbortSignal): Promise<string[]> {
  return named
    .parse(JSON.parse(await askHub(lab, layout, ["get", kind, "--output", "json"], signal)))
    .map(({ metadata }) => metadata.name);
}

/** Adds to a failure what those who took part said last. */
export async function withLogs<T>(lab: Lab, keys: readonly string[], action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (!(error instanceof MeshError) || error.code === "aborted") throw error;
    const tails = keys.map((key) => logTail(logFile(lab, key), 6)).join("\n");
    throw new MeshError(error.code, `${messageOf(error)}\n${tails}`, { retry: error.retry, cause: error });
  }
}
