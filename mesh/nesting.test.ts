import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { contains, overlaps, parseCidr } from "./cidr.ts";
import { enclosing } from "./nesting.ts";
import { cidrs } from "./testing/arbitraries.ts";

test("each CIDR lies in the narrowest one that holds it, and an equal one in the one before", () => {
  const texts = ["10.1.2.0/24", "10.1.0.0/16", "10.0.0.0/8", "10.1.2.0/24", "10.1.3.0/24", "fd00::/8", "11.0.0.0/8"];
  expect(enclosing(texts.map(parseCidr))).toEqual([1, 2, -1, 0, 1, -1, -1]);
});

test("the ways outwards meet every overlap, and nothing else", () => {
  fc.assert(
    fc.property(fc.array(cidrs(), { maxLength: 12 }), (all) => {
      const parents = enclosing(all);
      const above = (index: number): number[] => {
        const parent = parents[index] ?? -1;
        return parent < 0 ? [] : [parent, ...above(parent)];
      };
      for (const [one, a] of all.entries()) {
        for (const [other, b] of all.entries()) {
          if (one === other) continue;
          const isMet = above(one).includes(other) || above(other).includes(one);
          expect(isMet).toBe(overlaps(a, b));
          expect(above(one).includes(other) ? contains(b, a) : true).toBe(true);
        }
      }
    }),
  );
});
