import { describe, expect, test } from "@jest/globals";
import { widgets } from "../testing/widget.ts";
import type { Widget } from "../testing/widget.ts";
import { grow, storeBench } from "./conformance-bench.ts";
import type { StoreUnderTest } from "./conformance-bench.ts";

/** Deletion, with preconditions and finalizers. */
export function describeDeletion(open: () => Promise<StoreUnderTest>): void {
  describe("deletion", () => {
    const bench = storeBench(open);

    test("takes an object away, once, and its name is free", async () => {
      const made = await bench.make("w");
      await bench.store.delete(widgets, "w");
      expect(await bench.store.get(widgets, "w")).toBeUndefined();
      expect(await bench.store.list(widgets)).toEqual([]);
      await expect(bench.store.delete(widgets, "w")).rejects.toMatchObject({ code: "not-found" });
      const again = await bench.make("w", 2);
      expect(again.metadata.uid).not.toBe(made.metadata.uid);
      expect(again.metadata.generation).toBe(1);
    });

    test("of what has changed since is refused when a version is given", async () => {
      const made = await bench.make("w");
      const grown = await bench.store.update(widgets, grow(made, 2));
      await expect(bench.store.delete(widgets, "w", made.metadata)).rejects.toMatchObject({ code: "conflict" });
      await bench.store.delete(widgets, "w", grown.metadata);
      expect(await bench.store.get(widgets, "w")).toBeUndefined();
    });

    test("waits for finalizers: the last one removed ends the object", async () => {
      await bench.make("w", 1, ["one", "two"]);
      await bench.store.delete(widgets, "w");
      await bench.store.delete(widgets, "w");
      const dying = await bench.store.get(widgets, "w");
      if (dying === undefined) throw new Error("gone");
      expect(dying.metadata.deletionTimestamp).toBeDefined();
      const release = (widget: Widget, finalizers: string[]) =>
        bench.store.update(widgets, { ...widget, metadata: { ...widget.metadata, finalizers } });
      const half = await release(dying, ["two"]);
      expect((await bench.store.get(widgets, "w"))?.metadata.finalizers).toEqual(["two"]);
      await release(half, []);
      expect(await bench.store.get(widgets, "w")).toBeUndefined();
    });

    test("and creation by many at once leave one whole object or none", async () => {
      await bench.make("w");
      const outcomes = await Promise.allSettled(
        Array.from({ length: 20 }, (_, n) => (n % 2 === 0 ? bench.store.delete(widgets, "w") : bench.make("w", n))),
      );
      const balance = outcomes.reduce(
        (sum, { status }, n) => sum + (status === "rejected" ? 0 : n % 2 === 0 ? -1 : 1),
        1,
      );
      expect((await bench.store.list(widgets)).length).toBe(balance);
    });
  });
}
