import { ipInstanceKind } from "../../crds/ip-instance.ts";
import type { Attachment, IPInstance } from "../../mesh/ipam/resources.ts";
import { objectNameOfAddress } from "../../mesh/names.ts";
import { hasCode } from "../../platform/errors.ts";
import { retryOnConflict } from "../../platform/store/amend.ts";
import { boundSpec } from "./binding.ts";
import type { Binding } from "./binding.ts";
import { createInstance, dropInstance, placeBlockOfOne, writeInstance } from "./claims.ts";
import { isSamePod } from "./instance-index.ts";
import type { AddressStock } from "./stock.ts";

/** Takes a claim back. */
export type Undo = () => Promise<void>;

/** What was taken over, and the way back. */
export interface TakenOver {
  readonly undo: Undo;
  /** Who had it until now, as the store says; absent: nobody, it was kept for this pod to come. */
  readonly from: Attachment | undefined;
}

/** Claims that the store decides: of underlay addresses, and of those that are retained or asked for by name. */
export class InStore {
  readonly #stock: AddressStock;

  constructor(stock: AddressStock) {
    this.#stock = stock;
  }

  /**
   * Claims an address that nobody has.
   * @returns undefined when somebody has it
   * @throws MeshError of the store, `store-silent` (retry)
   */
  async create(binding: Binding): Promise<Undo | undefined> {
    const { node } = this.#stock;
    const store = this.#stock.requireStore();
    const created = await createInstance(store, boundSpec(binding, node));
    if (created === undefined) return undefined;
    return this.#route(binding, () => dropInstance(store, created, node));
  }

  /**
   * Takes an address over from the pod that this one comes in the place of.
   * @returns undefined when nobody has the address, or another pod
   * @throws MeshError of the store, `store-silent` (retry)
   */
  async takeOver(binding: Binding): Promise<TakenOver | undefined> {
    const { node } = this.#stock;
    const store = this.#stock.requireStore();
    const before = await retryOnConflict(async (): Promise<IPInstance | undefined> => {
      const present = await store.get(ipInstanceKind, objectNameOfAddress(binding.address));
      if (present === undefined || !isSamePod(present, binding.pod, binding.owner)) return undefined;
      if (isOfAnotherInterface(present.spec.attachment, binding.attachment)) return undefined;
      await writeInstance(store, present, boundSpec(binding, node));
      return present;
    }).catch((error: unknown) => {
      // It was given up between the look and the write.
      if (hasCode(error, "not-found")) return undefined;
      throw error;
    });
    if (before === undefined) return undefined;
    const undo = async (): Promise<void> => {
      const present = await store.get(ipInstanceKind, before.metadata.name);
      if (present?.spec.attachment?.sandbox === binding.attachment.sandbox)
        await writeInstance(store, present, before.spec);
    };
    return { undo: await this.#route(binding, undo), from: before.spec.attachment };
  }

  /** Has the address routed here; the LAN finds those of an underlay by itself. */
  async #route({ type, address }: Binding, undo: Undo): Promise<Undo> {
    if (type === "Underlay") return undo;
    try {
      await placeBlockOfOne(this.#stock.requireStore(), address, this.#stock.node);
      return undo;
    } catch (error) {
      // What went wrong first is what is told; what can't be undone now the reconciler finds.
      await undo().catch(() => undefined);
      throw error;
    }
  }
}

/** One sandbox may ask for several interfaces: what one of them has is not another's. */
export function isOfAnotherInterface(one: Attachment | undefined, other: Attachment): boolean {
  return one?.sandbox === other.sandbox && one.interface !== other.interface;
}

/** One after the other; the second also where the first fails. */
export function inTurn(first: Undo, second: Undo): Undo {
  return async () => {
    try {
      await first();
    } finally {
      await second();
    }
  };
}
