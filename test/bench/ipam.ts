import { ipBlockKind } from "../../crds/ip-block.ts";
import { networkKind } from "../../crds/network.ts";
import { subnetKind } from "../../crds/subnet.ts";
import type { Progress } from "../../lab/progress.ts";
import { NodeIPAM } from "../../member-agent/ipam/node-ipam.ts";
import type { PodWires } from "../../member-agent/ipam/wires.ts";
import { silent, withFolder } from "../../member-agent/testing/folder.ts";
import { startMemberStore } from "../../member-agent/testing/store.ts";
import { ANNOTATIONS } from "../../mesh/ipam/annotations.ts";
import type { NetworkType } from "../../mesh/ipam/resources.ts";
import { systemClock } from "../../platform/clock.ts";
import type { StateFolder } from "../../platform/state-folder.ts";
import type { ResourceStore } from "../../platform/store/port.ts";
import { makeSubnets, usedByOthers } from "./ipam-world.ts";

const USED = [100, 10_000, 100_000] as const;
/** Pods that ask one after the other, and as many that ask at once, in a round. */
export const PODS = 200;

/** Addresses handed out while so many are in use elsewhere. */
export interface AllocationRound {
  readonly used: number;
  readonly type: NetworkType;
  /** Of each pod, one after the other: until its address is on disk, or claimed in the store. */
  readonly eachMs: readonly number[];
  /** Of all pods, who ask at once. */
  readonly burstMs: number;
}

interface Scene {
  readonly store: ResourceStore;
  readonly ipam: NodeIPAM;
  readonly used: number;
}

/**
 * Times the allocator of one agent, in this process, with a store and a disk of its own, while pods of other machines use
 * ever more addresses. The kernel is left out: every pod is taken to have its wire, and nobody on the LAN answers.
 */
export async function timeIPAM(
  rounds: number,
  { progress, signal }: { readonly progress: Progress; readonly signal: AbortSignal },
): Promise<AllocationRound[]> {
  const member = await startMemberStore();
  const timed: AllocationRound[] = [];
  try {
    await makeSubnets(member.store);
    for (const [at, used] of USED.entries()) {
      signal.throwIfAborted();
      await progress.step(`${used} addresses in use`, () => usedByOthers(member.store, USED[at - 1] ?? 0, used));
      const title = `${rounds} rounds of ${PODS} pods`;
      await progress.step(title, () =>
        withFolder(async (folder) => {
          for await (const round of timeNode(member.store, folder, used, rounds)) timed.push(round);
        }),
      );
    }
    return timed;
  } finally {
    await member.remove();
  }
}

/** A node that starts on a store in use; what it gave is given back at the end. */
async function* timeNode(
  store: ResourceStore,
  folder: StateFolder,
  used: number,
  rounds: number,
): AsyncGenerator<AllocationRound> {
  const life = new AbortController();
  const wires: PodWires = {
    observe: () =>
      Promise.resolve(
        [...ipam.bindings.values()].map(({ attachment, address }) => ({ attachment, addresses: [address] })),
      ),
    cutOff: () => Promise.resolve(),
    probe: () => Promise.resolve(undefined),
    reaches: () => Promise.resolve(true),
  };
  const ipam = await NodeIPAM.open({ node: "bench", folder, wires, clock: systemClock, log: silent }, life.signal);
  const watch = await ipam.useStore(store, life.signal);
  try {
    await ipam.follow(await levelOf(store));
    await ipam.serve();
    await ipam.reconcile();
    const scene = { store, ipam, used };
    // The first round finds no code compiled and claims the first block.
    for (let round = 0; round <= rounds; round += 1) {
      for (const type of ["Overlay", "Underlay"] as const) {
        const timed = await timeRound(scene, type, round);
        if (round > 0) yield timed;
      }
    }
  } finally {
    life.abort();
    await watch.done;
    await ipam.done();
  }
}

async function timeRound({ store, ipam, used }: Scene, type: NetworkType, round: number): Promise<AllocationRound> {
  const allocate = async (way: string, number: number): Promise<void> => {
    const name = `${type.toLowerCase()}-${round}-${way}-${number}`;
    const facts = {
      pod: { namespace: "default", name, uid: name },
      annotations: { [ANNOTATIONS.networkType]: type },
      namespaceAnnotations: {},
    };
    const attachment = { sandbox: name, interface: "eth0" };
    await ipam.allocate(facts, attachment);
    ipam.settle(attachment);
  };
  const release = (way: string): Promise<unknown> =>
    Promise.all(
      pods.map((number) =>
        ipam.release({ sandbox: `${type.toLowerCase()}-${round}-${way}-${number}`, interface: "eth0" }),
      ),
    );
  const pods = Array.from({ length: PODS }, (_, at) => at);
  const eachMs: number[] = [];
  for (const number of pods) eachMs.push(await msOf(() => allocate("each", number)));
  await release("each");
  const burstMs = await msOf(() => Promise.all(pods.map((number) => allocate("burst", number))));
  await release("burst");
  await ipam.follow(await levelOf(store));
  await ipam.reconcile();
  return { used, type, eachMs, burstMs };
}

async function levelOf(store: ResourceStore): Promise<Parameters<NodeIPAM["follow"]>[0]> {
  const [networks, subnets, blocks] = await Promise.all([
    store.list(networkKind),
    store.list(subnetKind),
    store.list(ipBlockKind),
  ]);
  return { networks, subnets, blocks, node: { name: "bench", labels: {} }, nodeAddresses: new Map() };
}

async function msOf(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}
