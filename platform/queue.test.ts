import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { setImmediate as turn } from "node:timers/promises";
import { MeshError } from "./errors.ts";
import { createLog } from "./log.ts";
import { keyedQueue } from "./queue.ts";
import { manualClock } from "./testing/manual-clock.ts";

const log = createLog({ level: "silent", pretty: false });
const backoff = { minMs: 200, maxMs: 1_000 };

function setUp(reconcile: (key: string) => Promise<void>, { concurrency = 4, random = (): number => 0 } = {}) {
  const clock = manualClock(0);
  const controller = new AbortController();
  const queue = keyedQueue({ concurrency, backoff, clock, log, random }, reconcile, controller.signal);
  return { clock, controller, queue };
}

describe("a keyed queue", () => {
  test("runs a key once however often it was added, and once more when added while it ran", async () => {
    const runs: PromiseWithResolvers<void>[] = [];
    const { queue } = setUp(() => {
      const run = Promise.withResolvers<void>();
      runs.push(run);
      return run.promise;
    });
    queue.add("east");
    queue.add("east");
    queue.add("east");
    expect(runs).toHaveLength(1);
    runs[0]?.resolve();
    await turn();
    expect(runs).toHaveLength(2);
    runs[1]?.resolve();
    await turn();
    expect(runs).toHaveLength(2);
  });

  test("waits longer after each failure, forgets that on success", async () => {
    const at: number[] = [];
    let failing = true;
    const { clock, queue } = setUp(async () => {
      at.push(clock.monotonic());
      if (failing) throw new Error("no");
    });
    queue.add("east");
    await clock.advance(3_000);
    expect(at).toEqual([0, 200, 600, 1_400, 2_400]);
    failing = false;
    await clock.advance(1_000);
    failing = true;
    at.length = 0;
    queue.add("east");
    await clock.advance(200);
    expect(at).toEqual([4_000, 4_200]);
  });

  test("jitter cuts off up to half of the wait", async () => {
    const at: number[] = [];
    const run = setUp(
      async () => {
        at.push(run.clock.monotonic());
        throw new Error("no");
      },
      { random: () => 0.5 },
    );
    run.queue.add("east");
    await run.clock.advance(500);
    expect(at).toEqual([0, 150, 450]);
  });

  test("a failure that waiting can't mend is retried only when added anew", async () => {
    let runs = 0;
    const { clock, queue } = setUp(async () => {
      runs += 1;
      throw new MeshError("bad-spec", "no", { retry: false });
    });
    queue.add("east");
    await clock.advance(3_600_000);
    expect(runs).toBe(1);
    queue.add("east");
    expect(runs).toBe(2);
  });

  test("adding a key that waits out a failure runs it at once, and only once", async () => {
    const at: number[] = [];
    const { clock, queue } = setUp(async () => {
      at.push(clock.monotonic());
      if (at.length === 1) throw new Error("no");
    });
    queue.add("east");
    await clock.advance(50);
    queue.add("east");
    await clock.advance(1_000);
    expect(at).toEqual([0, 50]);
  });

  test("is done when the last run has ended after the signal aborted", async () => {
    const run = Promise.withResolvers<void>();
    const { queue, controller } = setUp(() => run.promise);
    queue.add("east");
    controller.abort();
    let done = false;
    void queue.done.then(() => (done = true));
    await turn();
    expect(done).toBe(false);
    run.resolve();
    await queue.done;
    queue.add("west");
    await queue.done;
  });

  test("never runs more than its limit at once nor one key twice, and the last word of each key is run", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.constantFrom("a", "b", "c", "d"), fc.nat(30)), { maxLength: 40 }),
        async (adds) => {
          const level = new Map<string, number>();
          const applied = new Map<string, number>();
          const active: string[] = [];
          const { clock, queue } = setUp(
            async (key) => {
              active.push(key);
              expect(active.length).toBeLessThanOrEqual(2);
              expect(new Set(active).size).toBe(active.length);
              const seen = level.get(key) ?? 0;
              await clock.sleep(7 + (seen % 5), new AbortController().signal);
              active.splice(active.indexOf(key), 1);
              if (seen % 7 === 3 && applied.get(key) !== -seen) {
                applied.set(key, -seen);
                throw new Error("fails the first time");
              }
              applied.set(key, seen);
            },
            { concurrency: 2 },
          );
          for (const [index, [key, pause]] of adds.entries()) {
            level.set(key, index + 1);
            queue.add(key);
            await clock.advance(pause);
          }
          await clock.advance(10_000);
          expect(applied).toEqual(level);
        },
      ),
      { numRuns: 50 },
    );
  });
});
