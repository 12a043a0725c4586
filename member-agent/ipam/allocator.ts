import { ipInstanceKind } from "../../crds/ip-instance.ts";
import { chooseAddresses } from "../../mesh/ipam/choice.ts";
import type { Choice, FamilyChoice } from "../../mesh/ipam/choice.ts";
import type { Attachment, Subnet } from "../../mesh/ipam/resources.ts";
import { objectNameOfAddress } from "../../mesh/names.ts";
import { hasCode, MeshError, messageOf } from "../../platform/errors.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Log } from "../../platform/log.ts";
import type { Allocation, Claimed } from "./allocation.ts";
import { addressInUse, bindingFor, exhausted } from "./asked.ts";
import type { Asked, AskedFacts } from "./asked.ts";
import type { Binding } from "./binding.ts";
import { BlockClaims } from "./block-claims.ts";
import { InStore, inTurn, isOfAnotherInterface } from "./in-store.ts";
import { keptFor } from "./kept.ts";
import { borrowAddress } from "./lending.ts";
import { requireUnused } from "./lan-probes.ts";
import type { LanProbes } from "./lan-probes.ts";
import type { AddressStock } from "./stock.ts";
import { holdMarked } from "./take-up.ts";
import { requireWithheld } from "./withheld.ts";

export interface AllocatorParts extends LanProbes {
  readonly stock: AddressStock;
  readonly clock: Clock;
  /** Ends waiting for other nodes. */
  readonly signal: AbortSignal;
  readonly log: Log;
}

const CLAIMED = { claimed: true } as const;
/** Addresses of a LAN that somebody else has, one after the other, before a pod is told to wait. */
const MOST_CONFLICTS = 8;

/** Gives pods their addresses: of each family that the choice has one, or none at all. */
export class Allocator {
  readonly #parts: AllocatorParts;
  readonly #inStore: InStore;
  readonly #blockClaims: BlockClaims;
  /** Addresses that others of the LAN have, since when. */
  readonly conflicts = new Map<string, { readonly subnet: string; readonly sinceMs: number }>();

  constructor(parts: AllocatorParts) {
    this.#parts = parts;
    this.#inStore = new InStore(parts.stock);
    this.#blockClaims = new BlockClaims(parts.stock, parts.log);
  }

  /** Claims one more block of a Subnet for this node, see {@link BlockClaims.claim}. */
  claimBlock(subnet: Subnet): Promise<boolean> {
    return this.#blockClaims.claim(subnet);
  }

  /**
   * The addresses of a pod's sandbox, on disk when this resolves. The same attachment gets the same again; so does a new
   * sandbox of the same pod, and whoever comes in the place of a pod whose addresses are retained.
   * @throws MeshError with a refusal's code; `addresses-exhausted`, `address-in-use`, `address-on-lan`; and with `retry`
   *   set where waiting may help: the store is silent, the disk is full
   */
  async allocate(facts: AskedFacts, attachment: Attachment): Promise<Allocation> {
    const { stock } = this.#parts;
    const present = stock.book.of(attachment);
    if (present.length > 0) return { bindings: present, isNew: false };
    const former = stock.book.ofPod(facts.pod, attachment.interface);
    if (former.length > 0) {
      const bindings = former.map((each) => ({ ...each, attachment, list: facts.list }));
      await stock.book.bind(bindings);
      return { bindings, isNew: true, former: former[0]?.attachment };
    }
    if (facts.isPartial === true) {
      throw new MeshError("pod-changed", "its addresses were given back while it asked for them; it is to ask again", {
        retry: true,
      });
    }
    const { value: choice, refusal } = chooseAddresses(facts, stock.level);
    if (refusal !== undefined) throw new MeshError(refusal.code, refusal.message, { retry: false });
    return this.#bindAll(choice, { facts, attachment });
  }

  async #bindAll(choice: Choice, asked: Asked): Promise<Allocation> {
    const { stock } = this.#parts;
    const claimed: Claimed[] = [];
    try {
      for (const family of choice.families) claimed.push(await this.#claim(family, choice, asked));
      const bindings = claimed.map(({ binding }) => binding);
      const [former] = bindings.flatMap(({ address }) => stock.book.bindings.get(address) ?? []);
      await stock.book.bind(bindings);
      return { bindings, isNew: true, former: former?.attachment };
    } catch (error) {
      for (const each of claimed) await this.#undo(each);
      throw error;
    } finally {
      for (const { binding } of claimed) stock.claiming.delete(binding.address);
    }
  }

  /** What went wrong first is what is told; what can't be undone now the reconciler finds. */
  async #undo({ binding: { address }, undo }: Claimed): Promise<void> {
    await undo().catch((error: unknown) =>
      this.#parts.log.warn({ event: "claim-not-undone", address, error }, messageOf(error)),
    );
  }

  async #claim(family: FamilyChoice, choice: Choice, asked: Asked): Promise<Claimed> {
    const kept = await this.#takeKept(family, choice, asked);
    if (kept !== undefined) return kept;
    if (family.address !== undefined) return this.#claimNamed(family.address, family, choice, asked);
    const isOverlay = choice.network.spec.type === "Overlay";
    let failure: MeshError | undefined;
    for (const subnet of family.subnets) {
      // A store that is silent is not asked again: own blocks do without it.
      if (failure !== undefined && this.#parts.stock.blocks.free(subnet.metadata.name) === 0) continue;
      try {
        const claimed = await (isOverlay
          ? this.#takeOverlay(subnet, choice, asked)
          : this.#takeUnderlay(subnet, choice, asked));
        if (claimed !== undefined) return claimed;
      } catch (error) {
        if (!(error instanceof MeshError) || !error.retry || !isOverlay || choice.retain) throw error;
        failure ??= error;
      }
    }
    throw failure ?? exhausted(asked, family, choice);
  }

  /** Of this node's blocks; of new ones when they are full, for others who waited for one may have used it up. */
  async #takeOverlay(subnet: Subnet, choice: Choice, asked: Asked): Promise<Claimed | undefined> {
    const { blocks, book } = this.#parts.stock;
    const { name } = subnet.metadata;
    for (;;) {
      let address = blocks.take(name);
      while (address === undefined && (await this.claimBlock(subnet))) address = blocks.take(name);
      if (address === undefined) return this.#borrow(subnet, choice, asked);
      // Of two Subnets that overlap, as two creates at once can leave them, the other gave it.
      if (book.bindings.has(address)) continue;
      const binding = bindingFor(asked, address, subnet, choice, { claimed: choice.retain });
      const undo = async (): Promise<void> => blocks.release(address);
      const claimed = await this.#during(address, async () => {
        if (!choice.retain) return { binding, undo };
        const back = await this.#inStore.create(binding).catch(async (error: unknown) => {
          await undo();
          throw error;
        });
        return back && { binding, undo: inTurn(back, undo) };
      });
      if (claimed !== undefined) return claimed;
      // Only this node issues it, yet somebody has it: it stays theirs.
      await holdMarked(this.#parts.stock, address);
    }
  }

  /** Of another node's block, where all are owned. */
  async #borrow(subnet: Subnet, choice: Choice, asked: Asked): Promise<Claimed | undefined> {
    const address = await borrowAddress(this.#parts.stock, subnet, this.#parts);
    if (address === undefined) return undefined;
    return this.#create(bindingFor(asked, address, subnet, choice, CLAIMED));
  }

  /** Any of the LAN's that looks free and is. */
  async #takeUnderlay(subnet: Subnet, choice: Choice, asked: Asked): Promise<Claimed | undefined> {
    const { stock, clock, log } = this.#parts;
    const { name } = subnet.metadata;
    for (let conflicts = 0; ;) {
      const address = stock.underlays.take(name);
      if (address === undefined) return undefined;
      try {
        const claimed = await this.#claimOnLan(bindingFor(asked, address, subnet, choice, CLAIMED), subnet);
        if (claimed !== undefined) return claimed;
      } catch (error) {
        if (!hasCode(error, "address-on-lan")) {
          stock.underlays.release(name, address);
          throw error;
        }
        conflicts += 1;
        stock.underlays.shun(name, address);
        this.conflicts.set(address, { subnet: name, sinceMs: clock.monotonic() });
        log.warn({ event: "address-on-lan", address, subnet: name }, messageOf(error));
        if (conflicts === MOST_CONFLICTS) throw error;
      }
    }
  }

  /** What the store keeps for this pod, or for one that comes in its place. */
  async #takeKept(family: FamilyChoice, choice: Choice, asked: Asked): Promise<Claimed | undefined> {
    const claimed = await this.#takeKnown(family, choice, asked);
    if (claimed !== undefined || !choice.retain || family.address !== undefined) return claimed;
    // Once it has another, what it did not hear of is taken for a leftover.
    await this.#parts.stock.catchUp();
    return this.#takeKnown(family, choice, asked);
  }

  /**
   * What the node has heard of. News may be late: what the store keeps no more is not claimed anew, for whoever owns its
   * block may have given it away.
   */
  async #takeKnown(family: FamilyChoice, choice: Choice, asked: Asked): Promise<Claimed | undefined> {
    const kept = keptFor(this.#parts.stock, family, asked);
    if (kept === undefined) return undefined;
    const { address, subnet } = kept;
    return this.#takeOver(bindingFor(asked, address, subnet, { ...choice, retain: true }, CLAIMED), subnet);
  }

  /** An address that is asked for by name. */
  async #claimNamed(address: string, { subnets }: FamilyChoice, choice: Choice, asked: Asked): Promise<Claimed> {
    const { stock } = this.#parts;
    const [subnet] = subnets;
    if (subnet !== undefined) {
      const binding = bindingFor(asked, address, subnet, choice, CLAIMED);
      const isOverlay = choice.network.spec.type === "Overlay";
      const claimed =
        (await this.#takeOver(binding, subnet)) ??
        (await (isOverlay ? this.#createReserved(binding, subnet) : this.#claimOnLan(binding, subnet)));
      if (claimed !== undefined) return claimed;
    }
    const present = await stock.requireStore().get(ipInstanceKind, objectNameOfAddress(address));
    throw addressInUse(address, (present?.spec ?? stock.book.bindings.get(address))?.pod);
  }

  /**
   * An address that the store says is the pod's. One of the LAN that no sandbox had until now may be a machine's there by
   * now; for one that a sandbox had, the node that it leaves may still answer.
   */
  #takeOver(binding: Binding, subnet: Subnet): Promise<Claimed | undefined> {
    return this.#during(binding.address, async () => {
      if (this.#isOfAnother(binding)) return undefined;
      const taken = await this.#inStore.takeOver(binding);
      if (taken === undefined) return undefined;
      const claimed = { binding, undo: taken.undo };
      const isIdle = binding.type === "Underlay" && taken.from === undefined;
      if (isIdle) await checked(claimed, () => requireUnused(this.#parts, binding.address, subnet));
      this.#parts.stock.blocks.claim(binding.address);
      return claimed;
    });
  }

  /**
   * An address that the store says is nobody's.
   * @param check throws where somebody has it, or may have it, without the store's knowing
   */
  #create(binding: Binding, check = async (): Promise<void> => undefined): Promise<Claimed | undefined> {
    return this.#during(binding.address, async () => {
      if (this.#isOfAnother(binding)) return undefined;
      const undo = await this.#inStore.create(binding);
      return undo && checked({ binding, undo }, check);
    });
  }

  /** A reserved address of the overlay; its block may be claimed while it is. */
  async #createReserved(binding: Binding, subnet: Subnet): Promise<Claimed | undefined> {
    const check = (): Promise<void> => requireWithheld(this.#parts.stock, binding.address, subnet);
    await check();
    return this.#create(binding, check);
  }

  /** An address of the LAN. */
  #claimOnLan(binding: Binding, subnet: Subnet): Promise<Claimed | undefined> {
    return this.#create(binding, () => requireUnused(this.#parts, binding.address, subnet));
  }

  /** The store hears of what a block gives only later, and may have been restored to before what it knew. */
  #isOfAnother({ address, pod, attachment }: Binding): boolean {
    const present = this.#parts.stock.book.bindings.get(address);
    const isSame = present?.pod.namespace === pod.namespace && present.pod.name === pod.name;
    return present !== undefined && (!isSame || isOfAnotherInterface(present.attachment, attachment));
  }

  /** While an address is being claimed, nobody else claims it, nor takes what the store says of it for a leftover. */
  async #during(address: string, claim: () => Promise<Claimed | undefined>): Promise<Claimed | undefined> {
    const { claiming } = this.#parts.stock;
    if (claiming.has(address)) return undefined;
    claiming.add(address);
    let claimed: Claimed | undefined;
    try {
      claimed = await claim();
      return claimed;
    } finally {
      if (claimed === undefined) claiming.delete(address);
    }
  }
}

/** What the store gave; given back where a check throws. */
async function checked(claimed: Claimed, check: () => Promise<void>): Promise<Claimed> {
  try {
    await check();
    return claimed;
  } catch (error) {
    await claimed.undo();
    throw error;
  }
}
