import path from "node:path";
import type { Run } from "../platform/run.ts";
import type { Layout, NodePlace } from "./layout.ts";
import { netnsPath } from "./netns.ts";
import { startDetached } from "./process.ts";
import type { ProcessRef } from "./process.ts";
import { LABS, RUN } from "./state.ts";
import type { Lab } from "./state.ts";
import type { Batch, NetChange, Ruleset, TopologyPlan } from "./topology.ts";

/** Makes the net: step by step, each step's namespaces at once. */
export async function applyTopology(plan: TopologyPlan, run: Run, signal: AbortSignal): Promise<void> {
  await run("ip", ["-batch", "-"], { stdin: plan.namespaces.map((netns) => `netns add ${netns}`).join("\n"), signal });
  await Promise.all(
    // -e: a kernel before 6.11 has no hash seed to set.
    plan.sysctls.map(({ netns, settings }) =>
      run("nsenter", [`--net=${netnsPath(netns)}`, "sysctl", "-eqw", ...settings], { signal }),
    ),
  );
  await Promise.all(plan.links.map((batch) => applyBatch(batch, run, signal)));
  await Promise.all(plan.ports.map((batch) => applyBatch(batch, run, signal)));
  await Promise.all(plan.rulesets.map((ruleset) => applyRuleset(ruleset, run, signal)));
}

/** Changes the net of a lab that is there. */
export async function applyNetChange({ links, rulesets }: NetChange, run: Run, signal: AbortSignal): Promise<void> {
  for (const batch of links) await applyBatch(batch, run, signal);
  for (const ruleset of rulesets) await applyRuleset(ruleset, run, signal);
}

/** Hands lines to `ip -batch` in their namespace; the first that fails ends it. */
async function applyBatch({ netns, lines }: Batch, run: Run, signal: AbortSignal): Promise<void> {
  await run("ip", ["-n", netns, "-batch", "-"], { stdin: lines.join("\n"), signal });
}

/** Loads a ruleset in its namespace, all of it or nothing. */
async function applyRuleset({ netns, text }: Ruleset, run: Run, signal: AbortSignal): Promise<void> {
  await run("nsenter", [`--net=${netnsPath(netns)}`, "nft", "-f", "-"], { stdin: text, signal });
}

// A mount namespace that sees network namespaces made later (`ip netns exec` makes it a slave of ours), with folders of
// its own where wireguard-go and the agent put their sockets: those of two nodes have the same names. The labs' records
// stay where they are, below the agent's folder.
const HOLD = `set -e
mkdir -p /var/run/wireguard
mount -t tmpfs wireguard /var/run/wireguard
mkdir /var/run/wireguard/lab
mount --bind ${LABS} /var/run/wireguard/lab
mount -t tmpfs trestle ${RUN}
mkdir ${LABS}
mount --move /var/run/wireguard/lab ${LABS}
rmdir /var/run/wireguard/lab
exec sleep infinity`;

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
