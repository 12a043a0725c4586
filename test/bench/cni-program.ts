import { json } from "node:stream/consumers";
import { callPlugin } from "./plugin-call.ts";
import type { Plugin } from "./plugin-call.ts";

/**
 * Starts CNI plugins on the node whose namespaces it runs in, as a container runtime does: a {@link Task} on standard
 * input, {@link PluginTimes} of each plugin on standard output.
 */

export interface Task {
  readonly rounds: number;
  readonly plugins: readonly Plugin[];
}

/** Milliseconds from the start of the process to its end. */
export interface PluginTimes {
  readonly addMs: readonly number[];
  readonly delMs: readonly number[];
  /** All pods at once, until the last is there. */
  readonly burstAddMs: readonly number[];
  readonly burstDelMs: readonly number[];
}

const BURSTS = 3;

async function burst(plugin: Plugin, command: "ADD" | "DEL"): Promise<number> {
  const start = performance.now();
  await Promise.all(plugin.pods.map((pod) => callPlugin(plugin, command, pod)));
  return performance.now() - start;
}

const { rounds, plugins } = (await json(process.stdin)) as Task;
const times = plugins.map(() => ({
  addMs: [] as number[],
  delMs: [] as number[],
  burstAddMs: [] as number[],
  burstDelMs: [] as number[],
}));
// The first round is a warm-up; who begins changes with every round.
for (let round = 0; round <= rounds; round += 1) {
  for (let turn = 0; turn < plugins.length; turn += 1) {
    const at = (round + turn) % plugins.length;
    const [plugin, own] = [plugins[at], times[at]];
    const pod = plugin?.pods[round % plugin.pods.length];
    if (plugin === undefined || own === undefined || pod === undefined) throw new Error("a plugin without pods");
    const { ms: addMs } = await callPlugin(plugin, "ADD", pod);
    const { ms: delMs } = await callPlugin(plugin, "DEL", pod);
    if (round === 0) continue;
    own.addMs.push(addMs);
    own.delMs.push(delMs);
  }
}
for (let round = 0; round < BURSTS; round += 1) {
  for (const [at, plugin] of plugins.entries()) {
    times[at]?.burstAddMs.push(await burst(plugin, "ADD"));
    times[at]?.burstDelMs.push(await burst(plugin, "DEL"));
  }
}
process.stdout.write(JSON.stringify(times satisfies readonly PluginTimes[]));
