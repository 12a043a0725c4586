import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { addresses } from "../testing/arbitraries.ts";
import type { Span } from "./span.ts";
import { addressInSpan, formatSpan, parseSpan, readSpan, spanContains, spansOverlap } from "./span.ts";

const spans = (): fc.Arbitrary<Span> =>
  fc
    .constantFrom(4 as const, 6 as const)
    .chain((family) => fc.tuple(addresses(family), addresses(family)))
    .map(([a, b]) => ({
      family: a.family,
      first: a.value < b.value ? a.value : b.value,
      last: a.value < b.value ? b.value : a.value,
    }));

test("what is written of a span is read as the same span", () => {
  fc.assert(
    fc.property(spans(), (span) => {
      expect(parseSpan(formatSpan(span))).toEqual(span);
      expect(readSpan(formatSpan(span))).toEqual({ value: span });
    }),
  );
});

test("two spans overlap when an end of one lies in the other", () => {
  fc.assert(
    fc.property(spans(), spans(), (a, b) => {
      const [inA, inB] = [b.first, a.first].map((value, index) =>
        addressInSpan(index === 0 ? a : b, { family: index === 0 ? b.family : a.family, value }),
      );
      expect(spansOverlap(a, b)).toBe(inA === true || inB === true);
      expect(spansOverlap(a, b) || !spanContains(a, b)).toBe(true);
    }),
  );
});

test.each([
  ["10.0.0.9-10.0.0.1", "bad-range"],
  ["10.0.0.1-fd00::1", "bad-range"],
  ["10.0.0.1-10.0.0.2-10.0.0.3", "bad-address"],
  ["ten", "bad-address"],
  ["10.0.0.0/24", "bad-address"],
  ["FD00::1", "bad-address"],
])("%s is no span: %s", (text, code) => {
  expect(readSpan(text).refusal?.code).toBe(code);
});
