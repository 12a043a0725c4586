import path from "node:path";
import { MeshError } from "../platform/errors.ts";
import { findTool } from "../platform/tools.ts";
import { agentDaemon } from "./daemons.ts";
import { layoutOf } from "./layout.ts";
import type { NodePlace } from "./layout.ts";
import { onNode, requireNode } from "./place.ts";
import { isAlive } from "./process.ts";
import { requireNetwork } from "./runtime.ts";
import type { Runtime } from "./runtime.ts";
import { stateOf } from "./state.ts";
import type { Lab, LabState, PodState } from "./state.ts";
import { withLogs } from "./target.ts";
import { cniFolder } from "./trestle.ts";
import { waitUntil } from "./wait.ts";

/** The container runtime of a node of the lab. @throws MeshError `place-gone`, `missing-tool` */
function runtimeOf(lab: Lab, state: LabState, node: NodePlace): Runtime {
  return {
    node: `${node.cluster}/${node.name}`,
    run: onNode(state, node).run,
    confDir: cniFolder(lab, node),
    binDir: path.dirname(findTool("trestle-cni", "")),
    clock: lab.clock,
  };
}

/** A pod's node, as one who starts and ends pods knows it. */
export interface PodHost {
  readonly runtime: Runtime;
  /** True while the node's agent runs. */
  agentRuns(): boolean;
}

/**
 * Finds the nodes of pods. The lab's record, which grows with its pods, is read once for all of them.
 * @returns what throws MeshError `no-cluster`, `no-node`, `place-gone`, `missing-tool`
 */
export function hostsOf(lab: Lab): (pod: Pick<PodState, "cluster" | "node">) => PodHost {
  const state = stateOf(lab);
  const layout = layoutOf(lab.name, state.file);
  const hosts = new Map<string, PodHost>();
  return (pod) => {
    const key = `${pod.cluster}/${pod.node}`;
    const known = hosts.get(key);
    if (known !== undefined) return known;
    const node = requireNode(layout, pod.cluster, pod.node);
    const host = { runtime: runtimeOf(lab, state, node), agentRuns: () => agentRuns(lab, state, node) };
    hosts.set(key, host);
    return host;
  };
}

function agentRuns(lab: Lab, { processes }: LabState, node: NodePlace): boolean {
  const agent = processes[agentDaemon(lab, node).key];
  return agent !== undefined && isAlive(agent);
}

/**
 * Waits until pods on these nodes can be given a network.
 * @throws MeshError `agent-down`, `timeout`, both with the end of the agent's log
 */
export async function awaitNetworks(lab: Lab, nodes: readonly NodePlace[], signal: AbortSignal): Promise<void> {
  await Promise.all(
    nodes.map(async (node) => {
      const { key } = agentDaemon(lab, node);
      const runtime = runtimeOf(lab, stateOf(lab), node);
      let said = "";
      const look = async (): Promise<true | undefined> => {
        if (!agentRuns(lab, stateOf(lab), node)) {
          const message = `${key} does not run, and nobody else can give pods a network; trestle lab mend ${key}`;
          throw new MeshError("agent-down", message, { retry: false });
        }
        try {
          await requireNetwork(runtime, signal);
          return true;
        } catch (error) {
          if (!(error instanceof MeshError) || error.code === "aborted") throw error;
          said = error.message;
          return undefined;
        }
      };
      await withLogs(lab, [key], () =>
        waitUntil(look, () => said, { clock: lab.clock, signal, limitMs: 180_000, everyMs: 50 }),
      );
    }),
  );
}
