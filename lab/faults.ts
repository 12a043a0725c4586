import { MeshError } from "../platform/errors.ts";
import { runner } from "../platform/run.ts";
import { agentDaemon, awaitDaemon, hubDaemon, startDaemon, storeDaemon } from "./daemons.ts";
import type { Daemon } from "./daemons.ts";
import { faultKey, readFaultTarget } from "./fault-target.ts";
import { layoutOf, podNetns } from "./layout.ts";
import type { Layout, Site } from "./layout.ts";
import { listNetns, netnsInode } from "./netns.ts";
import { planPathLimit } from "./path-limit.ts";
import { requireNode, requireSite } from "./place.ts";
import { killAll, processesIn, sessionOf } from "./process.ts";
import { stateOf, updateState } from "./state.ts";
import type { Lab } from "./state.ts";
import { UPLINK, uplinkLines } from "./topology.ts";
import type { NetChange } from "./topology.ts";
import { applyNetChange, netnsOfLayout } from "./topology-apply.ts";

/** What `lab break` breaks and `lab mend` mends. */
type Fault =
  | { readonly kind: "daemon"; readonly daemon: Daemon }
  /** A cable that is pulled, a link that is narrow. `broken` is absent where only mending was said in full. */
  | { readonly kind: "net"; readonly broken: NetChange | undefined; readonly whole: NetChange }
  /** The node's wireguard-go processes; its agent starts them again. */
  | { readonly kind: "tunnel"; readonly netns: string };

const host = runner();

/** @throws MeshError `bad-target`, `no-cluster`, `no-node` */
export async function breakTarget(lab: Lab, target: string, signal: AbortSignal): Promise<void> {
  const fault = readTarget(lab, layoutOf(lab.name, stateOf(lab).file), target);
  if (fault.kind === "net" && fault.broken === undefined) {
    throw new MeshError("bad-target", `say how narrow: ${target}=BYTES, or ${target}=BYTES,silent`, { retry: false });
  }
  await updateState(lab, (state) => ({ ...state, broken: [...without(state.broken, target), target] }));
  if (fault.kind === "daemon") {
    const started = stateOf(lab).processes[fault.daemon.key];
    if (started !== undefined) await killAll(sessionOf(started), lab.clock, signal);
  } else if (fault.kind === "net") {
    if (fault.broken !== undefined) await applyNetChange(fault.broken, host, signal);
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
  } else if (fault.kind === "net") {
    await applyNetChange(fault.whole, host, signal);
    await forgetPathMTUs(lab, signal);
  }
  await updateState(lab, (state) => ({ ...state, broken: without(state.broken, target) }));
}

/** Mends all that is recorded as broken. */
export async function mendAll(lab: Lab, signal: AbortSignal): Promise<void> {
  for (const target of stateOf(lab).broken) await mendTarget(lab, target, signal);
}

function readTarget(lab: Lab, layout: Layout, target: string): Fault {
  const { kind, cluster, node, limit } = readFaultTarget(target);
  switch (kind) {
    case "hub":
      return { kind: "daemon", daemon: hubDaemon(lab, layout) };
    case "store":
      return { kind: "daemon", daemon: storeDaemon(lab, requireSite(layout, cluster)) };
    case "agent":
      return { kind: "daemon", daemon: agentDaemon(lab, requireNode(layout, cluster, node)) };
    case "node": {
      const { port } = requireNode(layout, cluster, node);
      return cable(requireSite(layout, cluster), port, [`link set ${port} up`]);
    }
    case "wan": {
      const site = requireSite(layout, cluster);
      return cable(site, UPLINK, uplinkLines(site));
    }
    case "mtu": {
      const site = requireSite(layout, cluster);
      const broken = limit && planPathLimit(layout, site, limit);
      return { kind: "net", broken, whole: planPathLimit(layout, site, undefined) };
    }
    case "tunnel":
      return { kind: "tunnel", netns: requireNode(layout, cluster, node).netns };
  }
}

/** The site's end of a cable goes down, as if it were pulled. */
function cable({ netns }: Site, device: string, whole: readonly string[]): Fault {
  const change = (lines: readonly string[]): NetChange => ({ links: [{ netns, lines }], rulesets: [] });
  return { kind: "net", broken: change([`link set ${device} down`]), whole: change(whole) };
}

/** What kernels learnt of a narrow path they would believe for ten minutes more (net.ipv4.route.mtu_expires). */
async function forgetPathMTUs(lab: Lab, signal: AbortSignal): Promise<void> {
  const { file, pods } = stateOf(lab);
  const all = [
    ...netnsOfLayout(layoutOf(lab.name, file)),
    ...pods.map(({ cluster, name }) => podNetns(lab.name, cluster, name)),
  ];
  const present = new Set(listNetns());
  await Promise.all(
    all
      .filter((netns) => present.has(netns))
      .flatMap((netns) =>
        ["-4", "-6"].map((family) => host("ip", [family, "-n", netns, "route", "flush", "cache"], { signal })),
      ),
  );
}

/** What is broken without the target, however it was spelt. */
function without(broken: readonly string[], target: string): string[] {
  return broken.filter((other) => faultKey(other) !== faultKey(target));
}
