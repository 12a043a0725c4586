import { eventually } from "../../../platform/testing/eventually.ts";
import { call } from "./cni-node.ts";
import type { CNINode, TestPod } from "./cni-node.ts";
import type { AddResult, CNIFailure, Said } from "./plugin.ts";

/** A pod that a runtime has got onto the network. */
export interface RunningPod {
  readonly pod: TestPod;
  readonly sandbox: string;
  /** As they were answered, with prefix length. */
  readonly addresses: readonly string[];
}

const ATTEMPTS = 10;
const PATIENCE_MS = 120_000;

/**
 * Adds a pod as a kubelet and its runtime do: a sandbox that can't be wired is taken down, and a new one made.
 * @param name of its first sandbox
 */
export async function addAsRuntime(node: CNINode, pod: TestPod, name: string): Promise<RunningPod> {
  const failures: string[] = [];
  while (failures.length < ATTEMPTS) {
    const sandbox = `${name}.${failures.length}`;
    const { code, output } = await call(node.socket, "ADD", pod, { sandbox });
    if (code === 0) return { pod, sandbox, addresses: resultOf(output).ips.map(({ address }) => address) };
    failures.push(output);
    await deleteAsRuntime(node, pod, sandbox);
  }
  throw new Error(`${pod.name} was not added: ${failures.join(" ")}`);
}

/** Deletes until it is done, as runtimes do. */
export async function deleteAsRuntime(node: CNINode, pod: TestPod, sandbox: string): Promise<void> {
  await eventually(async () => {
    const { code, output } = await call(node.socket, "DEL", pod, { sandbox });
    return code === 0 || output;
  }, PATIENCE_MS);
}

/** Of an ADD that was well. */
export function resultOf(output: string): AddResult {
  return JSON.parse(output) as AddResult;
}

/** Of a call that was not. */
export function failureOf({ output }: Said): CNIFailure {
  return JSON.parse(output) as CNIFailure;
}
