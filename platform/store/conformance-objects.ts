import { describe, expect, test } from "@jest/globals";
import { hasCode } from "../errors.ts";
import { widgets } from "../testing/widget.ts";
import type { Widget } from "../testing/widget.ts";
import { grow, storeBench } from "./conformance-bench.ts";
import type { StoreUnderTest } from "./conformance-bench.ts";

/** Create, read, list, update, status. */
export function describeObjects(open: () => Promise<StoreUnderTest>): void {
  describe("objects", () => {
    const bench = storeBench(open);

    test("are created with what the store fills in, and read back the same", async () => {
      const made = await bench.store.create(widgets, {
        metadata: { name: "first", labels: { site: "east" }, annotations: { note: "x" } },
        spec: { size: 3 },
      });
      expect(made).toMatchObject({
        kind: "Widget",
        metadata: {
          name: "first",
          generation: 1,
          finalizers: [],
          labels: { site: "east" },
          annotations: { note: "x" },
        },
        spec: { size: 3 },
        status: { state: "new" },
      });
      expect(made.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
      expect(made.metadata.resourceVersion).not.toBe("");
      expect(Date.parse(made.metadata.creationTimestamp)).toBeGreaterThan(0);
      expect(await bench.store.get(widgets, "first")).toEqual(made);
      expect(await bench.store.get(widgets, "second")).toBeUndefined();
    });

    test("are listed by name, without those of other kinds", async () => {
      for (const widget of ["b", "c", "a.b", "a"]) await bench.make(widget);
      await bench.store.create({ ...widgets, plural: "widgetsets" }, { metadata: { name: "d" }, spec: { size: 1 } });
      expect((await bench.store.list(widgets)).map(({ metadata }) => metadata.name)).toEqual(["a", "a.b", "b", "c"]);
    });

    test("of a taken name are refused, also by twenty at once, but one", async () => {
      const outcomes = await Promise.allSettled(Array.from({ length: 20 }, (_, size) => bench.make("one", size)));
      const made = outcomes.filter((outcome) => outcome.status === "fulfilled");
      expect(made).toHaveLength(1);
      const refusals = outcomes.flatMap((outcome) =>
        outcome.status === "rejected" ? [outcome.reason as unknown] : [],
      );
      expect(refusals).toEqual(refusals.map(() => expect.objectContaining({ code: "already-exists", retry: false })));
      expect(await bench.store.get(widgets, "one")).toEqual(made[0]?.value);
    });

    test.each(["", "*", ">", "a*", "Upper", "a..b", "-a", "a b", "a/b", "x".repeat(64)])(
      "can't be named %j",
      async (bad) => {
        await expect(bench.make(bad)).rejects.toMatchObject({ code: "bad-name" });
        await expect(bench.store.get(widgets, bad)).rejects.toMatchObject({ code: "bad-name" });
      },
    );

    test("count a generation for each change of spec, and none for metadata or status", async () => {
      const made = await bench.make("w");
      const grown = await bench.store.update(widgets, grow(made, 2));
      expect(grown.metadata).toMatchObject({ generation: 2, uid: made.metadata.uid });
      const labelled = await bench.store.update(widgets, {
        ...grown,
        metadata: { ...grown.metadata, labels: { a: "b" } },
      });
      expect(labelled.metadata).toMatchObject({ generation: 2, labels: { a: "b" } });
      const done = await bench.store.updateStatus(widgets, { ...labelled, status: { state: "done" } });
      expect(done.metadata.generation).toBe(2);
      expect(await bench.store.get(widgets, "w")).toEqual(done);
    });

    test("keep status and spec apart: each write leaves the other's half alone", async () => {
      const made = await bench.make("w");
      const done = await bench.store.updateStatus(widgets, { ...grow(made, 99), status: { state: "done" } });
      expect(done).toMatchObject({ spec: { size: 1 }, status: { state: "done" } });
      const grown = await bench.store.update(widgets, { ...grow(done, 5), status: { state: "ignored" } });
      expect(grown).toMatchObject({ spec: { size: 5 }, status: { state: "done" } });
    });

    test("are not written when nothing would change", async () => {
      const made = await bench.make("w");
      expect((await bench.store.update(widgets, grow(made, 1))).metadata.resourceVersion).toBe(
        made.metadata.resourceVersion,
      );
      const status = await bench.store.updateStatus(widgets, { ...made, status: { state: "new" } });
      expect(status.metadata.resourceVersion).toBe(made.metadata.resourceVersion);
    });

    test("lose no change to twenty writers at once", async () => {
      await bench.make("counter", 0);
      const addOne = async (): Promise<void> => {
        for (;;) {
          const present = await bench.store.get(widgets, "counter");
          if (present === undefined) throw new Error("gone");
          try {
            await bench.store.update(widgets, grow(present, present.spec.size + 1));
            return;
          } catch (error) {
            if (!hasCode(error, "conflict")) throw error;
          }
        }
      };
      await Promise.all(Array.from({ length: 20 }, addOne));
      expect(await bench.store.get(widgets, "counter")).toMatchObject({
        spec: { size: 20 },
        metadata: { generation: 21 },
      });
    });

    test("are not written from what is outdated, gone, or another of the same name", async () => {
      const made = await bench.make("w");
      await bench.store.update(widgets, grow(made, 2));
      await expect(bench.store.update(widgets, grow(made, 3))).rejects.toMatchObject({ code: "conflict", retry: true });
      await expect(bench.store.updateStatus(widgets, { ...made, status: { state: "x" } })).rejects.toMatchObject({
        code: "conflict",
      });
      await bench.store.delete(widgets, "w");
      await expect(bench.store.update(widgets, grow(made, 3))).rejects.toMatchObject({ code: "not-found" });
      await bench.make("w");
      await expect(bench.store.update(widgets, grow(made, 3))).rejects.toMatchObject({ code: "conflict" });
    });

    test("that can't be read are named, left out of lists, and can be deleted", async () => {
      await bench.make("good");
      await bench.under.corrupt("broken");
      await expect(bench.store.get(widgets, "broken")).rejects.toMatchObject({
        code: "bad-object",
        message: expect.stringContaining("broken"),
      });
      expect((await bench.store.list(widgets)).map(({ metadata }) => metadata.name)).toEqual(["good"]);
      await expect(bench.make("broken")).rejects.toMatchObject({ code: "already-exists" });
      await bench.store.delete(widgets, "broken");
      expect(await bench.store.get(widgets, "broken")).toBeUndefined();
    });

    test("that their kind can't parse are refused before they are written", async () => {
      await expect(bench.make("w", -1)).rejects.toMatchObject({
        code: "bad-object",
        message: expect.stringContaining("size"),
      });
      const made = await bench.make("w");
      await expect(bench.store.update(widgets, grow(made, -1))).rejects.toMatchObject({ code: "bad-object" });
      expect(await bench.store.get(widgets, "w")).toEqual(made);
    });

    test("that admission refuses are not written, for its reason; status is not its matter", async () => {
      const even = {
        ...widgets,
        admit: async (next: Widget, previous: Widget | undefined) =>
          next.spec.size % 2 === 0
            ? undefined
            : { code: "odd", message: `${previous?.spec.size ?? "nothing"} to ${next.spec.size}` },
      };
      await expect(bench.store.create(even, { metadata: { name: "w" }, spec: { size: 1 } })).rejects.toMatchObject({
        code: "odd",
        message: "nothing to 1",
        retry: false,
      });
      const made = await bench.store.create(even, { metadata: { name: "w" }, spec: { size: 2 } });
      await expect(bench.store.update(even, grow(made, 3))).rejects.toMatchObject({ code: "odd", message: "2 to 3" });
      expect(await bench.store.get(even, "w")).toEqual(made);
    });
  });
}
