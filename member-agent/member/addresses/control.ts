import { ipBlockKind } from "../../../crds/ip-block.ts";
import { ipInstanceKind } from "../../../crds/ip-instance.ts";
import { membershipKind } from "../../../crds/membership.ts";
import { networkKind } from "../../../crds/network.ts";
import { nodeKind } from "../../../crds/node.ts";
import { subnetKind } from "../../../crds/subnet.ts";
import { SINGLETON_NAME } from "../../../mesh/names.ts";
import type { Clock } from "../../../platform/clock.ts";
import type { Log } from "../../../platform/log.ts";
import { keyedQueue } from "../../../platform/queue.ts";
import type { ResourceStore } from "../../../platform/store/port.ts";
import type { PodDirectory } from "../../ipam/directory.ts";
import { settling } from "../../settling.ts";
import { goneAt, NO_ABSENCES, noteAbsences } from "./absences.ts";
import { subnetCounter } from "./counts.ts";
import { ensureDefaultNetwork } from "./default-network.ts";
import { clearGoneNodes, missingNodes, withoutNode } from "./gone-nodes.ts";
import { guardAddresses } from "./guard.ts";
import type { AddressLevel } from "./level.ts";
import { releaseRetained } from "./retained.ts";
import { countAddresses } from "./status.ts";
import { strayBlocks, sweepBlocks } from "./stray-blocks.ts";

export interface AddressControlParts {
  /** The one that this gateway is of: it has no say in another's store. */
  readonly cluster: string;
  readonly store: ResourceStore;
  readonly directory: PodDirectory;
  readonly clock: Clock;
  readonly log: Log;
}

/** However fast pods come and go, statuses are written this often at most. */
const SETTLES_MS = 1_000;
/** Controllers go away, and nodes stay away, without a change that is seen here. */
const LOOK_EVERY_MS = 5_000;

/** What follows from a change, and what from time. */
const PROMPT = ["network", "guard", "counts"] as const;
const WORK = [...PROMPT, "retained", "nodes", "blocks"] as const;
type Work = (typeof WORK)[number];

/**
 * What the member controller does about addresses, until `signal` aborts: for one of the gateways at a time, though two
 * at once do no harm. It acts on a member that has joined and on no other.
 */
export async function controlAddresses(parts: AddressControlParts, signal: AbortSignal): Promise<void> {
  const { cluster, store, clock, log } = parts;
  const tend = addressControl(parts);
  const backoff = { minMs: 200, maxMs: 30_000 };
  let level: (() => AddressLevel) | undefined;
  const reconcile = async (work: string): Promise<void> => {
    const present = level?.();
    const { phase, cluster: name } = present?.membership?.spec ?? {};
    if (present !== undefined && phase === "Joined" && name === cluster) await tend(work as Work, present);
  };
  const queue = keyedQueue({ concurrency: WORK.length, backoff, clock, log }, reconcile, signal);
  const wake = (due: readonly Work[]): void => {
    for (const work of due) queue.add(work);
  };
  const onChange = settling(clock, SETTLES_MS, () => wake(PROMPT), signal);
  const watch = watchAddresses(store, onChange, signal);
  const look = async (): Promise<void> => {
    await watch.synced.catch(() => undefined);
    level = watch.level;
    while (!signal.aborted) {
      wake(WORK);
      await clock.sleep(LOOK_EVERY_MS, signal);
    }
  };
  await Promise.all([look(), queue.done, watch.done]);
}

/** One look at each kind of work; it remembers what it counted, and since when what is missing. */
function addressControl(parts: AddressControlParts): (work: Work, level: AddressLevel) => Promise<void> {
  const { store, directory, clock } = parts;
  const count = subnetCounter();
  let nodes = NO_ABSENCES;
  let strays = NO_ABSENCES;
  return async (work, level) => {
    switch (work) {
      case "network":
        return ensureDefaultNetwork(store, level);
      case "guard":
        return guardAddresses(store, level);
      case "counts":
        return countAddresses(store, level, count, new Date(clock.now()).toISOString());
      case "retained":
        return releaseRetained(store, directory, level.instances);
      case "nodes": {
        // The store has to answer, or else its silence would count as absence.
        const missing = await withoutNode(store, missingNodes(level));
        const now = clock.monotonic();
        nodes = noteAbsences(nodes, missing, now);
        return clearGoneNodes(store, goneAt(nodes, now), level);
      }
      case "blocks": {
        const found = strayBlocks(level);
        const now = clock.monotonic();
        strays = noteAbsences(
          strays,
          found.map(({ metadata }) => metadata.uid),
          now,
        );
        const gone = goneAt(strays, now);
        return sweepBlocks(
          store,
          found.filter(({ metadata }) => gone.has(metadata.uid)),
        );
      }
    }
  };
}

interface AddressWatch {
  readonly synced: Promise<void>;
  readonly level: () => AddressLevel;
  readonly done: Promise<void>;
}

function watchAddresses(store: ResourceStore, onChange: () => void, signal: AbortSignal): AddressWatch {
  const memberships = store.watch(membershipKind, onChange, signal);
  const networks = store.watch(networkKind, onChange, signal);
  const subnets = store.watch(subnetKind, onChange, signal);
  const instances = store.watch(ipInstanceKind, onChange, signal);
  const blocks = store.watch(ipBlockKind, onChange, signal);
  const nodes = store.watch(nodeKind, onChange, signal);
  const all = [memberships, networks, subnets, instances, blocks, nodes];
  return {
    synced: Promise.all(all.map((watch) => watch.synced)).then(() => undefined),
    done: Promise.all(all.map((watch) => watch.done)).then(() => undefined),
    level: () => ({
      membership: memberships.objects.get(SINGLETON_NAME),
      networks: [...networks.objects.values()],
      subnets: [...subnets.objects.values()],
      instances: [...instances.objects.values()],
      blocks: [...blocks.objects.values()],
      nodes: [...nodes.objects.values()],
    }),
  };
}
