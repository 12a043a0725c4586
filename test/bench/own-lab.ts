import { randomBytes } from "node:crypto";
import path from "node:path";
import { takeDown } from "../../lab/down.ts";
import { layoutOf } from "../../lab/layout.ts";
import { readLabFile } from "../../lab/read-file.ts";
import { openLab } from "../../lab/state.ts";
import { bringUp } from "../../lab/up.ts";
import { systemClock } from "../../platform/clock.ts";
import { runner } from "../../platform/run.ts";
import type { Bench } from "./bench.ts";

/** Brings a lab up from a file beside this one, works on it, and takes it away whatever happened. */
export async function withLab<T>(
  fileName: string,
  { progress, signal }: Pick<Bench, "progress" | "signal">,
  work: (bench: Bench) => Promise<T>,
): Promise<T> {
  const file = readLabFile(path.join(import.meta.dirname, fileName));
  const lab = openLab(`bench${randomBytes(3).toString("hex")}`, systemClock);
  try {
    await bringUp(lab, file, "all", { progress, signal });
    return await work({ lab, layout: layoutOf(lab.name, file), progress, signal });
  } finally {
    await takeDown(lab, runner(), new AbortController().signal);
  }
}
