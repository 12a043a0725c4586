import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { setImmediate as turn } from "node:timers/promises";
import { systemClock } from "../clock.ts";
import { createLog } from "../log.ts";
import { describeResourceStore } from "../store/conformance.ts";
import { grow } from "../store/conformance-bench.ts";
import { eventually } from "./eventually.ts";
import { memoryStore } from "./memory-store.ts";
import { widgets } from "./widget.ts";
import type { Widget } from "./widget.ts";

const common = { clock: systemClock, log: createLog({ level: "silent", pretty: false }) };
const draft = (name: string, size = 1) => ({ metadata: { name }, spec: { size } });

describeResourceStore("the store in memory", async () => {
  const server = memoryStore(common);
  const nothing = server.snapshot();
  const clients = [server.connect(turn)];
  const [first] = clients;
  if (first === undefined) throw new Error("no client");
  return {
    store: first.store,
    openAnother: async () => {
      const another = server.connect(turn);
      clients.push(another);
      return another.store;
    },
    restart: async (how) => {
      for (const client of clients) client.silence();
      await turn();
      if (how === "wiped") server.restore(nothing);
      for (const client of clients) client.resume();
    },
    corrupt: async (name) => void (await first.bucket.put(`widgets.${name}`, '{"kind":"Widget"', 0)),
    close: async () => undefined,
  };
});

describe("a store in memory", () => {
  const open = () => {
    const server = memoryStore(common);
    const [one, two] = [server.connect(), server.connect()];
    const watch = (life: AbortController) => {
      const { objects, synced } = one.store.watch<Widget>(widgets, () => undefined, life.signal);
      return { synced, sizes: () => Object.fromEntries([...objects].map(([name, { spec }]) => [name, spec.size])) };
    };
    return { server, one, two, watch };
  };

  test("a watch that missed messages catches up when it is asked, and says so when it can't", async () => {
    const { server, two } = open();
    const life = new AbortController();
    let isDeaf = false;
    const deaf = server.connect(async () => {
      if (isDeaf) throw new Error("lost");
    });
    const { synced, catchUp, objects } = deaf.store.watch<Widget>(widgets, () => undefined, life.signal);
    await synced;
    isDeaf = true;
    await two.store.create(widgets, draft("a"));
    await turn();
    isDeaf = false;
    expect([...objects.keys()]).toEqual([]);
    await catchUp();
    expect([...objects.keys()]).toEqual(["a"]);
    deaf.silence();
    await expect(catchUp()).rejects.toMatchObject({ code: "store-unreachable", retry: true });
    life.abort();
  });

  test("answers nothing to a client that is cut off, all to another, and a watch learns the difference", async () => {
    const { one, two, watch } = open();
    const life = new AbortController();
    const a = await two.store.create(widgets, draft("a"));
    await two.store.create(widgets, draft("b"));
    const { synced, sizes } = watch(life);
    await synced;
    one.silence();
    for (const call of [one.store.get(widgets, "a"), one.store.list(widgets), one.store.create(widgets, draft("c"))])
      await expect(call).rejects.toMatchObject({ code: "store-unreachable", retry: true });
    await two.store.update(widgets, grow(a, 2));
    await two.store.delete(widgets, "b");
    await two.store.create(widgets, draft("c"));
    expect(sizes()).toEqual({ a: 1, b: 1 });
    one.resume();
    await eventually(() => sizes()["b"] === undefined || sizes());
    expect(sizes()).toEqual({ a: 2, c: 1 });
    life.abort();
  });

  test("may have written what its client never heard of", async () => {
    const server = memoryStore(common);
    const passes: (() => void)[] = [];
    const slow = server.connect(() => new Promise((resolve) => passes.push(resolve)));
    const letPass = () => eventually(() => (passes.length > 0 ? (passes.shift()?.(), true) : "nothing under way"));
    const creation = slow.store.create(widgets, draft("a"));
    // Reading, there and back, then writing, there.
    for (let way = 0; way < 3; way += 1) await letPass();
    await eventually(() => passes.length === 1);
    slow.silence();
    await letPass();
    await expect(creation).rejects.toMatchObject({ code: "store-unreachable" });
    expect(await server.connect().store.get(widgets, "a")).toBeDefined();
  });

  test("that was restored shows what there was, and goes on from there", async () => {
    const { server, one, two, watch } = open();
    const life = new AbortController();
    const a = await one.store.create(widgets, draft("a"));
    const { synced, sizes } = watch(life);
    await synced;
    const snapshot = server.snapshot();
    const grown = await two.store.update(widgets, grow(a, 2));
    await two.store.create(widgets, draft("b"));
    await eventually(() => Object.keys(sizes()).length === 2 || sizes());
    server.restore(snapshot);
    await eventually(() => sizes()["b"] === undefined || sizes());
    expect(sizes()).toEqual({ a: 1 });
    await expect(one.store.update(widgets, grow(grown, 3))).rejects.toMatchObject({ code: "conflict" });
    await one.store.update(widgets, grow(a, 4));
    await eventually(() => sizes()["a"] === 4 || sizes());
    life.abort();
  });

  test("loses no change to clients whose calls overtake each other in any order", async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), async (scheduler) => {
        const server = memoryStore(common);
        const addOne = async (): Promise<void> => {
          const { store } = server.connect(() => scheduler.schedule(Promise.resolve()));
          for (;;) {
            const present = await store.get(widgets, "counter");
            const write =
              present === undefined
                ? store.create(widgets, draft("counter"))
                : store.update(widgets, grow(present, present.spec.size + 1));
            if (
              await write.then(
                () => true,
                () => false,
              )
            )
              return;
          }
        };
        await scheduler.waitFor(Promise.all(Array.from({ length: 4 }, addOne)));
        expect(await server.connect().store.get(widgets, "counter")).toMatchObject({ spec: { size: 4 } });
      }),
      { numRuns: 30 },
    );
  });
});
