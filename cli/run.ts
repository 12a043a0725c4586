import { CommanderError } from "commander";
import { setImmediate } from "node:timers/promises";
import { MeshError } from "../platform/errors.ts";
import { explainError } from "./error-text.ts";
import { EXIT, Verdict } from "./exit.ts";
import { globalsOf, operandsOf, settleLab, withoutLab } from "./globals.ts";
import type { Globals } from "./globals.ts";
import { buildProgram } from "./program.ts";
import type { Shell } from "./shell.ts";

/** Codes of errors that say an option is missing or wrong. */
const WRONG_LINE: ReadonlySet<string> = new Set(["bad-config", "no-store", "lab-in-lab"]);

/** Runs one command line (without program names) to its end; resolves with the exit code and never rejects. */
export async function runCLI(argv: readonly string[], shell: Shell): Promise<number> {
  const words = settleLab(argv);
  let globals: Pick<Globals, "output" | "verbose"> = { output: "table", verbose: words.includes("--verbose") };
  try {
    const program = await buildProgram(words, shell);
    program.hook("preAction", async (_, leaf) => {
      const given = globalsOf(leaf);
      globals = given;
      if (given.lab === undefined) return;
      if (operandsOf(words)[0] === "lab") {
        const message = "`trestle lab …` acts on a lab from outside it; say which lab with --name LAB instead of --lab";
        throw new MeshError("lab-in-lab", message, { retry: false });
      }
      throw new Verdict(await runInLab(given.lab, argv, shell));
    });
    await program.parseAsync(words, { from: "user" });
    return shell.signal.aborted ? EXIT.interrupted : EXIT.done;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    if (error instanceof Verdict) return error.exitCode;
    // Ctrl-C ends the programs that run for us, too, and we may hear of that first.
    await setImmediate();
    if (shell.signal.aborted) return EXIT.interrupted;
    shell.err(explainError(error, globals));
    return error instanceof MeshError && WRONG_LINE.has(error.code) ? EXIT.usage : EXIT.failed;
  }
}

/** Runs the same command line at that place of a lab; this process then only waits. */
async function runInLab(where: string, argv: readonly string[], shell: Shell): Promise<number> {
  const { enterLab, runInherited } = await import("../lab/enter.ts");
  return runInherited(enterLab(where, withoutLab(argv), shell.clock));
}
