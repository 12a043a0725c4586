import path from "node:path";
import type { Run } from "../platform/run.ts";
import type { Layout, NodePlace } from "./layout.ts";
import { netnsPath } from "./netns.ts";
import { startDetached } from "./process.ts";
import type { ProcessRef } from "./process.ts";
import type { Lab } from "./state.ts";
import type { Batch, TopologyPlan } from "./topology.ts";

/** Makes the net: step by step, each step's namespaces at once. */
export async function applyTopology(plan: TopologyPlan, run: Run, signal: AbortSignal): Promise<void> {
  const batch = ({ netns, lines }: Batch): Promise<string> =>
    run("ip", ["-n", netns, "-batch", "-"], { stdin: lines.join("\n"), signal });
  await run("ip", ["-batch", "-"], { stdin: plan.namespaces.map((netns) => `netns add ${netns}`).join("\n"), signal });
  await Promise.all(plan.links.map(batch));
  await Promise.all(plan.ports.map(batch));
  await Promise.all(
    // -e: a kernel before 6.11 has no hash seed to set.
    plan.sysctls.map(({ netns, settings }) =>
      run("nsenter", [`--net=${netnsPath(netns)}`, "sysctl", "-eqw", ...settings], { signal }),
    ),
  );
}

// A mount namespace that sees network namespaces made later (`ip netns exec` makes it a slave of ours), with a folder
// of its own where wireguard-go puts its control sockets: those of two nodes have the same names.
const HOLD = "mkdir -p /var/run/wireguard && mount -t tmpfs wireguard /var/run/wireguard && exec sleep infinity";

/** Starts the process that keeps a node's mount namespace; it is ready once it has become `sleep`. */
export async function startHolder(lab: Lab, node: NodePlace): Promise<ProcessRef> {
  return startDetached(
    "ip",
    ["netns", "exec", node.netns, "sh", "-c", HOLD],
    path.join(lab.dir, "logs", `holder-${node.cluster}-${node.name}.log`),
  );
}

/** Every namespace the lab shall have, its pods' aside. */
export function netnsOfLayout({ wan, hub, sites }: Layout): string[] {
  return [wan.netns, hub.netns, ...sites.flatMap(({ netns, nodes }) => [netns, ...nodes.map((node) => node.netns)])];
}
