import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { hasCode } from "../../../platform/errors.ts";
import type { ProgramFailure } from "../../../platform/run.ts";
import type { CNINode, TestPod } from "./cni-node.ts";

/** Where scripts/setup puts cnitool, the plugins it chains, and ours. */
const PLUGINS = path.join(import.meta.dirname, "../../../.cache/bin");
const PATIENCE_MS = 60_000;

type Verb = "add" | "check" | "del" | "gc" | "status";

/** What cnitool came to: `said` is the result on success, else what went wrong. */
export interface Outcome {
  readonly ok: boolean;
  readonly said: string;
}

/** The CNI project's own runtime, on a node: it keeps results between the calls of a pod, as runtimes do. */
export interface CNITool {
  (verb: Verb, list: string, pod: TestPod, capabilities?: object): Promise<Outcome>;
  /** Loses what it remembers of all pods. */
  forget(): Promise<void>;
}

/**
 * Makes cnitool ready with these lists of plugins.
 * @param lists by name, each a version of the specification and what is chained behind our plugin
 */
export async function openCNITool(
  node: CNINode,
  lists: Readonly<Record<string, { readonly cniVersion: string; readonly behind?: readonly object[] }>>,
): Promise<CNITool> {
  const folder = path.join(node.folder, "lists");
  await mkdir(folder);
  for (const [name, { cniVersion, behind = [] }] of Object.entries(lists)) {
    const list = { cniVersion, name, plugins: [{ type: "trestle-cni" }, ...behind] };
    await writeFile(path.join(folder, `${name}.conflist`), JSON.stringify(list));
  }
  // libcni keeps results in /var/lib/cni: on this node alone.
  await node.run("mount", ["-t", "tmpfs", "tmpfs", "/var/lib"]);
  const tool = async (verb: Verb, list: string, pod: TestPod, capabilities: object = {}): Promise<Outcome> => {
    const env = {
      CNI_PATH: PLUGINS,
      NETCONFPATH: folder,
      CNI_ARGS: pod.args,
      CAP_ARGS: JSON.stringify(capabilities),
      TRESTLE_CNI_SOCKET: node.socket,
    };
    const words = [...Object.entries(env).map(([name, value]) => `${name}=${value}`), path.join(PLUGINS, "cnitool")];
    try {
      return { ok: true, said: await node.run("env", [...words, verb, list, pod.netns], { limitMs: PATIENCE_MS }) };
    } catch (error) {
      if (!hasCode(error, "program-failed")) throw error;
      return { ok: false, said: (error.cause as ProgramFailure).stderr };
    }
  };
  return Object.assign(tool, { forget: async () => void (await node.run("rm", ["-rf", "/var/lib/cni"])) });
}
