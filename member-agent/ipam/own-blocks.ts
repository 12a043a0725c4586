import { bitsOf, cidrOf, formatCidr, parseAddress, parseCidr } from "../../mesh/cidr.ts";
import { AddressSupply } from "../../mesh/ipam/address-supply.ts";
import { isBlockOf } from "../../mesh/ipam/blocks.ts";
import type { Subnet, SubnetSpec } from "../../mesh/ipam/resources.ts";
import type { Span } from "../../mesh/ipam/span.ts";
import { addressInSpan, spanOfCidr } from "../../mesh/ipam/span.ts";
import { issueAlike, supplyOf } from "../../mesh/ipam/supply.ts";
import type { Supply } from "../../mesh/ipam/supply.ts";

/** What this node has given away, as its book says. */
export interface Given {
  readonly inUse: Iterable<string>;
  /** The one freed longest ago first. */
  readonly freed: Iterable<string>;
}

/** One block as far as it is one Subnet's: Subnets that share a CIDR may share a block. */
interface Part {
  readonly cidr: string;
  readonly subnet: string;
  /** Of the Subnet. */
  readonly range: Span;
  readonly supply: AddressSupply;
}

/**
 * The blocks that this node owns, and what is left in them. Follows Subnets and claims; what was handed out is told from
 * outside, so that it may be made anew at any time.
 */
export class OwnBlocks {
  /** By Subnet: what its spec leaves to issue. Costs a millisecond at 65,536 addresses, so it is kept. */
  readonly #supplies = new Map<string, { readonly spec: SubnetSpec; readonly supply: Supply }>();
  #bySubnet: ReadonlyMap<string, readonly Part[]> = new Map();
  /** By CIDR. */
  #byBlock: ReadonlyMap<string, readonly Part[]> = new Map();
  /** Of the blocks, each once: few, so that an address finds its block however many there are. */
  #lengths: readonly number[] = [];

  /** CIDRs, each once. */
  get cidrs(): readonly string[] {
    return [...this.#byBlock.keys()];
  }

  /**
   * @param cidrs of this node's blocks; those of no Subnet have nothing to issue
   * @param readBook asked only when something is made anew: it is as long as the node has addresses
   */
  follow(cidrs: readonly string[], subnets: readonly Subnet[], readBook: () => Given): void {
    const changed = this.#followSubnets(subnets);
    const fresh: Part[] = [];
    const parts = subnets.flatMap(({ metadata: { name: subnet }, spec }) => {
      const own = this.#supplies.get(subnet);
      return cidrs.flatMap((cidr) => {
        const block = parseCidr(cidr);
        if (own === undefined || !isBlockOf(block, spec)) return [];
        const before = this.#bySubnet.get(subnet)?.find((part) => part.cidr === cidr);
        if (before !== undefined && !changed.has(subnet)) return before;
        const { span: range } = own.supply;
        const part = { cidr, subnet, range, supply: new AddressSupply(spanOfCidr(block), own.supply) };
        fresh.push(part);
        return part;
      });
    });
    this.#bySubnet = Map.groupBy(parts, ({ subnet }) => subnet);
    this.#byBlock = Map.groupBy(parts, ({ cidr }) => cidr);
    this.#lengths = [...new Set(cidrs.map((cidr) => parseCidr(cidr).length))];
    const isFresh = new Set(fresh);
    const told = (address: string): Part[] => this.#of(address).filter((part) => isFresh.has(part));
    if (fresh.length === 0) return;
    const given = readBook();
    for (const address of given.inUse) for (const { supply } of told(address)) supply.claim(address);
    for (const address of given.freed) for (const { supply } of told(address)) supply.restFreed(address);
  }

  /**
   * An address of a Subnet that was free and is in use now, one that nobody ever had as long as any block has such;
   * undefined when this node has none left.
   */
  take(subnet: string): string | undefined {
    const own = this.#bySubnet.get(subnet) ?? [];
    const part = own.find(({ supply }) => supply.hasFresh) ?? own.find(({ supply }) => supply.free > 0);
    const address = part?.supply.take();
    // Subnets that share a block may overlap, as two creates at once can leave them.
    if (address !== undefined) this.claim(address);
    return address;
  }

  /** Marks an address as in use. @returns false when it was already, or is in none of the blocks */
  claim(address: string): boolean {
    return this.#of(address).filter(({ supply }) => supply.claim(address)).length > 0;
  }

  release(address: string): void {
    for (const { supply } of this.#of(address)) supply.release(address);
  }

  /** Whether this node issues the address. */
  includes(address: string): boolean {
    return this.#of(address).length > 0;
  }

  /** Addresses that can still be taken of a Subnet. */
  free(subnet: string): number {
    return (this.#bySubnet.get(subnet) ?? []).reduce((sum, { supply }) => sum + supply.free, 0);
  }

  /** How full each block is, by its CIDR. */
  counts(): ReadonlyMap<string, { readonly used: number; readonly free: number }> {
    return new Map(
      [...this.#byBlock].map(([cidr, parts]) => {
        const sum = (of: (supply: AddressSupply) => number): number =>
          parts.reduce((all, { supply }) => all + of(supply), 0);
        return [cidr, { used: sum(({ used }) => used), free: sum(({ free }) => free) }];
      }),
    );
  }

  #of(text: string): Part[] {
    const address = parseAddress(text);
    return this.#lengths
      .filter((length) => length <= bitsOf(address.family))
      .flatMap((length) => this.#byBlock.get(formatCidr(cidrOf(address, length))) ?? [])
      .filter(({ range }) => addressInSpan(range, address));
  }

  /** @returns names of the Subnets that issue something else now */
  #followSubnets(subnets: readonly Subnet[]): ReadonlySet<string> {
    const present = new Set(subnets.map(({ metadata }) => metadata.name));
    for (const name of this.#supplies.keys()) if (!present.has(name)) this.#supplies.delete(name);
    const changed = subnets.filter(({ metadata, spec }) => {
      const before = this.#supplies.get(metadata.name)?.spec;
      return before === undefined || !issueAlike(before, spec);
    });
    for (const { metadata, spec } of changed) this.#supplies.set(metadata.name, { spec, supply: supplyOf(spec) });
    return new Set(changed.map(({ metadata }) => metadata.name));
  }
}
