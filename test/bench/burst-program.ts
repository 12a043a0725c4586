import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";
import { callPlugin } from "./plugin-call.ts";
import type { Plugin } from "./plugin-call.ts";

/**
 * Plays the container runtime of the node whose namespaces it runs in, for many pods at once. On standard input a
 * {@link Plugin}, which it answers with an empty line when it is ready, and then a {@link BurstOrder} a line; a
 * {@link BurstAnswer} a line on standard output. Times are of the wall clock, which all programs of the machine share.
 */

export interface BurstOrder {
  readonly command: "ADD" | "DEL";
  /** When to begin, milliseconds: so all nodes begin together. */
  readonly at: number;
}

export interface BurstAnswer {
  /** When the last plugin had ended, milliseconds. */
  readonly doneAt: number;
  /** Of all pods, with prefix length; none of DEL. */
  readonly addresses: readonly string[];
}

async function burst(plugin: Plugin, { command, at }: BurstOrder): Promise<BurstAnswer> {
  await setTimeout(at - Date.now());
  const calls = await Promise.all(plugin.pods.map((pod) => callPlugin(plugin, command, pod)));
  const doneAt = Date.now();
  return { doneAt, addresses: command === "ADD" ? calls.flatMap(({ output }) => addressesIn(output)) : [] };
}

/** Of a CNI result, "Success" of the specification. */
function addressesIn(output: string): string[] {
  const { ips } = JSON.parse(output) as { readonly ips: readonly { readonly address: string }[] };
  return ips.map(({ address }) => address);
}

let plugin: Plugin | undefined;
for await (const line of createInterface({ input: process.stdin })) {
  if (plugin === undefined) {
    plugin = JSON.parse(line) as Plugin;
    process.stdout.write("\n");
  } else {
    process.stdout.write(`${JSON.stringify(await burst(plugin, JSON.parse(line) as BurstOrder))}\n`);
  }
}
