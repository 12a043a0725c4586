import path from "node:path";
import { fileURLToPath } from "node:url";
import type { Progress } from "../../lab/progress.ts";
import { makeCNINode } from "../cni/support/cni-node.ts";
import type { CNINode } from "../cni/support/cni-node.ts";
import type { PluginTimes, Task } from "./cni-program.ts";
import { PLUGINS } from "./plugin-call.ts";
import type { Plugin } from "./plugin-call.ts";

/** Pods of a burst on one node. */
export const BURST = 200;

const PROGRAM = fileURLToPath(new URL("./cni-program.ts", import.meta.url));
const LIMIT_MS = 1_800_000;

export type Families = "IPv4" | "both families";

/** One node's plugins, side by side. */
export interface CNITimes {
  readonly families: Families;
  readonly trestle: PluginTimes;
  /** ptp with host-local. */
  readonly reference: PluginTimes;
}

/** Ours and ptp with host-local, in turns, on one machine with one agent: whole calls, and all pods at once. */
export async function timeCNI(
  rounds: number,
  { progress, signal }: { readonly progress: Progress; readonly signal: AbortSignal },
): Promise<CNITimes[]> {
  const timed: CNITimes[] = [];
  for (const families of ["IPv4", "both families"] as const) {
    const node = await progress.step(`a node, ${families}`, () =>
      makeCNINode("bench", { families: families === "IPv4" ? [4] : [4, 6] }),
    );
    try {
      const task = await progress.step(`${2 * BURST} namespaces`, () => taskFor(node, families, rounds));
      const title = `${rounds} rounds in turns, and bursts of ${BURST} pods`;
      const said = await progress.step(title, () => run(node, task, signal));
      const [trestle, reference] = JSON.parse(said) as [PluginTimes, PluginTimes];
      timed.push({ families, trestle, reference });
    } finally {
      await node.remove();
    }
  }
  return timed;
}

function run(node: CNINode, task: Task, signal: AbortSignal): Promise<string> {
  return node.run(process.execPath, [PROGRAM], { stdin: JSON.stringify(task), limitMs: LIMIT_MS, signal });
}

async function taskFor(node: CNINode, families: Families, rounds: number): Promise<Task> {
  const podsOf = (label: string): Promise<Plugin["pods"]> =>
    Promise.all(Array.from({ length: BURST }, (_, at) => node.makePod(`${label}-${at}`)));
  const ranges = [[{ subnet: "10.70.0.0/16" }], ...(families === "IPv4" ? [] : [[{ subnet: "fd70::/64" }]])];
  const ipam = { type: "host-local", ranges, dataDir: "/run/host-local" };
  const own = { cniVersion: "1.1.0", name: "pods", type: "trestle-cni" };
  const reference = { cniVersion: "1.0.0", name: "reference", type: "ptp", mtu: 1_420, ipam };
  const env = { CNI_PATH: PLUGINS, PATH: process.env["PATH"] ?? "" };
  return {
    rounds,
    plugins: [
      {
        program: path.join(PLUGINS, "trestle-cni"),
        env: { ...env, TRESTLE_CNI_SOCKET: node.socket },
        input: JSON.stringify(own),
        pods: await podsOf("own"),
      },
      { program: path.join(PLUGINS, "ptp"), env, input: JSON.stringify(reference), pods: await podsOf("reference") },
    ],
  };
}
