import path from "node:path";
import { MeshError } from "../platform/errors.ts";
import { findTool } from "../platform/tools.ts";
import { agentDaemon } from "./daemons.ts";
import type { NodePlace } from "./layout.ts";
import { onNode } from "./place.ts";
import { isAlive } from "./process.ts";
import { requireNetwork } from "./runtime.ts";
import type { Runtime } from "./runtime.ts";
import { stateOf } from "./state.ts";
import type { Lab } from "./state.ts";
import { withLogs } from "./target.ts";
import { cniFolder } from "./trestle.ts";
import { waitUntil } from "./wait.ts";

/** The container runtime of a node of the lab, as it is now. @throws MeshError `place-gone`, `missing-tool` */
export function runtimeOf(lab: Lab, node: NodePlace): Runtime {
  return {
    node: `${node.cluster}/${node.name}`,
    run: onNode(stateOf(lab), node).run,
    confDir: cniFolder(lab, node),
    binDir: path.dirname(findTool("trestle-cni", "")),
    clock: lab.clock,
  };
}

/** True while a node's agent runs. */
export function agentRuns(lab: Lab, node: NodePlace): boolean {
  const agent = stateOf(lab).processes[agentDaemon(lab, node).key];
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
      const runtime = runtimeOf(lab, node);
      let said = "";
      const look = async (): Promise<true | undefined> => {
        if (!agentRuns(lab, node)) {
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
        waitUntil(look, () => said, { clock: lab.clock, signal, limitMs: 60_000, everyMs: 50 }),
      );
    }),
  );
}
