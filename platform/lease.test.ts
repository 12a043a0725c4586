import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { MeshError } from "./errors.ts";
import { holdLease } from "./lease.ts";
import type { HeldLease, LeaseStore } from "./lease.ts";
import { createLog } from "./log.ts";
import { memoryLeases } from "./testing/lease-store.ts";
import { manualClock } from "./testing/manual-clock.ts";
import type { ManualClock } from "./testing/manual-clock.ts";

const log = createLog({ level: "silent", pretty: false });
const holdMs = 15_000;
const renewMs = 3_000;
const unreachable = () => new MeshError("store-unreachable", "cut off", { retry: true });

/** One that wants the lease: what it holds now, and every term it had. */
function candidate(clock: ManualClock, store: LeaseStore, holder: string, aboveTerm = 0) {
  const controller = new AbortController();
  const terms: number[] = [];
  let lease: HeldLease | undefined;
  const done = holdLease(
    { store, name: "hub", holder, holdMs, renewMs, aboveTerm, clock, log },
    async (held) => {
      lease = held;
      terms.push(held.term);
      await clock.sleep(Number.MAX_SAFE_INTEGER, held.signal);
      lease = undefined;
    },
    controller.signal,
  );
  return { holder, terms, done, controller, lease: () => lease, believes: () => lease?.isHeld() === true };
}

/** The way from one candidate to the store: it can be cut, before or after the store carried a call out. */
function link(store: LeaseStore) {
  const state = { way: "open" as "open" | "cut" | "deaf" };
  const pass = async <T>(call: () => Promise<T>): Promise<T> => {
    if (state.way === "cut") throw unreachable();
    const answer = await call();
    if (state.way === "deaf") throw unreachable();
    return answer;
  };
  const linked: LeaseStore = {
    readLease: (name) => pass(() => store.readLease(name)),
    writeLease: (name, record, revision) => pass(() => store.writeLease(name, record, revision)),
  };
  return { linked, state };
}

describe("a lease", () => {
  test("goes to one of two, and to the other when that one ends, at once and with a higher term", async () => {
    const clock = manualClock();
    const store = memoryLeases();
    const [a, b] = [candidate(clock, store, "a"), candidate(clock, store, "b")];
    await clock.advance(60_000);
    expect([a.terms, b.terms]).toEqual([[1], []]);
    a.controller.abort();
    await a.done;
    expect(a.believes()).toBe(false);
    await clock.advance(renewMs);
    expect(b.terms).toEqual([2]);
    expect(b.believes()).toBe(true);
    b.controller.abort();
    await b.done;
  });

  test("is lost by who can't renew it before a standby takes it, however the link fails", async () => {
    for (const way of ["cut", "deaf"] as const) {
      const clock = manualClock();
      const store = memoryLeases();
      const { linked, state } = link(store);
      const a = candidate(clock, linked, "a");
      await clock.advance(1_000);
      const b = candidate(clock, store, "b");
      await clock.advance(10_000);
      expect(a.believes()).toBe(true);
      state.way = way;
      for (let ms = 0; ms < 60_000; ms += 500) {
        await clock.advance(500);
        expect(a.believes() && b.believes()).toBe(false);
      }
      expect(b.believes()).toBe(true);
      state.way = "open";
      await clock.advance(60_000);
      expect([a, b].filter(({ believes }) => believes())).toHaveLength(1);
      for (const { controller, done } of [a, b]) {
        controller.abort();
        await done;
      }
    }
  });

  test("survives one renewal whose answer was lost", async () => {
    const clock = manualClock();
    const { linked, state } = link(memoryLeases());
    const a = candidate(clock, linked, "a");
    await clock.advance(4_000);
    state.way = "deaf";
    await clock.advance(3_000);
    state.way = "open";
    await clock.advance(60_000);
    expect(a.terms).toEqual([1]);
    expect(a.believes()).toBe(true);
    a.controller.abort();
    await a.done;
  });

  test("is taken from the work in time, however long a renewal hangs", async () => {
    const clock = manualClock();
    const store = memoryLeases();
    const hang = Promise.withResolvers<void>();
    let hangs = false;
    const hanging: LeaseStore = {
      ...store,
      writeLease: async (...write) => {
        if (hangs) await hang.promise;
        return store.writeLease(...write);
      },
    };
    const a = candidate(clock, hanging, "a");
    await clock.advance(1_000);
    hangs = true;
    await clock.advance(holdMs * 0.7);
    expect(a.lease()?.signal.aborted).toBe(false);
    await clock.advance(holdMs * 0.1);
    expect(a.lease()).toBeUndefined();
    a.controller.abort();
    hang.resolve();
    await a.done;
  });

  test("has a term above those of a store that was lost", async () => {
    const clock = manualClock();
    const store = memoryLeases();
    const a = candidate(clock, store, "a", 41);
    await clock.advance(1_000);
    expect(a.terms).toEqual([42]);
    store.lose("hub");
    await clock.advance(renewMs * 3);
    expect(a.terms).toEqual([42, 43]);
    a.controller.abort();
    await a.done;
  });

  test("is given up when the work ends or fails, and the failure is told", async () => {
    const clock = manualClock();
    const store = memoryLeases();
    const options = { store, name: "hub", holder: "a", holdMs, renewMs, clock, log };
    const never = new AbortController().signal;
    await holdLease(options, async () => undefined, never);
    expect((await store.readLease("hub"))?.record).toMatchObject({ holder: "", term: 1 });
    await expect(holdLease(options, () => Promise.reject(new Error("broken")), never)).rejects.toThrow("broken");
    expect((await store.readLease("hub"))?.record).toMatchObject({ holder: "", term: 2 });
  });

  test("is never believed in by two at once, whatever fails, and terms only grow", async () => {
    const step = fc.record({
      who: fc.nat(2),
      way: fc.constantFrom("open" as const, "cut" as const, "deaf" as const),
      ms: fc.integer({ min: 100, max: 20_000 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 15 }), async (steps) => {
        const clock = manualClock();
        const store = memoryLeases();
        const links = ["a", "b", "c"].map(() => link(store));
        const candidates: ReturnType<typeof candidate>[] = [];
        for (const [n, { linked }] of links.entries()) {
          candidates.push(candidate(clock, linked, "abc".charAt(n)));
          await clock.advance(700);
        }
        const look = (): void => {
          expect(candidates.filter(({ believes }) => believes()).length).toBeLessThanOrEqual(1);
        };
        for (const { who, way, ms } of steps) {
          const changed = links[who];
          if (changed !== undefined) changed.state.way = way;
          for (let passed = 0; passed < ms; passed += 500) {
            await clock.advance(Math.min(500, ms - passed));
            look();
          }
        }
        for (const { state } of links) state.way = "open";
        await clock.advance(2 * holdMs);
        look();
        expect(candidates.filter(({ believes }) => believes())).toHaveLength(1);
        const terms = candidates.flatMap((each) => each.terms);
        expect(new Set(terms).size).toBe(terms.length);
        for (const { controller } of candidates) controller.abort();
        await Promise.all(candidates.map(({ done }) => done));
      }),
      { numRuns: 40 },
    );
  });
});
