import type { Clock } from "../platform/clock.ts";
import { hasCode } from "../platform/errors.ts";
import type { Run } from "../platform/run.ts";
import { layoutOf, podNetns } from "./layout.ts";
import { findMarkedNetns, listNetns, netnsInode } from "./netns.ts";
import { killAll, processesIn, sessionOf } from "./process.ts";
import { readState, removeState } from "./state.ts";
import type { Lab, LabState } from "./state.ts";
import { netnsOfLayout } from "./topology-apply.ts";

/**
 * Takes a lab away, whole or half made, known or forgotten: every process it started, every process in its namespaces,
 * the namespaces with all their devices, and its folder.
 * @returns whether there was anything
 */
export async function takeDown(lab: Lab, run: Run, signal: AbortSignal): Promise<boolean> {
  const state = readableState(lab);
  const removed = await removeKernelState(lab, state, { run, clock: lab.clock, signal });
  removeState(lab);
  return removed || state !== undefined;
}

/** Ends the lab's processes and deletes its namespaces; what is recorded of the lab stays. */
export async function removeKernelState(
  lab: Lab,
  state: LabState | undefined,
  { run, clock, signal }: { run: Run; clock: Clock; signal: AbortSignal },
): Promise<boolean> {
  const recorded = state
    ? [
        ...netnsOfLayout(layoutOf(lab.name, state.file)),
        ...state.pods.map((pod) => podNetns(lab.name, pod.cluster, pod.name)),
      ]
    : [];
  const present = new Set(listNetns());
  const doomed = new Set([
    ...recorded.filter((netns) => present.has(netns)),
    ...(await findMarkedNetns(lab.name, run)),
  ]);
  const inodes = new Set([...doomed].flatMap((netns) => netnsInode(netns) ?? []));
  // What a dying process starts as its last deed is caught by looking again.
  const living = () =>
    [...processesIn(inodes), ...Object.values(state?.processes ?? {}).flatMap(sessionOf)].filter(
      ({ pid }) => pid !== process.pid,
    );
  for (let left = living(); left.length > 0; left = living()) {
    await killAll(left, clock, signal);
  }
  await run("ip", ["-force", "-batch", "-"], {
    stdin: [...doomed].map((netns) => `netns delete ${netns}`).join("\n"),
    signal,
  });
  return doomed.size > 0;
}

function readableState(lab: Lab): LabState | undefined {
  try {
    return readState(lab);
  } catch (error) {
    // A spoilt record: what it named is found by its marks.
    if (hasCode(error, "bad-lab-state")) return undefined;
    throw error;
  }
}
