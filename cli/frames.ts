import { MeshError } from "../platform/errors.ts";
import type { Globals } from "./globals.ts";
import { isData } from "./format.ts";
import { note } from "./shell.ts";
import type { Shell } from "./shell.ts";

// ECMA-48: erase all of the display, cursor to its first cell.
const CLEAR = "\u001B[2J\u001B[H";

/** Shows one text after another: on a terminal in each other's place, else one below the other when they differ. */
export function framePrinter(shell: Shell, { output }: Pick<Globals, "output">): (text: string) => void {
  let last: string | undefined;
  return (text) => {
    if (shell.interactive && !isData(output)) shell.out(CLEAR + text);
    else if (text !== last) shell.out((last === undefined ? "" : separator(output)) + text);
    last = text;
  };
}

function separator(output: Globals["output"]): string {
  if (output === "json") return "";
  return output === "yaml" ? "---\n" : "\n";
}

/** Shows what `draw` makes, again every `everyMs` until the person has enough; a failure that may pass is told and waited out. */
export async function redraw(
  shell: Shell,
  globals: Globals,
  everyMs: number,
  draw: () => Promise<string>,
): Promise<void> {
  const show = framePrinter(shell, globals);
  while (!shell.signal.aborted) {
    try {
      show(await draw());
    } catch (error) {
      if (shell.signal.aborted || !(error instanceof MeshError) || !error.retry) throw error;
      note(shell, `waiting: ${error.message}`);
    }
    await shell.clock.sleep(everyMs, shell.signal);
  }
}
