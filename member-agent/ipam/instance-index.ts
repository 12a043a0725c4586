import { objectNameOfAddress } from "../../mesh/names.ts";
import type { IPInstance, IPInstanceSpec, OwnerReference, PodReference } from "../../mesh/ipam/resources.ts";
import type { Change } from "../../platform/store/port.ts";
import { interfaceOf } from "./binding.ts";
import { SetsByKey } from "./sets-by-key.ts";

/** What the store said of addresses, found by address and by pod: a level that follows a watch. */
export class InstanceIndex {
  /** By object's name. */
  readonly #all = new Map<string, IPInstance>();
  /** Objects' names. */
  readonly #byPod = new SetsByKey<string, string>();

  note(change: Change<IPInstance>): void {
    const before = this.#all.get(change.name);
    if (before !== undefined) this.#byPod.delete(podKey(before.spec.pod), change.name);
    if (change.op === "delete") {
      this.#all.delete(change.name);
      return;
    }
    this.#all.set(change.name, change.object);
    this.#byPod.add(podKey(change.object.spec.pod), change.name);
  }

  values(): Iterable<IPInstance> {
    return this.#all.values();
  }

  named(name: string): IPInstance | undefined {
    return this.#all.get(name);
  }

  at(address: string): IPInstance | undefined {
    return this.#all.get(objectNameOfAddress(address));
  }

  /**
   * Retained addresses of a pod, by whichever uid it runs: its namespace, name and controller say that it is the same.
   * @param of name of the interface that asks: what another one has, or had last, is not its
   */
  keptFor(pod: PodReference, owner: OwnerReference | undefined, of: string): IPInstance[] {
    return this.#byPod.get(podKey(pod)).flatMap((name) => {
      const instance = this.#all.get(name);
      if (instance?.spec.retained !== true || !isSamePod(instance, pod, owner)) return [];
      return (interfaceOf(instance.spec) ?? of) === of ? [instance] : [];
    });
  }
}

/** Whether an address is that of a pod, or of one that came before it in its place, or kept for it by a person. */
export function isSamePod({ spec }: IPInstance, pod: PodReference, owner: OwnerReference | undefined): boolean {
  return podKey(spec.pod) === podKey(pod) && (isReservation(spec) || spec.owner?.uid === owner?.uid);
}

/** Whether a person keeps it for a pod to come (`trestle ip create`), of which nothing but its name is known. */
export function isReservation({ pod }: IPInstanceSpec): boolean {
  return pod.uid === "";
}

function podKey({ namespace, name }: PodReference): string {
  return `${namespace}/${name}`;
}
