import { createHash } from "node:crypto";
import { AddressSupply } from "../../mesh/ipam/address-supply.ts";
import type { IPInstance, Subnet, SubnetSpec } from "../../mesh/ipam/resources.ts";
import { issueAlike, supplyOf } from "../../mesh/ipam/supply.ts";
import type { Change } from "../../platform/store/port.ts";

/**
 * Which addresses of underlay Subnets look free, as this node sees it: creating the IPInstance decides. Each node begins
 * its search elsewhere, so that many at once seldom want the same.
 */
export class UnderlaySupplies {
  readonly #start: number;
  readonly #supplies = new Map<string, { readonly spec: SubnetSpec; readonly supply: AddressSupply }>();
  readonly #inUse = new Map<string, Set<string>>();
  /** Subnet of an object's name: what is deleted says no more than that. */
  readonly #addresses = new Map<string, { readonly subnet: string; readonly address: string }>();

  /** Those that somebody of the LAN has, without a claim. */
  readonly #shunned = new Set<string>();
  /** Subnet of those that were taken and that the store was not yet heard to say of. */
  readonly #taken = new Map<string, string>();

  constructor(node: string) {
    this.#start = createHash("sha256").update(node).digest().readUInt32BE();
  }

  /**
   * @param subnets of underlay Networks
   * @param freed what this node's pods had and gave back, the one freed longest ago first: what a restart knows of
   */
  follow(subnets: readonly Subnet[], freed: Iterable<string> = []): void {
    const present = new Set(subnets.map(({ metadata }) => metadata.name));
    for (const name of this.#supplies.keys()) if (!present.has(name)) this.#supplies.delete(name);
    for (const { metadata, spec } of subnets) {
      const before = this.#supplies.get(metadata.name);
      if (before !== undefined && issueAlike(before.spec, spec)) continue;
      const all = supplyOf(spec);
      const supply = new AddressSupply(all.span, all, this.#start);
      for (const address of [...(this.#inUse.get(metadata.name) ?? []), ...this.#shunned]) supply.claim(address);
      for (const address of before?.supply.freedAddresses() ?? freed) supply.restFreed(address);
      this.#supplies.set(metadata.name, { spec, supply });
    }
  }

  note(change: Change<IPInstance>): void {
    const before = this.#addresses.get(change.name);
    if (change.op === "delete") {
      this.#addresses.delete(change.name);
      if (before === undefined) return;
      this.#inUse.get(before.subnet)?.delete(before.address);
      // The claim of a shunned one is undone, and still it is not free.
      if (!this.#shunned.has(before.address)) this.release(before.subnet, before.address);
      return;
    }
    const { subnet, address } = change.object.spec;
    this.#addresses.set(change.name, { subnet, address });
    this.#inUse.set(subnet, (this.#inUse.get(subnet) ?? new Set()).add(address));
    this.#taken.delete(address);
    this.#supplies.get(subnet)?.supply.claim(address);
  }

  /** An address that looks free, and does so no more; undefined when none does. */
  take(subnet: string): string | undefined {
    const address = this.#supplies.get(subnet)?.supply.take();
    if (address !== undefined) this.#taken.set(address, subnet);
    return address;
  }

  /**
   * Gives back what was taken and the store was never heard to say of: whoever had it may be gone, unheard as well. Who
   * has it after all is found when it is taken again.
   * @param isOurs whether it is being claimed, or is a pod's of this node
   */
  giveBack(isOurs: (address: string) => boolean): void {
    for (const [address, subnet] of this.#taken) if (!isOurs(address)) this.release(subnet, address);
  }

  /** Somebody has it of whom the store knows nothing: it does not look free until it is released. */
  shun(subnet: string, address: string): void {
    this.#shunned.add(address);
    this.#taken.delete(address);
    // What was claimed of it may have been undone already.
    this.#supplies.get(subnet)?.supply.claim(address);
  }

  /** Nobody has it after all. */
  release(subnet: string, address: string): void {
    this.#shunned.delete(address);
    this.#taken.delete(address);
    this.#supplies.get(subnet)?.supply.release(address);
  }
}
