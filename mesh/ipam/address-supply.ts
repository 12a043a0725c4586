import { formatAddress, parseAddress } from "../cidr.ts";
import type { Span } from "./span.ts";
import { addressInSpan, spanSize } from "./span.ts";
import type { Supply } from "./supply.ts";

const FRESH = 0;
const USED = 1;
const FREED = 2;

/**
 * What is handed out of a range (a node's block, an underlay's Subnet): addresses that nobody ever had, in order, and
 * when there are none left those that were freed, the one freed longest ago first. So an address rests for as long as the
 * range allows before somebody else has it. All steps take the same time however large the range is and however much of
 * it is in use.
 */
export class AddressSupply {
  readonly span: Span;
  readonly #mayIssue: (place: number) => boolean;
  readonly #states: Uint8Array;
  /** Place that the search for fresh ones began at, and how many it has passed: none of those is fresh. */
  readonly #start: number;
  #passed = 0;
  /** Places in the order they were freed: a Set keeps the order in which its members came. */
  readonly #freed = new Set<number>();
  #used = 0;
  #free = 0;

  /**
   * @param supply of the Subnet that the range was cut from; the range may reach beyond the Subnet's
   * @param start place of the first address that is handed out, for several who share one range; taken modulo its size
   */
  constructor(span: Span, supply: Supply, start = 0) {
    this.span = span;
    const offset = Number(span.first - supply.span.first);
    this.#mayIssue = (place) => supply.isFree(offset + place);
    this.#states = new Uint8Array(Number(spanSize(span)));
    this.#start = start % this.#states.length;
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

  /** Whether {@link take} gives one that nobody ever had. */
  get hasFresh(): boolean {
    return this.#nextFresh() !== undefined;
  }

  /** An address that was free and is in use now; undefined when there is none. */
  take(): string | undefined {
    const place = this.#nextFresh() ?? this.#nextFreed();
    if (place === undefined) return undefined;
    this.#use(place);
    return this.#addressOf(place);
  }

  /** Marks an address as in use: what a restart knows of. @returns false when it was already, or is not of this range */
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
    return [...this.#freed].map((place) => this.#addressOf(place));
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
    for (; this.#passed < this.#states.length; this.#passed += 1) {
      const place = (this.#start + this.#passed) % this.#states.length;
      if (this.#states[place] === FRESH && this.#mayIssue(place)) return place;
    }
    return undefined;
  }

  #nextFreed(): number | undefined {
    for (const place of this.#freed) if (this.#mayIssue(place)) return place;
    return undefined;
  }

  #placeOf(text: string): number | undefined {
    const address = parseAddress(text);
    return addressInSpan(this.span, address) ? Number(address.value - this.span.first) : undefined;
  }

  #addressOf(place: number): string {
    return formatAddress({ family: this.span.family, value: this.span.first + BigInt(place) });
  }
}
