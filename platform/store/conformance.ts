import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { eventually } from "../testing/eventually.ts";
import { widgets } from "../testing/widget.ts";
import type { Widget } from "../testing/widget.ts";
import type { Change, ResourceStore } from "./port.ts";

/** A store under test, with the faults its tests need. */
export interface StoreUnderTest {
  readonly store: ResourceStore;
  /** Another client of the same store. */
  openAnother(): Promise<ResourceStore>;
  /** Ends the server the hard way and starts it again; `wiped`: it comes back with nothing. */
  restart(how: "kept" | "wiped"): Promise<void>;
  /** Puts something under the name of a widget that no widget's schema accepts. */
  corrupt(name: string): Promise<void>;
  close(): Promise<void>;
}

/** What every adapter of {@link ResourceStore} must do. */
export function describeResourceStore(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(`${name} as a resource store`, () => {
    let under: StoreUnderTest;
    let store: ResourceStore;
    let watching: AbortController;

    beforeEach(async () => {
      under = await open();
      store = under.store;
      watching = new AbortController();
    }, 30_000);
    afterEach(async () => {
      watching.abort();
      await under.close();
    }, 30_000);

    const make = (widget: string, size = 1, finalizers: string[] = []) =>
      store.create(widgets, { metadata: { name: widget, finalizers }, spec: { size } });
    const grow = (widget: Widget, size: number): Widget => ({ ...widget, spec: { size } });

    const watch = (of = store, kind = widgets) => {
      const changes: Change<Widget>[] = [];
      const seen = of.watch(kind, (change) => changes.push(change), watching.signal);
      return {
        ...seen,
        changes,
        sizes: () => Object.fromEntries([...seen.objects].map(([key, { spec }]) => [key, spec.size])),
      };
    };

    describe("objects", () => {
      test("are created with what the store fills in, and read back the same", async () => {
        const made = await store.create(widgets, {
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
        expect(await store.get(widgets, "first")).toEqual(made);
        expect(await store.get(widgets, "second")).toBeUndefined();
      });

      test("are listed by name, without those of other kinds", async () => {
        for (const widget of ["b", "c", "a.b", "a"]) await make(widget);
        await store.create({ ...widgets, plural: "widgetsets" }, { metadata: { name: "d" }, spec: { size: 1 } });
        expect((await store.list(widgets)).map(({ metadata }) => metadata.name)).toEqual(["a", "a.b", "b", "c"]);
      });

      test("of a taken name are refused, also by twenty at once, but one", async () => {
        const outcomes = await Promise.allSettled(Array.from({ length: 20 }, (_, size) => make("one", size)));
        const made = outcomes.filter((outcome) => outcome.status === "fulfilled");
        expect(made).toHaveLength(1);
        for (const outcome of outcomes) {
          if (outcome.status === "rejected")
            expect(outcome.reason).toMatchObject({ code: "already-exists", retry: false });
        }
        expect(await store.get(widgets, "one")).toEqual(made[0]?.value);
      });

      test.each(["", "*", ">", "a*", "Upper", "a..b", "-a", "a b", "a/b", "x".repeat(64)])(
        "can't be named %j",
        async (bad) => {
          await expect(make(bad)).rejects.toMatchObject({ code: "bad-name" });
          await expect(store.get(widgets, bad)).rejects.toMatchObject({ code: "bad-name" });
        },
      );

      test("count a generation for each change of spec, and none for metadata or status", async () => {
        const made = await make("w");
        const grown = await store.update(widgets, grow(made, 2));
        expect(grown.metadata).toMatchObject({ generation: 2, uid: made.metadata.uid });
        const labelled = await store.update(widgets, { ...grown, metadata: { ...grown.metadata, labels: { a: "b" } } });
        expect(labelled.metadata).toMatchObject({ generation: 2, labels: { a: "b" } });
        const done = await store.updateStatus(widgets, { ...labelled, status: { state: "done" } });
        expect(done.metadata.generation).toBe(2);
        expect(await store.get(widgets, "w")).toEqual(done);
      });

      test("keep status and spec apart: each write leaves the other's half alone", async () => {
        const made = await make("w");
        const done = await store.updateStatus(widgets, { ...grow(made, 99), status: { state: "done" } });
        expect(done).toMatchObject({ spec: { size: 1 }, status: { state: "done" } });
        const grown = await store.update(widgets, { ...grow(done, 5), status: { state: "ignored" } });
        expect(grown).toMatchObject({ spec: { size: 5 }, status: { state: "done" } });
      });

      test("are not written when nothing would change", async () => {
        const made = await make("w");
        expect((await store.update(widgets, grow(made, 1))).metadata.resourceVersion).toBe(
          made.metadata.resourceVersion,
        );
        const status = await store.updateStatus(widgets, { ...made, status: { state: "new" } });
        expect(status.metadata.resourceVersion).toBe(made.metadata.resourceVersion);
      });

      test("lose no change to twenty writers at once", async () => {
        await make("counter", 0);
        const addOne = async (): Promise<void> => {
          for (;;) {
            const present = await store.get(widgets, "counter");
            if (present === undefined) throw new Error("gone");
            try {
              await store.update(widgets, grow(present, present.spec.size + 1));
              return;
            } catch (error) {
              expect(error).toMatchObject({ code: "conflict", retry: true });
            }
          }
        };
        await Promise.all(Array.from({ length: 20 }, addOne));
        expect(await store.get(widgets, "counter")).toMatchObject({ spec: { size: 20 }, metadata: { generation: 21 } });
      });

      test("are not written from what is outdated, gone, or another of the same name", async () => {
        const made = await make("w");
        await store.update(widgets, grow(made, 2));
        await expect(store.update(widgets, grow(made, 3))).rejects.toMatchObject({ code: "conflict", retry: true });
        await expect(store.updateStatus(widgets, { ...made, status: { state: "x" } })).rejects.toMatchObject({
          code: "conflict",
        });
        await store.delete(widgets, "w");
        await expect(store.update(widgets, grow(made, 3))).rejects.toMatchObject({ code: "not-found" });
        await make("w");
        await expect(store.update(widgets, grow(made, 3))).rejects.toMatchObject({ code: "conflict" });
      });

      test("that can't be read are named, left out of lists, and can be deleted", async () => {
        await make("good");
        await under.corrupt("broken");
        await expect(store.get(widgets, "broken")).rejects.toMatchObject({
          code: "bad-object",
          message: expect.stringContaining("broken"),
        });
        expect((await store.list(widgets)).map(({ metadata }) => metadata.name)).toEqual(["good"]);
        await expect(make("broken")).rejects.toMatchObject({ code: "already-exists" });
        await store.delete(widgets, "broken");
        expect(await store.get(widgets, "broken")).toBeUndefined();
      });

      test("that their kind can't parse are refused before they are written", async () => {
        await expect(make("w", -1)).rejects.toMatchObject({
          code: "bad-object",
          message: expect.stringContaining("size"),
        });
        const made = await make("w");
        await expect(store.update(widgets, grow(made, -1))).rejects.toMatchObject({ code: "bad-object" });
        expect(await store.get(widgets, "w")).toEqual(made);
      });

      test("that admission refuses are not written, for its reason; status is not its matter", async () => {
        const even = {
          ...widgets,
          admit: async (next: Widget, previous: Widget | undefined) =>
            next.spec.size % 2 === 0
              ? undefined
              : { code: "odd", message: `${previous?.spec.size ?? "nothing"} to ${next.spec.size}` },
        };
        await expect(store.create(even, { metadata: { name: "w" }, spec: { size: 1 } })).rejects.toMatchObject({
          code: "odd",
          message: "nothing to 1",
          retry: false,
        });
        const made = await store.create(even, { metadata: { name: "w" }, spec: { size: 2 } });
        await expect(store.update(even, grow(made, 3))).rejects.toMatchObject({ code: "odd", message: "2 to 3" });
        expect(await store.get(even, "w")).toEqual(made);
      });
    });

    describe("deletion", () => {
      test("takes an object away, once, and its name is free", async () => {
        const made = await make("w");
        await store.delete(widgets, "w");
        expect(await store.get(widgets, "w")).toBeUndefined();
        expect(await store.list(widgets)).toEqual([]);
        await expect(store.delete(widgets, "w")).rejects.toMatchObject({ code: "not-found" });
        const again = await make("w", 2);
        expect(again.metadata.uid).not.toBe(made.metadata.uid);
        expect(again.metadata.generation).toBe(1);
      });

      test("of what has changed since is refused when a version is given", async () => {
        const made = await make("w");
        const grown = await store.update(widgets, grow(made, 2));
        await expect(store.delete(widgets, "w", made.metadata)).rejects.toMatchObject({ code: "conflict" });
        await store.delete(widgets, "w", grown.metadata);
        expect(await store.get(widgets, "w")).toBeUndefined();
      });

      test("waits for finalizers: the last one removed ends the object", async () => {
        await make("w", 1, ["one", "two"]);
        await store.delete(widgets, "w");
        await store.delete(widgets, "w");
        const dying = await store.get(widgets, "w");
        if (dying === undefined) throw new Error("gone");
        expect(dying.metadata.deletionTimestamp).toBeDefined();
        const release = (widget: Widget, finalizers: string[]) =>
          store.update(widgets, { ...widget, metadata: { ...widget.metadata, finalizers } });
        const half = await release(dying, ["two"]);
        expect((await store.get(widgets, "w"))?.metadata.finalizers).toEqual(["two"]);
        await release(half, []);
        expect(await store.get(widgets, "w")).toBeUndefined();
      });

      test("and creation by many at once leave one whole object or none", async () => {
        await make("w");
        const outcomes = await Promise.allSettled(
          Array.from({ length: 20 }, (_, n) => (n % 2 === 0 ? store.delete(widgets, "w") : make("w", n))),
        );
        const balance = outcomes.reduce(
          (sum, { status }, n) => sum + (status === "rejected" ? 0 : n % 2 === 0 ? -1 : 1),
          1,
        );
        expect((await store.list(widgets)).length).toBe(balance);
      });
    });

    describe("a watch", () => {
      test("shows what there is, then what changes, in order", async () => {
        const made = await make("a");
        const { synced, changes, objects } = watch();
        await synced;
        expect(changes).toEqual([{ op: "put", name: "a", object: made }]);
        const grown = await store.update(widgets, grow(made, 2));
        await store.delete(widgets, "a");
        const again = await make("a", 3);
        await eventually(() => objects.get("a")?.spec.size === 3 || changes);
        expect(changes.slice(1)).toEqual([
          { op: "put", name: "a", object: grown },
          { op: "delete", name: "a" },
          { op: "put", name: "a", object: again },
        ]);
      });

      test("is told to whole and separately: two of them, and other kinds to none", async () => {
        const one = watch();
        const two = watch(await under.openAnother());
        const other = watch(store, { ...widgets, plural: "widgetsets" });
        await Promise.all([one.synced, two.synced, other.synced]);
        await make("a");
        await eventually(() => (one.objects.has("a") && two.objects.has("a")) || [one.changes, two.changes]);
        expect(one.changes).toEqual(two.changes);
        expect(other.changes).toEqual([]);
      });

      test("ends where the store is, and never goes back, while many write", async () => {
        const names = Array.from({ length: 8 }, (_, n) => `w-${n}`);
        const churn = async (widget: string): Promise<void> => {
          for (let round = 0; round < 25; round += 1) {
            const present = await store.get(widgets, widget);
            if (present === undefined) await make(widget, round * 10);
            else if (round % 7 === 6) await store.delete(widgets, widget);
            else await store.update(widgets, grow(present, round * 10));
          }
        };
        const writing = Promise.all(names.map(churn));
        const watches = [watch(), watch(await under.openAnother())];
        await Promise.all(watches.map(({ synced }) => synced));
        await writing;
        const listed = Object.fromEntries(
          (await store.list(widgets)).map(({ metadata, spec }) => [metadata.name, spec.size]),
        );
        for (const { changes, sizes } of watches) {
          await eventually(
            () =>
              JSON.stringify(Object.entries(sizes()).toSorted()) === JSON.stringify(Object.entries(listed)) || sizes(),
          );
          for (const widget of names) {
            const shown = changes.filter((change) => change.name === widget && change.op === "put");
            const history = shown.map((change) => (change.op === "put" ? change.object.spec.size : 0));
            expect(history).toEqual(history.toSorted((a, b) => a - b));
          }
        }
      });

      test("goes on after the server was killed and came back", async () => {
        await make("kept");
        const { synced, objects } = watch();
        await synced;
        await under.restart("kept");
        await eventually(() =>
          make("after").then(
            () => true,
            ({ code }: { code: string }) => code === "already-exists",
          ),
        );
        await eventually(() => objects.has("after") || [...objects.keys()]);
        expect(objects.has("kept")).toBe(true);
      }, 60_000);

      test("shows the new world when the server came back with nothing", async () => {
        for (const widget of ["a", "b", "c"]) await make(widget);
        const { synced, objects, changes } = watch();
        await synced;
        await under.restart("wiped");
        await eventually(() =>
          make("b", 2).then(
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
        const restarting = under.restart("kept");
        const { synced } = watch();
        await restarting;
        await synced;
      }, 60_000);

      test("leaves out what can't be read, and goes on", async () => {
        const { synced, objects } = watch();
        await synced;
        await under.corrupt("broken");
        await make("good");
        await eventually(() => objects.has("good"));
        expect([...objects.keys()]).toEqual(["good"]);
      });

      test("outlives a listener that throws", async () => {
        const seen: string[] = [];
        const { synced } = store.watch(
          widgets,
          ({ name: widget }) => {
            seen.push(widget);
            throw new Error("listener");
          },
          watching.signal,
        );
        await synced;
        await make("a");
        await make("b");
        await eventually(() => seen.includes("b") || seen);
      });

      test("ends with its signal: no change after, and one that had no list says so", async () => {
        const { synced, done, changes } = watch();
        await synced;
        watching.abort();
        await done;
        await make("late");
        const never = watch();
        await expect(never.synced).rejects.toMatchObject({ code: "aborted" });
        await never.done;
        expect(changes).toEqual([]);
      });
    });

    test("two thousand objects are listed and watched whole", async () => {
      const names = Array.from({ length: 2_000 }, (_, n) => `w-${String(n).padStart(4, "0")}`);
      for (let from = 0; from < names.length; from += 200)
        await Promise.all(names.slice(from, from + 200).map((widget) => make(widget)));
      expect((await store.list(widgets)).map(({ metadata }) => metadata.name)).toEqual(names);
      const { synced, objects } = watch();
      await synced;
      expect(objects.size).toBe(2_000);
    }, 60_000);
  });
}
