import { describe } from "@jest/globals";
import type { StoreUnderTest } from "./conformance-bench.ts";
import { describeDeletion } from "./conformance-deletion.ts";
import { describeObjects } from "./conformance-objects.ts";
import { describeWatches } from "./conformance-watch.ts";

/** What every adapter of `ResourceStore` must do; `open` makes a store with nothing in it. */
export function describeResourceStore(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(`${name} as a resource store`, () => {
    describeObjects(open);
    describeDeletion(open);
    describeWatches(open);
  });
}
