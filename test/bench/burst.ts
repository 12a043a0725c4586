import path from "node:path";
import { ipInstanceKind } from "../../crds/ip-instance.ts";
import { firstGateway, onNode } from "../../lab/place.ts";
import { stateOf } from "../../lab/state.ts";
import { storeFile } from "../../lab/trestle.ts";
import { waitUntil } from "../../lab/wait.ts";
import { reachStore } from "../cni/support/store.ts";
import type { DistantStore } from "../cni/support/store.ts";
import type { Bench } from "./bench.ts";
import { startBurstNode } from "./burst-node.ts";
import type { BurstNode } from "./burst-node.ts";
import { makeBurstPods } from "./burst-pods.ts";
import type { BurstAnswer, BurstOrder } from "./burst-program.ts";
import { withLab } from "./own-lab.ts";
import { PLUGINS } from "./plugin-call.ts";
import type { Plugin } from "./plugin-call.ts";

const ROUNDS = 3;
/** Milliseconds until all nodes have heard when to begin. */
const NOTICE_MS = 500;
const KNOWN_LIMIT_MS = 120_000;
const LOOK_EVERY_MS = 250;

/** Milliseconds from the start signal to the last answer of the last node. */
export interface BurstRound {
  readonly addMs: number;
  readonly delMs: number;
}

export interface BurstTimes {
  readonly nodes: number;
  /** Of all nodes together. */
  readonly pods: number;
  readonly rounds: readonly BurstRound[];
}

/**
 * Starts pods on all nodes of one cluster together, all at once, and ends them, in a lab of its own. Every round proves
 * that no two pods got one address, that the cluster knows them all, and that it knows of none when they are gone.
 */
export function timeBursts(pods: number, on: Pick<Bench, "progress" | "signal">): Promise<BurstTimes> {
  return withLab("ten-nodes.yaml", on, async (bench) => {
    const { lab, layout, progress, signal } = bench;
    const [site] = layout.sites;
    if (site === undefined) throw new Error("ten-nodes.yaml has no cluster");
    const state = stateOf(lab);
    await using made = await progress.step(`${pods} pods without a network`, () => makeBurstPods(bench, site, pods));
    await using ends = new AsyncDisposableStack();
    const nodes: BurstNode[] = [];
    for (const [at, node] of site.nodes.entries()) {
      const started = await startBurstNode(onNode(state, node), pluginOn(made.byNode[at] ?? []), signal);
      nodes.push(ends.use(started));
    }
    const store = reachStore(onNode(state, firstGateway(site)), storeFile(lab, site.cluster));
    ends.defer(() => store.close());
    const rounds: BurstRound[] = [];
    for (let round = 1; round <= ROUNDS; round += 1) {
      const title = `${pods} pods on ${nodes.length} nodes, round ${round}`;
      rounds.push(await progress.step(title, () => timeRound(bench, nodes, store, pods)));
    }
    return { nodes: nodes.length, pods, rounds };
  });
}

function pluginOn(pods: Plugin["pods"]): Plugin {
  const input = JSON.stringify({ cniVersion: "1.1.0", name: "pods", type: "trestle-cni" });
  return { program: path.join(PLUGINS, "trestle-cni"), env: { CNI_PATH: PLUGINS }, input, pods };
}

async function timeRound(
  bench: Bench,
  nodes: readonly BurstNode[],
  store: DistantStore,
  pods: number,
): Promise<BurstRound> {
  const added = await together(nodes, "ADD");
  const given = new Set(added.addresses.map((address) => address.split("/")[0] ?? address));
  if (given.size !== pods) throw new Error(`${pods} pods got ${given.size} different addresses`);
  await awaitKnown(bench, store, given);
  const deleted = await together(nodes, "DEL");
  await awaitKnown(bench, store, new Set());
  return { addMs: added.ms, delMs: deleted.ms };
}

/** One command for all pods of all nodes. */
async function together(
  nodes: readonly BurstNode[],
  command: BurstOrder["command"],
): Promise<Pick<BurstAnswer, "addresses"> & { readonly ms: number }> {
  const at = Date.now() + NOTICE_MS;
  const answers = await Promise.all(nodes.map((node) => node.carryOut({ command, at })));
  const ms = Math.max(...answers.map(({ doneAt }) => doneAt)) - at;
  return { ms, addresses: answers.flatMap(({ addresses }) => addresses) };
}

/** Waits until the cluster's IPInstances are of these addresses and no others: they are written behind the answers. */
async function awaitKnown({ lab, signal }: Bench, store: DistantStore, addresses: ReadonlySet<string>): Promise<void> {
  let seen = "";
  const look = async (): Promise<true | undefined> => {
    const known = new Set((await store.list(ipInstanceKind)).map(({ spec }) => spec.address));
    const lacking = [...addresses].filter((address) => !known.has(address));
    seen = `${known.size} IPInstances, and none of ${lacking.length} of them`;
    return lacking.length === 0 && known.size === addresses.size ? true : undefined;
  };
  const missing = (): string => `${addresses.size} addresses are in use, but the cluster has ${seen}`;
  await waitUntil(look, missing, { clock: lab.clock, signal, limitMs: KNOWN_LIMIT_MS, everyMs: LOOK_EVERY_MS });
}
