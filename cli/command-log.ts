import type { Log } from "../platform/log.ts";

/** What a command's parts log, to standard error: all of it with `--verbose`, else nothing. The logger is loaded only when it is wanted. */
export async function commandLog(verbose: boolean): Promise<Log> {
  if (!verbose) return SILENT;
  const { createLog } = await import("../platform/log.ts");
  return createLog({ level: "debug", pretty: true });
}

const silence = (): void => undefined;
const SILENT: Log = { debug: silence, info: silence, warn: silence, error: silence, child: () => SILENT };
