import { ipInstanceKind } from "../../crds/ip-instance.ts";
import { addressInCidr, parseAddress, parseCidr } from "../../mesh/cidr.ts";
import type { PodFacts } from "../../mesh/ipam/annotations.ts";
import { chooseAddresses } from "../../mesh/ipam/choice.ts";
import type { Choice, FamilyChoice } from "../../mesh/ipam/choice.ts";
import type { Attachment, Subnet } from "../../mesh/ipam/resources.ts";
import { objectNameOfAddress } from "../../mesh/names.ts";
import { hasCode, MeshError, messageOf } from "../../platform/errors.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Log } from "../../platform/log.ts";
import type { Binding } from "./binding.ts";
import { claimBlock } from "./claims.ts";
import { isReservation } from "./instance-index.ts";
import { InStore } from "./in-store.ts";
import { borrowAddress } from "./lending.ts";
import type { AddressStock } from "./stock.ts";

export interface AllocatorParts {
  readonly stock: AddressStock;
  /** MAC address of whoever has an underlay address already, as the LAN says. */
  readonly probe: (address: string) => Promise<string | undefined>;
  /** Whether a Subnet's gateway answers on the LAN. */
  readonly reaches: (gateway: string) => Promise<boolean>;
  readonly clock: Clock;
  /** Ends waiting for other nodes. */
  readonly signal: AbortSignal;
  readonly log: Log;
}

/** What a pod was given. */
export interface Allocation {
  readonly bindings: readonly Binding[];
  /** False: it had them before, by this very attachment. */
  readonly isNew: boolean;
  /** Sandbox that had them before, of the same pod or of one in whose place this came; its wire has to go first. */
  readonly former?: Attachment | undefined;
}

/** One address that was claimed and is not yet written down, and the way back. */
interface Claimed {
  readonly binding: Binding;
  readonly undo: () => Promise<void>;
}

/** Addresses of a LAN that somebody else has, one after the other, before a pod is told to wait. */
const MOST_CONFLICTS = 8;

/** Gives pods their addresses: of each family that the choice has one, or none at all. */
export class Allocator {
  readonly #parts: AllocatorParts;
  readonly #inStore: InStore;
  /** By Subnet: a block that is being claimed, for all who wait for one. */
  readonly #claims = new Map<string, Promise<boolean>>();
  /** Addresses that others of the LAN have, since when. */
  readonly conflicts = new Map<string, { readonly subnet: string; readonly sinceMs: number }>();

  constructor(parts: AllocatorParts) {
    this.#parts = parts;
    this.#inStore = new InStore(parts.stock);
  }

  /**
   * The addresses of a pod's sandbox, on disk when this resolves. The same attachment gets the same again; so does a new
   * sandbox of the same pod, and whoever comes in the place of a pod whose addresses are retained.
   * @throws MeshError with a refusal's code; `addresses-exhausted`, `address-in-use`, `address-on-lan`; and with `retry`
   *   set where waiting may help: the store is silent, the disk is full
   */
  async allocate(facts: PodFacts, attachment: Attachment): Promise<Allocation> {
    const { stock } = this.#parts;
    const present = stock.book.of(attachment);
    if (present.length > 0) return { bindings: present, isNew: false };
    const former = stock.book.ofPod(facts.pod.uid, attachment.interface);
    if (former.length > 0) {
      const bindings = former.map((each) => ({ ...each, attachment }));
      await stock.book.bind(bindings);
      return { bindings, isNew: true, former: former[0]?.attachment };
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
      for (const { undo } of claimed) await undo();
      throw error;
    } finally {
      for (const { binding } of claimed) stock.claiming.delete(binding.address);
    }
  }

  async #claim(family: FamilyChoice, choice: Choice, asked: Asked): Promise<Claimed> {
    const { index } = this.#parts.stock;
    const { pod, owner } = asked.facts;
    const kept = index.keptFor(pod, owner).find(({ spec }) => {
      const isMeant = choice.retain || isReservation(spec);
      const isAsked = family.address === undefined || family.address === spec.address;
      return isMeant && isAsked && family.subnets.some(({ metadata }) => metadata.name === spec.subnet);
    });
    const named = family.address ?? kept?.spec.address;
    if (named !== undefined) {
      const subnet = family.subnets.find(({ metadata }) => metadata.name === kept?.spec.subnet) ?? family.subnets[0];
      const retain = choice.retain || kept !== undefined;
      if (subnet !== undefined) return this.#claimNamed(named, subnet, { ...choice, retain }, asked);
    }
    for (const subnet of family.subnets) {
      const isOverlay = choice.network.spec.type === "Overlay";
      const claimed = await (isOverlay
        ? this.#takeOverlay(subnet, choice, asked)
        : this.#takeUnderlay(subnet, choice, asked));
      if (claimed !== undefined) return claimed;
    }
    throw exhausted(family, choice, asked);
  }

  /** Of this node's blocks; of new ones when they are full, for others who waited for one may have used it up. */
  async #takeOverlay(subnet: Subnet, choice: Choice, asked: Asked): Promise<Claimed | undefined> {
    const { blocks, book } = this.#parts.stock;
    const { name } = subnet.metadata;
    for (;;) {
      let address = blocks.take(name);
      while (address === undefined && (await this.claimBlock(subnet))) address = blocks.take(name);
      if (address === undefined) return this.#borrow(subnet, choice, asked);
      const binding = bindingOf(address, subnet, choice, asked, choice.retain);
      const undo = async (): Promise<void> => blocks.release(address);
      const claimed = await this.#during(address, async () => {
        if (!choice.retain) return { binding, undo };
        const back = await this.#inStore.create(binding).catch(async (error: unknown) => {
          await undo();
          throw error;
        });
        return back && { binding, undo: async () => void [await back(), await undo()] };
      });
      if (claimed !== undefined) return claimed;
      // Only this node issues it, yet somebody has it: it stays theirs.
      await book.hold([address]);
    }
  }

  /** Of another node's block, where all are owned. */
  async #borrow(subnet: Subnet, choice: Choice, asked: Asked): Promise<Claimed | undefined> {
    const address = await borrowAddress(this.#parts.stock, subnet, this.#parts);
    if (address === undefined) return undefined;
    const binding = bindingOf(address, subnet, choice, asked, true);
    return this.#during(address, async () => {
      const undo = await this.#inStore.create(binding);
      return undo && { binding, undo };
    });
  }

  /** Any of the LAN's that looks free and is. */
  async #takeUnderlay(subnet: Subnet, choice: Choice, asked: Asked): Promise<Claimed | undefined> {
    const { stock, clock, log } = this.#parts;
    const { name } = subnet.metadata;
    for (let conflicts = 0; ;) {
      const address = stock.underlays.take(name);
      if (address === undefined) return undefined;
      try {
        const claimed = await this.#claimOnLan(bindingOf(address, subnet, choice, asked, true), subnet);
        if (claimed !== undefined) return claimed;
      } catch (error) {
        if (!hasCode(error, "address-on-lan")) {
          stock.underlays.release(name, address);
          throw error;
        }
        conflicts += 1;
        this.conflicts.set(address, { subnet: name, sinceMs: clock.monotonic() });
        log.warn({ event: "address-on-lan", address, subnet: name }, messageOf(error));
        if (conflicts === MOST_CONFLICTS) throw error;
      }
    }
  }

  /** An address by name: asked for, or kept for this pod. */
  async #claimNamed(address: string, subnet: Subnet, choice: Choice, asked: Asked): Promise<Claimed> {
    const { stock } = this.#parts;
    const binding = bindingOf(address, subnet, choice, asked, true);
    const claimed = await this.#during(address, async () => {
      const back = await this.#inStore.takeOver(binding);
      if (back !== undefined) stock.blocks.claim(address);
      const undo = back ?? (choice.network.spec.type === "Overlay" ? await this.#inStore.create(binding) : undefined);
      return undo && { binding, undo };
    });
    const found =
      claimed ?? (choice.network.spec.type === "Underlay" ? await this.#claimOnLan(binding, subnet) : undefined);
    if (found !== undefined) return found;
    const present = await stock.requireStore().get(ipInstanceKind, objectNameOfAddress(address));
    const whose = present === undefined ? "another pod" : `pod ${present.spec.pod.namespace}/${present.spec.pod.name}`;
    throw new MeshError("address-in-use", `${address} is of ${whose}; ask for another, or wait until that is gone`, {
      retry: true,
    });
  }

  /** Claims an address of the LAN, unless somebody there has it without our knowing. */
  #claimOnLan(binding: Binding, { metadata, spec }: Subnet): Promise<Claimed | undefined> {
    const { address } = binding;
    return this.#during(address, async () => {
      const undo = await this.#inStore.create(binding);
      if (undo === undefined) return undefined;
      try {
        await this.#probe(address, metadata.name, spec.checkGateway === true ? spec.gateway : undefined);
      } catch (error) {
        await undo();
        throw error;
      }
      return { binding, undo };
    });
  }

  async #probe(address: string, subnet: string, gateway: string | undefined): Promise<void> {
    const { probe, reaches } = this.#parts;
    const mac = await probe(address);
    if (mac !== undefined) {
      const message = `${address} of Subnet "${subnet}" is used on the LAN by ${mac}; free it there, or exclude it`;
      throw new MeshError("address-on-lan", message, { retry: false });
    }
    if (gateway === undefined || (await reaches(gateway))) return;
    const message = `gateway ${gateway} of Subnet "${subnet}" does not answer on the LAN; mend it, or set checkGateway to false`;
    throw new MeshError("gateway-silent", message, { retry: true });
  }

  /** While an address is being claimed, nobody takes what the store says of it for a leftover. */
  async #during(address: string, claim: () => Promise<Claimed | undefined>): Promise<Claimed | undefined> {
    const { claiming } = this.#parts.stock;
    claiming.add(address);
    let claimed: Claimed | undefined;
    try {
      claimed = await claim();
      return claimed;
    } finally {
      if (claimed === undefined) claiming.delete(address);
    }
  }

  /**
   * Claims one more block of a Subnet for this node, once however many ask at a time.
   * @returns false when all are owned
   * @throws MeshError of the store (retry)
   */
  async claimBlock(subnet: Subnet): Promise<boolean> {
    const { name } = subnet.metadata;
    const claim = this.#claims.get(name) ?? this.#claimBlock(subnet);
    this.#claims.set(name, claim);
    try {
      return await claim;
    } finally {
      if (this.#claims.get(name) === claim) this.#claims.delete(name);
    }
  }

  async #claimBlock(subnet: Subnet): Promise<boolean> {
    const { stock, log } = this.#parts;
    const store = stock.requireStore();
    const cidr = await claimBlock(store, subnet, stock.node);
    if (cidr === undefined) return false;
    // What somebody has of it (its owner before this one retained it) is not this node's to give.
    const block = parseCidr(cidr);
    const addresses = (await store.list(ipInstanceKind)).map(({ spec }) => spec.address);
    const foreign = addresses.filter(
      (each) => addressInCidr(block, parseAddress(each)) && !stock.book.bindings.has(each),
    );
    if (foreign.length > 0) await stock.book.hold(foreign);
    stock.own(cidr);
    log.info({ event: "block-claimed", cidr, subnet: subnet.metadata.name }, `this node issues from ${cidr} now`);
    return true;
  }
}

/** Who asks. */
interface Asked {
  readonly facts: PodFacts;
  readonly attachment: Attachment;
}

function bindingOf(
  address: string,
  subnet: Subnet,
  { network, retain }: Choice,
  { facts, attachment }: Asked,
  claimed: boolean,
): Binding {
  const { pod, owner } = facts;
  const of = { subnet: subnet.metadata.name, network: network.metadata.name, type: network.spec.type };
  return { address, ...of, pod, owner, attachment, retained: retain, claimed };
}

/** Which family there is nothing of; what was claimed of the other is given back. */
function exhausted({ family, subnets }: FamilyChoice, { network }: Choice, { facts }: Asked): MeshError {
  const names = subnets.map(({ metadata }) => metadata.name).join(", ");
  const message = `no IPv${family} address is left for pod ${facts.pod.namespace}/${facts.pod.name} in Network "${network.metadata.name}" (${subnets.length === 1 ? "Subnet" : "Subnets"} ${names}); add a Subnet, or delete pods`;
  return new MeshError("addresses-exhausted", message, { retry: true });
}
