import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { parseCidr } from "../cidr.ts";
import { AddressSupply } from "./address-supply.ts";
import { spanOfCidr } from "./span.ts";
import { supplyOf } from "./supply.ts";
import { subnetSpec } from "./testing/objects.ts";

/** The same in the simplest way there is: two lists. */
class Reference {
  readonly fresh: string[];
  readonly freed: string[] = [];
  readonly used = new Set<string>();

  constructor(fresh: readonly string[]) {
    this.fresh = [...fresh];
  }

  take(): string | undefined {
    const address = this.fresh.shift() ?? this.freed.shift();
    if (address !== undefined) this.used.add(address);
    return address;
  }

  claim(address: string): boolean {
    if (this.used.has(address)) return false;
    for (const list of [this.fresh, this.freed]) if (list.includes(address)) list.splice(list.indexOf(address), 1);
    this.used.add(address);
    return true;
  }

  release(address: string): boolean {
    if (!this.used.delete(address)) return false;
    this.freed.push(address);
    return true;
  }
}

const SPEC = subnetSpec("10.0.0.0/24", { gateway: "10.0.0.17", excludeIPs: ["10.0.0.20"], reservedIPs: ["10.0.0.21"] });
const ISSUABLE = [16, 18, 19, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31].map((last) => `10.0.0.${last}`);
const newBlock = () => new AddressSupply(spanOfCidr(parseCidr("10.0.0.16/28")), supplyOf(SPEC));

type Step = readonly ["take"] | readonly ["claim" | "release", string];
const steps = (): fc.Arbitrary<Step[]> => {
  const one = fc.oneof(
    fc.constant<Step>(["take"]),
    fc.tuple(fc.constantFrom("claim" as const, "release" as const), fc.constantFrom(...ISSUABLE)),
  );
  return fc.array(one, { maxLength: 80 });
};

test("a block hands out what two lists, of fresh addresses and of freed ones, would", () => {
  fc.assert(
    fc.property(steps(), (all) => {
      const [block, reference] = [newBlock(), new Reference(ISSUABLE)];
      for (const [step, address = ""] of all) {
        expect(step === "take" ? block.take() : block[step](address)).toBe(
          step === "take" ? reference.take() : reference[step](address),
        );
        expect([block.used, block.free]).toEqual([
          reference.used.size,
          reference.fresh.length + reference.freed.length,
        ]);
        expect(block.freedAddresses()).toEqual(reference.freed);
      }
    }),
  );
});

test("a block that was made anew from what was written down goes on as the one before", () => {
  fc.assert(
    fc.property(steps(), (all) => {
      const [block, reference] = [newBlock(), new Reference(ISSUABLE)];
      for (const [step, address = ""] of all) {
        if (step === "take") void [block.take(), reference.take()];
        else void [block[step](address), reference[step](address)];
      }
      const again = newBlock();
      for (const address of reference.used) again.claim(address);
      for (const address of block.freedAddresses()) again.restFreed(address);
      const rest = (of: AddressSupply) => Array.from({ length: ISSUABLE.length + 1 }, () => of.take());
      expect(rest(again)).toEqual(rest(block));
    }),
  );
});

test("an address that was excluded while a pod had it is given back, and not handed out again", () => {
  const excluded = supplyOf({ ...SPEC, excludeIPs: ["10.0.0.20", "10.0.0.22"] });
  const block = new AddressSupply(spanOfCidr(parseCidr("10.0.0.16/28")), excluded);
  expect(block.claim("10.0.0.22")).toBe(true);
  expect([block.used, block.free]).toEqual([1, ISSUABLE.length - 1]);
  expect(block.release("10.0.0.22")).toBe(true);
  const all = Array.from({ length: ISSUABLE.length }, () => block.take());
  expect(all).not.toContain("10.0.0.22");
  expect(all.at(-1)).toBeUndefined();
});

test("an address of another block is none of its business", () => {
  const block = newBlock();
  expect(block.claim("10.0.0.32")).toBe(false);
  expect(block.release("10.0.0.32")).toBe(false);
  expect(block.claim("fd00::16")).toBe(false);
});

test("a block that reaches beyond its Subnet's range issues what lies inside", () => {
  const spec = subnetSpec("10.0.0.0/24", { range: { start: "10.0.0.20", end: "10.0.0.21" } });
  const block = new AddressSupply(spanOfCidr(parseCidr("10.0.0.16/28")), supplyOf(spec));
  expect([block.take(), block.take(), block.take()]).toEqual(["10.0.0.20", "10.0.0.21", undefined]);
});

test("one that starts elsewhere comes round to the addresses before it", () => {
  const spec = subnetSpec("10.0.0.0/24", { range: { start: "10.0.0.20", end: "10.0.0.23" } });
  const supply = supplyOf(spec);
  const range = new AddressSupply(supply.span, supply, 6);
  const all = Array.from({ length: 5 }, () => range.take());
  expect(all).toEqual(["10.0.0.22", "10.0.0.23", "10.0.0.20", "10.0.0.21", undefined]);
});
