import type { z } from "zod";
import { hasCode, messageOf } from "../platform/errors.ts";
import { readConfig } from "../platform/config.ts";
import { createLog } from "../platform/log.ts";
import type { Log, LogLevel } from "../platform/log.ts";
import { findTool } from "../platform/tools.ts";
import type { Tool } from "../platform/tools.ts";
import { EXIT, Verdict } from "./exit.ts";
import type { Shell } from "./shell.ts";

/** What a long-lived process is handed, once its configuration is read. */
export interface DaemonParts<Settings> {
  readonly settings: Settings;
  readonly log: Log;
  /** Path of a program. @throws MeshError `missing-tool` */
  readonly findTool: (tool: Tool) => string;
}

/**
 * Runs a daemon: reads its configuration (every fault in one error), logs JSON to standard error (for people on a
 * terminal), and ends when the shell's signal says so.
 */
export async function runDaemon<Schema extends z.ZodObject>(
  shell: Shell,
  schema: Schema,
  flags: Readonly<Record<string, unknown>>,
  run: (parts: DaemonParts<z.infer<Schema>>) => Promise<void>,
): Promise<void> {
  const settings = readConfig(schema, { flags, env: shell.env });
  const level: LogLevel = flags["verbose"] === true ? "debug" : "info";
  const log = createLog({ level, pretty: process.stderr.isTTY });
  try {
    await run({ settings, log, findTool: (tool) => findTool(tool, shell.env["PATH"] ?? "") });
    log.info({ event: "stopped" }, "stopped");
  } catch (error) {
    if (!shell.signal.aborted || !hasCode(error, "aborted")) {
      log.error({ event: "daemon-failed", error }, messageOf(error));
      throw error;
    }
  }
  // Told to stop, and stopped: for a daemon that is done, where a command would have been interrupted.
  throw new Verdict(EXIT.done);
}
