import { spawn } from "node:child_process";
import { once } from "node:events";
import { json, text } from "node:stream/consumers";

/**
 * Starts CNI plugins on the node whose namespaces it runs in, as a container runtime does: a {@link Task} on standard
 * input, {@link PluginTimes} of each plugin on standard output.
 */

export interface Task {
  readonly rounds: number;
  readonly plugins: readonly Plugin[];
}

export interface Plugin {
  readonly program: string;
  readonly env: Readonly<Record<string, string>>;
  /** Network configuration, JSON. */
  readonly input: string;
  /** Where it is to work: each has a network namespace of its own, that nobody else works in. */
  readonly pods: readonly { readonly netns: string; readonly args: string }[];
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

async function call({ program, env, input }: Plugin, command: "ADD" | "DEL", { netns, args }: Plugin["pods"][number]) {
  const of = { CNI_COMMAND: command, CNI_CONTAINERID: netns.replaceAll("/", ""), CNI_IFNAME: "eth0", CNI_NETNS: netns };
  const start = performance.now();
  const child = spawn(program, [], { env: { ...env, ...of, CNI_ARGS: args }, stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.end(input);
  const [said, [code]] = await Promise.all([text(child.stdout), once(child, "exit") as Promise<[number]>]);
  if (code !== 0) throw new Error(`${program} ${command}: ${said}`);
  return performance.now() - start;
}

async function burst(plugin: Plugin, command: "ADD" | "DEL"): Promise<number> {
  const start = performance.now();
  await Promise.all(plugin.pods.map((pod) => call(plugin, command, pod)));
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
    const addMs = await call(plugin, "ADD", pod);
    const delMs = await call(plugin, "DEL", pod);
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
