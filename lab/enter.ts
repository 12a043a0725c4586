import { spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:os";
import type { Clock } from "../platform/clock.ts";
import { layoutOf } from "./layout.ts";
import { requireSite } from "./place.ts";
import { requireRoot } from "./preflight.ts";
import { openLab, stateOf, usualLab } from "./state.ts";
import { atHub, atStore, TRESTLE } from "./trestle.ts";

/**
 * How to run a `trestle` command line inside a lab: the words of the whole command.
 * @param where what `--lab` was given: nothing (the hub of the only lab), `CLUSTER`, `LAB/CLUSTER`, or `LAB/hub`
 * @param words the command line without `--lab`
 * @throws MeshError `unfit-machine` (no root), `no-lab`, `which-lab`, `no-cluster`, `place-gone`
 */
export function enterLab(where: string, words: readonly string[], clock: Clock): string[] {
  requireRoot();
  const at = where.indexOf("/");
  const cluster = where.slice(at + 1) || "hub";
  const lab = openLab(at < 0 ? usualLab() : where.slice(0, at), clock);
  const state = stateOf(lab);
  const layout = layoutOf(lab.name, state.file);
  const { prefix, options } =
    cluster === "hub" ? atHub(lab, layout) : atStore(lab, state, requireSite(layout, cluster));
  // Options of the root: what follows them, a `--` and its words too, stays as it was typed.
  return [...keepFolder(prefix), TRESTLE, ...options, ...words];
}

/** The same prefix, keeping the folder this process is in: another mount namespace would start at its root. */
export function keepFolder([nsenter = "", ...words]: readonly string[]): string[] {
  return [nsenter, `--wd=${process.cwd()}`, ...words];
}

/** Runs a command with this process's own input and output, to its end, and gives its exit code (128 + signal when it was killed). */
export async function runInherited([program = "", ...words]: readonly string[]): Promise<number> {
  const child = spawn(program, words, { stdio: "inherit" });
  const [code, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
  return code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
}
