import type { Cidr } from "../cidr.ts";
import { addressInCidr, formatAddress, parseAddress, sizeOf } from "../cidr.ts";
import type { Supply } from "./supply.ts";

const FRESH = 0;
const USED = 1;
const FREED = 2;

/**
 * What the owner of a block hands out of it: addresses that nobody ever had, in order, and when there are none left those
 * that were freed, the one freed longest ago first. So an address rests for as long as the block allows before somebody
 * else has it. All steps take the same time however large the block is and however much of it is in use.
 */
export class BlockSupply {
  readonly cidr: Cidr;
  readonly #mayIssue: (place: number) => boolean;
  readonly #states: Uint8Array;
  /** No place below it is fresh. */
  #fresh = 0;
  /** Places in the order they were freed: a Set keeps the order in which its members came. */
  readonly #freed = new Set<number>();
  #used = 0;
  #free = 0;

  /** @param supply of the Subnet that the block was cut from; the block may reach beyond its range */
  constructor(cidr: Cidr, supply: Supply) {
    this.cidr = cidr;
    const offset = Number(cidr.first - supply.span.first);
    this.#mayIssue = (place) => supply.isFree(offset + place);
    this.#states = new Uint8Array(Number(sizeOf(cidr)));
    for (let place = 0; place < this.#states.length; place += 1) if (this.#mayIssue(place)) this.#free += 1;
  }

  /** Addresses in use, those that are excluded by now too. */
  get used(): number {
    return this.#used;
  }

  /** Addresses that {@link take} can still give. */
  get free(): number {
    return this.#free;
  }

  /** An address that was free and is in use now; undefined when there is none. */
  take(): string | undefined {
    const place = this.#nextFresh() ?? this.#nextFreed();
    if (place === undefined) return undefined;
    this.#use(place);
    return formatAddress({ family: this.cidr.family, value: this.cidr.first + BigInt(place) });
  }

  /** Marks an address as in use: what a restart knows of. @returns false when it was already, or is not of this block */
  claim(address: string): boolean {
    const place = this.#placeOf(address);
    if (place === undefined || this.#states[place] === USED) return false;
    this.#use(place);
    return true;
  }

  /** Gives an address back. @returns false when it was not in use */
  release(address: string): boolean {
    const place = this.#placeOf(address);
    if (place === undefined || this.#states[place] !== USED) return false;
    this.#states[place] = FREED;
    this.#used -= 1;
    this.#rest(place);
    return true;
  }

  /** Says of an address that nobody has that somebody had it: what a restart knows of. In the order of freeing. */
  restFreed(address: string): void {
    const place = this.#placeOf(address);
    if (place === undefined || this.#states[place] !== FRESH) return;
    if (this.#mayIssue(place)) this.#free -= 1;
    this.#states[place] = FREED;
    this.#rest(place);
  }

  /** Addresses that somebody had and nobody has, the one freed longest ago first. */
  freedAddresses(): string[] {
    const { family, first } = this.cidr;
    return [...this.#freed].map((place) => formatAddress({ family, value: first + BigInt(place) }));
  }

  #rest(place: number): void {
    this.#freed.add(place);
    if (this.#mayIssue(place)) this.#free += 1;
  }

  #use(place: number): void {
    if (this.#mayIssue(place)) this.#free -= 1;
    this.#freed.delete(place);
    this.#states[place] = USED;
    this.#used += 1;
  }

  #nextFresh(): number | undefined {
    for (; this.#fresh < this.#states.length; this.#fresh += 1) {
      if (this.#states[this.#fresh] === FRESH && this.#mayIssue(this.#fresh)) return this.#fresh;
    }
    return undefined;
  }

  #nextFreed(): number | undefined {
    for (const place of this.#freed) if (this.#mayIssue(place)) return place;
    return undefined;
  }

  #placeOf(text: string): number | undefined {
    const address = parseAddress(text);
    if (!addressInCidr(this.cidr, address)) return undefined;
    return Number(address.value - this.cidr.first);
  }
}
