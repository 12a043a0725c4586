import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { systemClock } from "../platform/clock.ts";
import { holdLease } from "../platform/lease.ts";
import { createLog } from "../platform/log.ts";
import { openStateFolder } from "../platform/state-folder.ts";
import type { StateFolder } from "../platform/state-folder.ts";
import { memoryLeases } from "../platform/testing/lease-store.ts";
import { lastingTerms } from "./lasting-terms.ts";
import { lostPast } from "./ledger.ts";
import { HubMemory } from "./memory.ts";

const log = createLog({ level: "silent", pretty: false });
let folder: StateFolder;
beforeEach(async () => {
  folder = await openStateFolder(await mkdtemp(path.join(tmpdir(), "trestle-memory-")), log);
});
afterEach(async () => {
  await folder.unlock();
  await rm(folder.path, { recursive: true, force: true });
});

describe("what a hub remembers", () => {
  test("outlives it and does not go back", async () => {
    const memory = await HubMemory.open(folder);
    expect([memory.term, memory.ledger]).toEqual([0, undefined]);
    await Promise.all([memory.raiseTerm(7), memory.raiseTerm(5)]);
    await memory.noteLedger({ uid: "u", generation: 4 });
    await memory.noteLedger({ uid: "u", generation: 3 });
    for (const each of [memory, await HubMemory.open(folder)])
      expect([each.term, each.ledger]).toEqual([7, { uid: "u", generation: 4 }]);
  });

  test.each(["term.json", "ledger.json"])("is not taken for nothing when %s can't be read", async (name) => {
    await writeFile(path.join(folder.path, name), "{");
    await expect(HubMemory.open(folder)).rejects.toMatchObject({ code: "state-corrupt" });
  });
});

test.each([
  [undefined, undefined, undefined],
  [undefined, { uid: "u", generation: 4 }, undefined],
  [{ uid: "u", generation: 4 }, { uid: "u", generation: 4 }, undefined],
  [{ uid: "u", generation: 4 }, { uid: "u", generation: 9 }, undefined],
  [{ uid: "u", generation: 4 }, { uid: "u", generation: 3 }, "at change 4 and finds it at change 3"],
  [{ uid: "u", generation: 4 }, { uid: "v", generation: 9 }, "at change 4 and finds another one"],
  [{ uid: "u", generation: 4 }, undefined, "at change 4 and finds none"],
])("of the remembered ledger %j a hub that finds %j misses: %s", (remembered, present, missing) => {
  const lost = lostPast(remembered, present);
  expect(lost === undefined ? undefined : lost.includes(missing ?? "?")).toBe(missing === undefined ? undefined : true);
});

describe("a term", () => {
  const take = async (leases: ReturnType<typeof memoryLeases>): Promise<number> => {
    let term = 0;
    const store = lastingTerms(leases, await HubMemory.open(folder));
    const options = {
      store,
      name: "hub",
      holder: crypto.randomUUID(),
      holdMs: 1_000,
      renewMs: 100,
      clock: systemClock,
      log,
    };
    await holdLease(options, async (lease) => void (term = lease.term), new AbortController().signal);
    return term;
  };

  test("is above every earlier one, though the store lost them", async () => {
    const leases = memoryLeases();
    expect(await take(leases)).toBe(1);
    expect(await take(leases)).toBe(2);
    leases.lose("hub");
    expect(await take(leases)).toBe(3);
    expect(await take(memoryLeases())).toBe(4);
  });

  test("is above those of others that were only seen", async () => {
    const leases = memoryLeases();
    await leases.writeLease("hub", { holder: "", term: 41, renewals: 0 }, undefined);
    await lastingTerms(leases, await HubMemory.open(folder)).readLease("hub");
    expect(await take(memoryLeases())).toBe(42);
  });
});
