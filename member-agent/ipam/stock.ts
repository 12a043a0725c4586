import { parseCidr } from "../../mesh/cidr.ts";
import { blockCidrOf, isBlockOfOne } from "../../mesh/ipam/blocks.ts";
import type { Choices } from "../../mesh/ipam/network-choice.ts";
import { withoutNodes } from "../../mesh/ipam/node-addresses.ts";
import type { Subnet } from "../../mesh/ipam/resources.ts";
import { withReserved } from "../../mesh/ipam/withheld.ts";
import type { IPBlock } from "../../mesh/resources.ts";
import { MeshError } from "../../platform/errors.ts";
import type { ResourceStore } from "../../platform/store/port.ts";
import { Turns } from "../../platform/turns.ts";
import { attachmentKey } from "./binding.ts";
import type { AddressBook } from "./book.ts";
import { InstanceIndex } from "./instance-index.ts";
import { OwnBlocks } from "./own-blocks.ts";
import type { Given } from "./own-blocks.ts";
import { UnderlaySupplies } from "./underlay-supplies.ts";

/** What the cluster's own store says that addresses are chosen by. */
export interface AddressLevel extends Choices {
  readonly blocks: readonly IPBlock[];
}

/** What a node knows of addresses: its book, the store as it was seen last, and what is left to hand out. */
export class AddressStock {
  readonly node: string;
  readonly book: AddressBook;
  readonly blocks = new OwnBlocks();
  readonly underlays: UnderlaySupplies;
  readonly index = new InstanceIndex();
  /** Addresses whose claim is under way: the store may know more of them than the book. */
  readonly claiming = new Set<string>();
  /** Keys of attachments that an ADD is at work on: they may have no wire yet. */
  readonly busy = new Set<string>();
  /** By Subnet: one address is borrowed at a time. */
  readonly borrowing = new Turns();
  /**
   * Addresses that were not lent, nodes that did not answer, CIDRs of blocks in which nothing looked free: until when
   * they are not asked for, asked, or looked through again.
   */
  readonly denied = new Map<string, number>();
  level: AddressLevel;
  /** Absent until it was there for the first time. */
  store: ResourceStore | undefined;
  /** Has {@link AddressStock.index} say what the store says now. @throws MeshError of the store (retry) */
  catchUp: () => Promise<void> = () => Promise.resolve();
  /** CIDRs of blocks that this node claimed, and whether the store was seen to say so. */
  readonly #own = new Map<string, { seen: boolean }>();
  /** Those that it gives back, as long as the store was not seen to say so. */
  readonly #leaving: Set<string>;

  constructor(node: string, book: AddressBook) {
    this.node = node;
    this.book = book;
    this.#leaving = new Set(book.leaving);
    this.underlays = new UnderlaySupplies(node);
    this.level = { networks: [], subnets: [], blocks: [], node: { name: node, labels: {} }, nodeAddresses: new Map() };
  }

  /** @throws MeshError `store-silent` (retry) */
  requireStore(): ResourceStore {
    if (this.store !== undefined) return this.store;
    throw new MeshError("store-silent", "the cluster's store has not answered since this agent started", {
      retry: true,
    });
  }

  subnet(name: string): Subnet | undefined {
    return this.level.subnets.find(({ metadata }) => metadata.name === name);
  }

  /** Of one type of Network. */
  subnetsOf(type: "Overlay" | "Underlay"): Subnet[] {
    const { networks, subnets } = this.level;
    const names = new Set(networks.filter(({ spec }) => spec.type === type).map(({ metadata }) => metadata.name));
    return subnets.filter(({ spec }) => names.has(spec.network));
  }

  /**
   * Takes over what the store says now.
   * @param isIssuing whether this node gives addresses already: from then on nothing is issued of a block that comes to be
   *   this node's before it was taken up
   * @returns CIDRs of blocks that the store said were this node's and says so no more, and of those that are to be taken up
   */
  follow(level: AddressLevel, isIssuing = false): { readonly vanished: string[]; readonly appeared: string[] } {
    this.level = level;
    const owners = new Map(level.blocks.map(({ spec }) => [spec.cidr, spec.node]));
    for (const cidr of this.#leaving) if (owners.get(cidr) !== this.node) this.#leaving.delete(cidr);
    const said = [...owners].flatMap(([cidr, owner]) => {
      // Blocks of one are of addresses that are claimed by name.
      return owner === this.node && !isBlockOfOne(parseCidr(cidr)) && !this.#leaving.has(cidr) ? [cidr] : [];
    });
    const appeared = isIssuing ? said.filter((cidr) => !this.#own.has(cidr)) : [];
    for (const cidr of said) if (!appeared.includes(cidr)) this.#own.set(cidr, { seen: true });
    const vanished = [...this.#own].filter(([cidr, { seen }]) => seen && owners.get(cidr) !== this.node);
    for (const [cidr] of vanished) this.#own.delete(cidr);
    this.#followBlocks();
    const issued = this.subnetsOf("Underlay").map((subnet) => {
      return { ...subnet, spec: withoutNodes(subnet.spec, level.nodeAddresses) };
    });
    this.underlays.follow(issued, this.book.freed);
    return { vanished: vanished.map(([cidr]) => cidr), appeared };
  }

  /** CIDRs of the blocks that are this node's, those of no Subnet too. */
  get owned(): readonly string[] {
    return [...this.#own.keys()];
  }

  /** CIDRs of blocks that nothing is issued from any more, and that the store was not yet seen to know as given back. */
  get leaving(): readonly string[] {
    return [...this.#leaving];
  }

  /** Of those that are this node's, the ones that the store was not yet seen to know. */
  get unseen(): readonly string[] {
    return [...this.#own].flatMap(([cidr, { seen }]) => (seen ? [] : [cidr]));
  }

  /** Blocks that pods here have addresses of, and that are not this node's: whoever was to claim them again was cut short. */
  stranded(): readonly string[] {
    const cidrs = [...this.book.bindings.values()].flatMap(({ address, subnet, type, claimed }) => {
      const spec = this.subnet(subnet)?.spec;
      if (claimed || type === "Underlay" || spec === undefined || this.blocks.includes(address)) return [];
      return [blockCidrOf(address, spec)];
    });
    return [...new Set(cidrs)];
  }

  /** Issues from a block that was just claimed; the level will say so later. */
  own(cidr: string): void {
    this.#leaving.delete(cidr);
    this.#own.set(cidr, { seen: false });
    this.#followBlocks();
  }

  /** Issues from none any more. */
  forgetBlocks(): void {
    this.#own.clear();
    this.#leaving.clear();
    this.#followBlocks();
  }

  /** Issues from a block no more. */
  disown(cidr: string): void {
    this.#leaving.add(cidr);
    this.#own.delete(cidr);
    this.#followBlocks();
  }

  /**
   * What this node has said that it withholds, or is about to say: others may count on it, whatever Subnets reserve by
   * now. A disk that was lost does not know what the store was told.
   */
  get withheld(): readonly string[] {
    const own = this.level.blocks.filter(({ spec }) => spec.node === this.node && this.#own.has(spec.cidr));
    return [...new Set([...this.book.withheld, ...own.flatMap(({ status }) => status.withheld ?? [])])];
  }

  /** What its book withholds is another by now. */
  followBook(): void {
    this.#followBlocks();
  }

  isBusy(attachment: Parameters<typeof attachmentKey>[0]): boolean {
    return this.busy.has(attachmentKey(attachment));
  }

  #followBlocks(): void {
    const { withheld } = this;
    const subnets = this.subnetsOf("Overlay").map((subnet) => withReserved(subnet, withheld));
    this.blocks.follow([...this.#own.keys()], subnets, () => this.#given());
  }

  #given(): Given {
    const { bindings, held, freed } = this.book;
    return { inUse: [...bindings.keys(), ...held, ...this.claiming], freed };
  }
}
