import { namespaceKind } from "../../crds/namespace.ts";
import { podKind } from "../../crds/pod.ts";
import { workloadKind } from "../../crds/workload.ts";
import type { PodFacts } from "../../mesh/ipam/annotations.ts";
import type { Namespace, Pod } from "../../mesh/ipam/pods.ts";
import { objectNameOfPod, objectNameOfWorkload } from "../../mesh/ipam/pods.ts";
import type { Clock } from "../../platform/clock.ts";
import { MeshError, messageOf } from "../../platform/errors.ts";
import type { Log } from "../../platform/log.ts";
import type { ResourceStore } from "../../platform/store/port.ts";
import type { PodDirectory } from "./directory.ts";

export interface EmbeddedDirectory extends PodDirectory {
  /** After the first full list of every kind; see `Watch`. Questions may be asked before. */
  readonly synced: Promise<void>;
  readonly done: Promise<void>;
}

/** A container runtime waits while the store is asked. */
const ASK_LIMIT_MS = 2_000;

/**
 * Pods as a cluster's own store knows them. What was seen of them is kept: of a pod that was seen the answer takes no call
 * to the store, and needs none. What was not seen is asked for, since news may lag behind.
 */
export function embeddedDirectory(
  store: ResourceStore,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
  signal: AbortSignal,
): EmbeddedDirectory {
  const pods = store.watch(podKind, () => undefined, signal);
  const namespaces = store.watch(namespaceKind, () => undefined, signal);
  const workloads = store.watch(workloadKind, () => undefined, signal);
  const watches = [pods, namespaces, workloads];
  let knowsNamespaces = false;
  const listed = namespaces.synced.then(
    () => (knowsNamespaces = true),
    () => undefined,
  );

  const askPod = async (namespace: string, name: string): Promise<PodFacts | undefined> => {
    try {
      const asked = [
        store.get(podKind, objectNameOfPod({ namespace, name })),
        store.get(namespaceKind, namespace),
      ] as const;
      const [pod, home] = await inTime(clock, `pod ${namespace}/${name}`, Promise.all(asked));
      return pod && factsOf(pod, home);
    } catch (cause) {
      const message = `pod ${namespace}/${name} has not been seen here, and the cluster's store can't be asked (${messageOf(cause)}); it will be asked again`;
      throw new MeshError("pod-unknown", message, { retry: true, cause });
    }
  };

  const synced = Promise.all(watches.map((watch) => watch.synced)).then(() => undefined);
  // Nobody has to wait for it.
  synced.catch(() => undefined);

  return {
    synced,
    done: Promise.all([listed, ...watches.map((watch) => watch.done)]).then(() => undefined),

    find: async (namespace, name, uid) => {
      const pod = pods.objects.get(objectNameOfPod({ namespace, name }));
      const home = namespaces.objects.get(namespace);
      const seen =
        pod !== undefined && (uid ?? pod.metadata.uid) === pod.metadata.uid && (home !== undefined || knowsNamespaces);
      return seen ? factsOf(pod, home) : askPod(namespace, name);
    },

    ownerExists: async (namespace, { kind, name, uid }) => {
      const objectName = objectNameOfWorkload({ kind, namespace, name });
      // One that was seen may be gone by now, which the next question will find; one of another uid may be the elder.
      if (workloads.objects.get(objectName)?.metadata.uid === uid) return true;
      try {
        const present = await inTime(clock, `${kind} ${namespace}/${name}`, store.get(workloadKind, objectName));
        return present?.metadata.uid === uid;
      } catch (error) {
        log.warn({ event: "owner-unknown", namespace, kind, name, error }, messageOf(error));
        return undefined;
      }
    },
  };
}

function factsOf({ metadata, spec }: Pod, home: Namespace | undefined): PodFacts {
  const { namespace, name, owner } = spec;
  return {
    pod: { namespace, name, uid: metadata.uid },
    annotations: metadata.annotations,
    namespaceAnnotations: home?.metadata.annotations ?? {},
    ...(owner !== undefined && { owner }),
  };
}

/** @throws MeshError `store-unreachable` (retry) when the answer takes too long */
async function inTime<T>(clock: Clock, what: string, answer: Promise<T>): Promise<T> {
  const answered = new AbortController();
  const late = clock.sleep(ASK_LIMIT_MS, answered.signal).then((): never => {
    const message = `${what}: the store did not answer within ${ASK_LIMIT_MS} ms`;
    throw new MeshError("store-unreachable", message, { retry: true });
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    // The race has heard one of them, and what the other says no longer matters.
    answered.abort();
  }
}
