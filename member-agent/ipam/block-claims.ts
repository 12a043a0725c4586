import type { Subnet } from "../../mesh/ipam/resources.ts";
import type { Log } from "../../platform/log.ts";
import { claimBlock, freeBlockOf } from "./claims.ts";
import type { AddressStock } from "./stock.ts";
import { takeUpBlock } from "./take-up.ts";
import { withheldOf } from "./withheld.ts";

/** Blocks that are being claimed for this node: one of a Subnet at a time, once however many wait for it. */
export class BlockClaims {
  readonly #stock: AddressStock;
  readonly #log: Log;
  /** By Subnet. */
  readonly #claims = new Map<string, Promise<boolean>>();

  constructor(stock: AddressStock, log: Log) {
    this.#stock = stock;
    this.#log = log;
  }

  /**
   * Claims one more block of a Subnet for this node.
   * @returns false when all are owned
   * @throws MeshError of the store (retry)
   */
  async claim(subnet: Subnet): Promise<boolean> {
    const { name } = subnet.metadata;
    const claim = this.#claims.get(name) ?? this.#claim(subnet);
    this.#claims.set(name, claim);
    try {
      return await claim;
    } finally {
      if (this.#claims.get(name) === claim) this.#claims.delete(name);
    }
  }

  async #claim(subnet: Subnet): Promise<boolean> {
    const stock = this.#stock;
    // Once all are owned each ADD comes here: it is not the store that is asked.
    if (freeBlockOf(subnet, stock.level.blocks) === undefined) return false;
    const cidr = await claimBlock(stock.requireStore(), subnet, stock.node, (block) => withheldOf(stock, block));
    if (cidr === undefined) return false;
    await takeUpBlock(stock, cidr);
    this.#log.info({ event: "block-claimed", cidr, subnet: subnet.metadata.name }, `this node issues from ${cidr} now`);
    return true;
  }
}
