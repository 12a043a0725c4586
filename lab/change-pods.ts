import { fileURLToPath } from "node:url";
import { z } from "zod";
import { hasCode, MeshError } from "../platform/errors.ts";
import type { ProgramFailure } from "../platform/run.ts";
import { layoutOf } from "./layout.ts";
import { firstGateway, onNode, requireSite } from "./place.ts";
import type { PodChange } from "./pod-objects.ts";
import { stateOf } from "./state.ts";
import type { Lab } from "./state.ts";
import { storeFile } from "./trestle.ts";

const PROGRAM = fileURLToPath(new URL("./pod-objects-program.ts", import.meta.url));
/** Hundreds of pods on a busy machine. */
const LIMIT_MS = 60_000;

const answer = z.array(z.string());

/**
 * Makes pods known in their cluster's own store, or unknown: all that `lab` does there, as Kubernetes would.
 * @returns uids of those that were put, in their order
 * @throws MeshError `pods-unwritten`
 */
export async function changePods(
  lab: Lab,
  cluster: string,
  change: Omit<PodChange, "store">,
  signal: AbortSignal,
): Promise<string[]> {
  const state = stateOf(lab);
  const { run } = onNode(state, firstGateway(requireSite(layoutOf(lab.name, state.file), cluster)));
  const stdin = JSON.stringify({ ...change, store: storeFile(lab, cluster) } satisfies PodChange);
  const words = ["--disable-warning=ExperimentalWarning", PROGRAM];
  try {
    return answer.parse(JSON.parse(await run(process.execPath, words, { stdin, signal, limitMs: LIMIT_MS })));
  } catch (error) {
    throw unwritten(cluster, error, { isRemoval: change.delete !== undefined });
  }
}

/** What became of the program, in words about the store that it writes to; anything else as it is. */
export function unwritten(cluster: string, error: unknown, { isRemoval }: { readonly isRemoval: boolean }): unknown {
  const store = `the store of ${cluster}`;
  const wayOut = isRemoval ? ", or take the pods away without it: trestle lab pod remove … --force" : "";
  const because = (message: string) => new MeshError("pods-unwritten", message, { retry: true, cause: error });
  if (hasCode(error, "program-timeout")) {
    return because(`${store} is silent (asked for ${LIMIT_MS / 1_000} s); trestle lab mend store:${cluster}${wayOut}`);
  }
  if (!hasCode(error, "program-failed")) return error;
  const { stderr } = error.cause as ProgramFailure;
  return because(`${store} did not take what it was told of its pods: ${stderr.trim()}`);
}
