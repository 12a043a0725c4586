import { enableCompileCache } from "node:module";
import path from "node:path";
import type { Shell } from "./shell.ts";

/**
 * The composition root: what of this process a command may touch. The commands themselves are in `catalogue.ts`.
 * Types are stripped and modules compiled once, then read from the cache: half the time a command takes to start. The
 * cache is in the checkout, for what lies in a folder that others can write would be run as us.
 */
enableCompileCache(path.join(import.meta.dirname, "..", ".cache", "compile"));
const { systemClock } = await import("../platform/clock.ts");
const { EXIT } = await import("./exit.ts");
const { runCLI } = await import("./run.ts");

const interruption = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) {
  process.on(name, () => {
    // The first one asks; who sends a second does not want to wait.
    if (interruption.signal.aborted) process.exit(EXIT.interrupted);
    interruption.abort();
  });
}
for (const stream of [process.stdout, process.stderr]) {
  // `trestle get … | head -1`: nobody reads any more, and that is no fault.
  stream.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? EXIT.done : EXIT.failed));
}

const { env, stdin, stdout, stderr } = process;
// Undefined, not false, when it is none.
const isTerminal = Boolean(stdout.isTTY);
const shell: Shell = {
  env,
  clock: systemClock,
  signal: interruption.signal,
  interactive: isTerminal,
  colour: isTerminal && !env["NO_COLOR"] && env["TERM"] !== "dumb",
  out: (said) => void stdout.write(said),
  err: (said) => void stderr.write(said),
  readStdin: async () => (await import("node:stream/consumers")).text(stdin),
};
process.exitCode = await runCLI(process.argv.slice(2), shell);
