import { describe, expect, test } from "@jest/globals";
import { isDeepStrictEqual } from "node:util";
import { eventually } from "../testing/eventually.ts";
import { widgets } from "../testing/widget.ts";
import { grow, storeBench } from "./conformance-bench.ts";
import type { StoreUnderTest } from "./conformance-bench.ts";

/** Watches: complete, in order, and alive after whatever happens to the server. */
export function describeWatches(open: () => Promise<StoreUnderTest>): void {
  describe("a watch", () => {
    const bench = storeBench(open);

    test("shows what there is, then what changes, in order", async () => {
      const made = await bench.make("a");
      const { synced, changes, objects } = bench.watch();
      await synced;
      expect(changes).toEqual([{ op: "put", name: "a", object: made }]);
      const grown = await bench.store.update(widgets, grow(made, 2));
      await bench.store.delete(widgets, "a");
      const again = await bench.make("a", 3);
      await eventually(() => objects.get("a")?.spec.size === 3 || changes);
      expect(changes.slice(1)).toEqual([
        { op: "put", name: "a", object: grown },
        { op: "delete", name: "a" },
        { op: "put", name: "a", object: again },
      ]);
    });

    test("is told to whole and separately: two of them, and other kinds to none", async () => {
      const one = bench.watch();
      const two = bench.watch(await bench.under.openAnother());
      const other = bench.watch(bench.store, { ...widgets, plural: "widgetsets" });
      await Promise.all([one.synced, two.synced, other.synced]);
      await bench.make("a");
      await eventually(() => (one.objects.has("a") && two.objects.has("a")) || [one.changes, two.changes]);
      expect(one.changes).toEqual(two.changes);
      expect(other.changes).toEqual([]);
    });

    test("ends where the store is, and never goes back, while many write", async () => {
      const names = Array.from({ length: 8 }, (_, n) => `w-${n}`);
      const churn = async (widget: string): Promise<void> => {
        for (let round = 0; round < 25; round += 1) {
          const present = await bench.store.get(widgets, widget);
          if (present === undefined) await bench.make(widget, round * 10);
          else if (round % 7 === 6) await bench.store.delete(widgets, widget);
          else await bench.store.update(widgets, grow(present, round * 10));
        }
      };
      const writing = Promise.all(names.map(churn));
      const watches = [bench.watch(), bench.watch(await bench.under.openAnother())];
      await Promise.all(watches.map(({ synced }) => synced));
      await writing;
      const listed = Object.fromEntries(
        (await bench.store.list(widgets)).map(({ metadata, spec }) => [metadata.name, spec.size]),
      );
      for (const { changes, sizes } of watches) {
        await eventually(() => isDeepStrictEqual(sizes(), listed) || sizes());
        for (const widget of names) {
          const shown = changes.filter((change) => change.name === widget && change.op === "put");
          const history = shown.map((change) => (change.op === "put" ? change.object.spec.size : 0));
          expect(history).toEqual(history.toSorted((a, b) => a - b));
        }
      }
    });

    test("goes on after the server was killed and came back", async () => {
      await bench.make("kept");
      const { synced, objects } = bench.watch();
      await synced;
      await bench.under.restart("kept");
      await eventually(() =>
        bench.make("after").then(
          () => true,
          ({ code }: { code: string }) => code === "already-exists",
        ),
      );
      await eventually(() => objects.has("after") || [...objects.keys()]);
      expect(objects.has("kept")).toBe(true);
    }, 60_000);

    test("shows the new world when the server came back with nothing", async () => {
      for (const widget of ["a", "b", "c"]) await bench.make(widget);
      const { synced, objects, changes } = bench.watch();
      await synced;
      await bench.under.restart("wiped");
      await eventually(() =>
        bench.make("b", 2).then(
          () => true,
          ({ code }: { code: string }) => code === "already-exists",
        ),
      );
      await eventually(() => (objects.size === 1 && objects.get("b")?.spec.size === 2) || [...objects]);
      expect(changes.filter(({ op }) => op === "delete").map((change) => change.name)).toEqual(
        expect.arrayContaining(["a", "c"]),
      );
    }, 60_000);

    test("started while there is no server waits for it", async () => {
      const restarting = bench.under.restart("kept");
      const { synced } = bench.watch();
      await restarting;
      await expect(synced).resolves.toBeUndefined();
    }, 60_000);

    test("leaves out what can't be read, and goes on", async () => {
      const { synced, objects } = bench.watch();
      await synced;
      await bench.under.corrupt("broken");
      await bench.make("good");
      await eventually(() => objects.has("good"));
      expect([...objects.keys()]).toEqual(["good"]);
    });

    test("that is asked to catch up has seen all that was written before", async () => {
      const other = await bench.under.openAnother();
      const { synced, catchUp, objects } = bench.watch();
      await synced;
      for (let round = 0; round < 20; round += 1) {
        const made = await other.create(widgets, { metadata: { name: `w-${round}` }, spec: { size: round } });
        if (round % 2 === 1) await other.delete(widgets, `w-${round - 1}`);
        await Promise.all([catchUp(), catchUp()]);
        expect(objects.get(`w-${round}`)).toEqual(made);
        expect(objects.size).toBe(Math.floor(round / 2) + 1);
      }
      bench.watching.abort();
      await expect(catchUp()).rejects.toMatchObject({ code: "aborted" });
    });

    test("outlives a listener that throws", async () => {
      const seen: string[] = [];
      const { synced } = bench.store.watch(
        widgets,
        ({ name: widget }) => {
          seen.push(widget);
          throw new Error("listener");
        },
        bench.watching.signal,
      );
      await synced;
      await bench.make("a");
      await bench.make("b");
      await eventually(() => seen.length === 2 || seen);
      expect(seen).toEqual(["a", "b"]);
    });

    test("ends with its signal: no change after, and one that had no list says so", async () => {
      const { synced, done, changes } = bench.watch();
      await synced;
      bench.watching.abort();
      await done;
      await bench.make("late");
      const never = bench.watch();
      await expect(never.synced).rejects.toMatchObject({ code: "aborted" });
      await never.done;
      expect(changes).toEqual([]);
    });

    test("two thousand objects are listed and watched whole", async () => {
      const names = Array.from({ length: 2_000 }, (_, n) => `w-${String(n).padStart(4, "0")}`);
      for (let from = 0; from < names.length; from += 200)
        await Promise.all(names.slice(from, from + 200).map((widget) => bench.make(widget)));
      expect((await bench.store.list(widgets)).map(({ metadata }) => metadata.name)).toEqual(names);
      const { synced, objects } = bench.watch();
      await synced;
      expect(objects.size).toBe(2_000);
    }, 60_000);
  });
}
