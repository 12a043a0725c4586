import type { Progress } from "../../lab/progress.ts";
import { dataPathPlanner } from "../../member-agent/plan.ts";
import type { Remote, Situation } from "../../member-agent/situation.ts";
import { systemClock } from "../../platform/clock.ts";
import { findTool } from "../../platform/tools.ts";
import { amendDataPath } from "../../tunnel/amend.ts";
import { syncDataPath } from "../../tunnel/data-path.ts";
import type { DataPathDeps } from "../../tunnel/parts.ts";
import type { SyncReport } from "../../tunnel/report.ts";
import type { DataPath } from "../../tunnel/state.ts";
import { makeTestNode } from "../../tunnel/testing/namespace.ts";
import type { TestNode } from "../../tunnel/testing/namespace.ts";
import { keptSysctls } from "../../tunnel/testing/sysctl-memory.ts";
import { genKey } from "../../tunnel/wireguard/keys.ts";
import { announcingMore, moved, gatewayAmong, linkedClusters } from "./scale-mesh.ts";
import { meterOn } from "./scale-meter.ts";
import type { Cost, Meter } from "./scale-meter.ts";

/** Numbers of linked clusters, besides the largest. */
const SMALLER = [10, 100, 300];
/** Of each kind, in a round. */
const TIMES = 10;

/** Of one change: what a mesh's linked clusters are after it, where it is about the one at a place. */
const CHANGES = {
  "a prefix more": (remotes, at) => remotes.map((remote, index) => (index === at ? announcingMore(remote) : remote)),
  "a prefix less": (remotes) => remotes,
  "a gateway elsewhere": (remotes, at) => remotes.map((remote, index) => (index === at ? moved(remote) : remote)),
  "the gateway back": (remotes) => remotes,
  "a cluster gone": (remotes, at) => remotes.toSpliced(at, 1),
  "the cluster back": (remotes) => remotes,
} as const satisfies Record<string, (remotes: readonly Remote[], at: number) => readonly Remote[]>;

export type ChangeName = keyof typeof CHANGES;

/** A plan, and the kernel made to hold it. */
export interface Turn {
  readonly plannerMs: number;
  readonly applied: Cost;
}

/** One gateway that is linked with so many clusters. */
export interface ScaleRound {
  readonly clusters: number;
  readonly routes: number;
  readonly peers: number;
  /** From nothing. */
  readonly first: Turn;
  /** A look at all of it, nothing to do. */
  readonly again: Turn;
  readonly changes: readonly (Turn & { readonly change: ChangeName })[];
}

interface Scene {
  readonly node: TestNode;
  readonly meter: Meter;
  readonly deps: DataPathDeps;
  readonly plan: (situation: Situation) => DataPath;
}

/**
 * What linked clusters cost one gateway, on a node without a network: plans and the kernel's state, by the planner and
 * the syncs that the agent has. A fresh node for each round and number of clusters.
 * @param most clusters
 * @throws Error when a step failed, or the kernel holds something else after the changes than was planned
 */
export async function timeScale(
  most: number,
  rounds: number,
  { progress, signal }: { readonly progress: Progress; readonly signal: AbortSignal },
): Promise<ScaleRound[]> {
  const sizes = [...SMALLER.filter((size) => size < most), most];
  const timed: ScaleRound[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    for (const clusters of sizes) {
      signal.throwIfAborted();
      const title = `${clusters} clusters, round ${round} of ${rounds}`;
      timed.push(await progress.step(title, () => timeGateway(clusters, signal)));
    }
  }
  return timed;
}

async function timeGateway(clusters: number, signal: AbortSignal): Promise<ScaleRound> {
  const node = await makeTestNode("scale");
  const meter = meterOn(node);
  try {
    await wire(node);
    const wireGuardGo = findTool("wireguard-go", process.env["PATH"] ?? "");
    const memories = { sysctlMemory: keptSysctls(), endpointMemory: new Map() };
    const deps = { run: meter.run, wireGuardGo, clock: systemClock, ...memories };
    return await timeTurns({ node, meter, deps, plan: dataPathPlanner() }, clusters, signal);
  } finally {
    await meter.close();
    await node.remove();
  }
}

/** A LAN with nobody on it. */
async function wire({ run }: TestNode): Promise<void> {
  const lines = [
    "link add dev eth0 type veth peer name lan0",
    "link set dev lan0 up",
    "link set dev eth0 up",
    "address add 172.16.1.10/24 dev eth0",
    "route add default via 172.16.1.1 dev eth0",
  ];
  await run("ip", ["-batch", "-"], { stdin: lines.join("\n") });
}

async function timeTurns(scene: Scene, clusters: number, signal: AbortSignal): Promise<ScaleRound> {
  const { meter, deps } = scene;
  const privateKey = await genKey(scene.node.run);
  const remotes = linkedClusters(clusters);
  const whole = gatewayAmong(remotes, privateKey);
  const sync = (want: DataPath): Promise<SyncReport> => syncDataPath(deps, want);
  const first = await turn(scene, whole, sync);
  const again = await turn(scene, whole, sync);
  const timed: (Turn & { change: ChangeName })[] = [];
  let held = first.plan;
  for (let count = 0; count < TIMES; count += 1) {
    // Spread over all of them.
    const at = Math.floor(((count + 0.5) * clusters) / TIMES);
    for (const change of Object.keys(CHANGES) as ChangeName[]) {
      signal.throwIfAborted();
      // Every view is read anew, so nothing of it is the same object as before.
      const situation = structuredClone({ ...whole, remotes: CHANGES[change](remotes, at) });
      const changed = await turn(scene, situation, (want) => amended(deps, want, held));
      held = changed.plan;
      timed.push({ change, ...changed.turn });
    }
  }
  const [{ done, failed }] = await meter.cost(() => sync(held));
  if (done.length + failed.length > 0) throw new Error(`after ${timed.length} changes there was still something to do`);
  const peers = first.plan.wireGuard.reduce((sum, device) => sum + device.peers.length, 0);
  const { length: routes } = first.plan.routes;
  return { clusters, routes, peers, first: first.turn, again: again.turn, changes: timed };
}

async function amended(deps: DataPathDeps, want: DataPath, held: DataPath): Promise<SyncReport> {
  const report = await amendDataPath(deps, want, held);
  if (report === undefined) throw new Error("a change of one linked cluster took a look at the whole kernel");
  return report;
}

async function turn(
  { meter, plan }: Scene,
  situation: Situation,
  apply: (want: DataPath) => Promise<SyncReport>,
): Promise<{ readonly plan: DataPath; readonly turn: Turn }> {
  const start = performance.now();
  const want = plan(situation);
  const plannerMs = performance.now() - start;
  const [{ failed }, applied] = await meter.cost(() => apply(want));
  const [fault] = failed;
  if (fault !== undefined) throw new Error(`${failed.length} steps failed, first ${fault.step}: ${fault.message}`);
  return { plan: want, turn: { plannerMs, applied } };
}
