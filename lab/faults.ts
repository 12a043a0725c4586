import { runner } from "../platform/run.ts";
import { agentDaemon, awaitDaemon, hubDaemon, startDaemon, storeDaemon } from "./daemons.ts";
import type { Daemon } from "./daemons.ts";
import { readFaultTarget } from "./fault-target.ts";
import { layoutOf } from "./layout.ts";
import type { Layout } from "./layout.ts";
import { netnsInode } from "./netns.ts";
import { requireNode, requireSite } from "./place.ts";
import { killAll, processesIn, sessionOf } from "./process.ts";
import { stateOf, updateState } from "./state.ts";
import type { Lab } from "./state.ts";

/** What `lab break` breaks and `lab mend` mends. */
type Fault =
  | { readonly kind: "daemon"; readonly daemon: Daemon }
  /** A cable: the bridge end of it goes down, as if it were pulled. */
  | { readonly kind: "cable"; readonly netns: string; readonly device: string }
  /** The node's wireguard-go processes; its agent starts them again. */
  | { readonly kind: "tunnel"; readonly netns: string };

const host = runner();

/** @throws MeshError `bad-target`, `no-cluster`, `no-node` */
export async function breakTarget(lab: Lab, target: string, signal: AbortSignal): Promise<void> {
  const fault = readTarget(lab, layoutOf(lab.name, stateOf(lab).file), target);
  await updateState(lab, (state) => ({ ...state, broken: [...new Set([...state.broken, target])] }));
  if (fault.kind === "daemon") {
    const started = stateOf(lab).processes[fault.daemon.key];
    if (started !== undefined) await killAll(sessionOf(started), lab.clock, signal);
  } else if (fault.kind === "cable") {
    await host("ip", ["-n", fault.netns, "link", "set", fault.device, "down"], { signal });
  } else {
    const inode = netnsInode(fault.netns);
    const tunnels =
      inode === undefined ? [] : processesIn(new Set([inode])).filter(({ command }) => command === "wireguard-go");
    await killAll(tunnels, lab.clock, signal);
  }
}

/** @throws MeshError as {@link breakTarget}, and those of a daemon that does not come back */
export async function mendTarget(lab: Lab, target: string, signal: AbortSignal): Promise<void> {
  const fault = readTarget(lab, layoutOf(lab.name, stateOf(lab).file), target);
  if (fault.kind === "daemon") {
    await startDaemon(lab, fault.daemon);
    await awaitDaemon(lab, fault.daemon, signal);
  } else if (fault.kind === "cable") {
    await host("ip", ["-n", fault.netns, "link", "set", fault.device, "up"], { signal });
  }
  await updateState(lab, (state) => ({ ...state, broken: state.broken.filter((other) => other !== target) }));
}

/** Mends all that is recorded as broken. */
export async function mendAll(lab: Lab, signal: AbortSignal): Promise<void> {
  for (const target of stateOf(lab).broken) await mendTarget(lab, target, signal);
}

function readTarget(lab: Lab, layout: Layout, target: string): Fault {
  const { kind, cluster, node } = readFaultTarget(target);
  switch (kind) {
    case "hub":
      return { kind: "daemon", daemon: hubDaemon(lab, layout) };
    case "store":
      return { kind: "daemon", daemon: storeDaemon(lab, requireSite(layout, cluster)) };
    case "agent":
      return { kind: "daemon", daemon: agentDaemon(lab, requireNode(layout, cluster, node)) };
    case "node":
      return {
        kind: "cable",
        netns: requireSite(layout, cluster).netns,
        device: requireNode(layout, cluster, node).port,
      };
    case "wan":
      return { kind: "cable", netns: requireSite(layout, cluster).netns, device: "uplink" };
    case "tunnel":
      return { kind: "tunnel", netns: requireNode(layout, cluster, node).netns };
  }
}
