import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { text } from "node:stream/consumers";

/** A CNI plugin, and where it is to work. */
export interface Plugin {
  readonly program: string;
  readonly env: Readonly<Record<string, string>>;
  /** Network configuration, JSON. */
  readonly input: string;
  /** Each has a network namespace of its own, that nobody else works in. */
  readonly pods: readonly PluginPod[];
}

export interface PluginPod {
  /** Path of its network namespace. */
  readonly netns: string;
  /** CNI_ARGS */
  readonly args: string;
}

/** Where scripts/setup puts the plugins. */
export const PLUGINS = path.join(import.meta.dirname, "../../.cache/bin");

/** @returns CNI_ARGS of a pod in the Kubernetes namespace `default` */
export function pluginArgs(name: string, uid: string): string {
  return `IgnoreUnknown=1;K8S_POD_NAMESPACE=default;K8S_POD_NAME=${name};K8S_POD_UID=${uid}`;
}

/**
 * Starts a plugin by exec, as a container runtime does, and waits for its end.
 * @returns milliseconds from the start of the process to its end, and what it printed
 * @throws Error with what it said when it did not do it
 */
export async function callPlugin(
  { program, env, input }: Plugin,
  command: "ADD" | "DEL",
  { netns, args }: PluginPod,
): Promise<{ readonly ms: number; readonly output: string }> {
  const of = { CNI_COMMAND: command, CNI_CONTAINERID: netns.replaceAll("/", ""), CNI_IFNAME: "eth0", CNI_NETNS: netns };
  const start = performance.now();
  const child = spawn(program, [], { env: { ...env, ...of, CNI_ARGS: args }, stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.end(input);
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, "exit") as Promise<[number]>]);
  if (code !== 0) throw new Error(`${program} ${command}: ${output}`);
  return { ms: performance.now() - start, output };
}
