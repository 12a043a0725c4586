import { expect, test } from "@jest/globals";
import type { StateFolder } from "../../platform/state-folder.ts";
import { manualClock } from "../../platform/testing/manual-clock.ts";
import type { ManualClock } from "../../platform/testing/manual-clock.ts";
import { withFolder } from "../testing/folder.ts";
import { keptLog } from "../testing/log.ts";
import { EndpointNames, systemLookup } from "./resolve.ts";
import type { Lookup } from "./resolve.ts";

interface Stage {
  readonly clock: ManualClock;
  readonly names: EndpointNames;
  /** Names as they were asked for. */
  readonly asked: string[];
  /** What was logged. */
  readonly said: readonly { readonly event: string }[];
  readonly wanted: { all: ReadonlySet<string>; silent: ReadonlySet<string> };
  changes: number;
}

/** Runs a test with the lookups of one gateway, answered from `table`: a missing name fails, as DNS does. */
async function withNames(
  table: Map<string, readonly string[] | Promise<readonly string[]>>,
  use: (stage: Stage) => Promise<void>,
  folder?: StateFolder,
): Promise<void> {
  if (folder === undefined) return withFolder((made) => withNames(table, use, made));
  const clock = manualClock();
  const asked: string[] = [];
  const lookup: Lookup = async (name) => {
    asked.push(name);
    const found = table.get(name);
    if (found === undefined) throw new Error(`getaddrinfo ENOTFOUND ${name}`);
    return found;
  };
  const { log, lines: said } = keptLog();
  const names = new EndpointNames({ lookup, folder, clock, log, onChange: () => void (stage.changes += 1) });
  const wanted = { all: new Set(table.keys()), silent: new Set<string>() };
  const stage: Stage = { clock, names, asked, said, wanted, changes: 0 };
  const life = new AbortController();
  await names.recall();
  const running = names.run(() => stage.wanted, life.signal);
  try {
    await clock.advance(0);
    await use(stage);
  } finally {
    life.abort();
    await clock.advance(1_000);
    await running;
  }
}

test("a name is looked up at once and every 30 s, and a new address is told", async () => {
  const table = new Map([["gw.example", ["192.0.2.1"]]]);
  await withNames(table, async (stage) => {
    expect(stage.names.resolved).toEqual(new Map([["gw.example", ["192.0.2.1"]]]));
    await stage.clock.advance(29_000);
    expect([stage.asked.length, stage.changes]).toEqual([1, 1]);
    table.set("gw.example", ["192.0.2.2"]);
    await stage.clock.advance(1_500);
    expect([stage.asked.length, stage.changes]).toEqual([2, 2]);
    expect(stage.names.resolved.get("gw.example")).toEqual(["192.0.2.2"]);
  });
});

test("the name of a silent gateway is looked up every 5 s", async () => {
  await withNames(new Map([["gw.example", ["192.0.2.1"]]]), async (stage) => {
    stage.wanted.silent = new Set(["gw.example"]);
    await stage.clock.advance(16_000);
    expect(stage.asked).toHaveLength(4);
  });
});

test("the last good addresses stay when DNS fails, over a restart too", () =>
  withFolder(async (folder) => {
    const table = new Map([["gw.example", ["192.0.2.1", "2001:db8::1"]]]);
    await withNames(
      table,
      async ({ names, clock, wanted }) => {
        table.delete("gw.example");
        wanted.silent = new Set(["gw.example"]);
        await clock.advance(60_000);
        expect(names.resolved.get("gw.example")).toEqual(["192.0.2.1", "2001:db8::1"]);
      },
      folder,
    );
    await withNames(new Map(), async ({ names }) => expect(names.resolved.size).toBe(0), folder);
  }));

test("an address in use stays the first while it is among the answers, whatever their order", async () => {
  const table = new Map([["gw.example", ["192.0.2.1", "192.0.2.2"]]]);
  await withNames(table, async (stage) => {
    table.set("gw.example", ["192.0.2.2", "192.0.2.1"]);
    await stage.clock.advance(31_000);
    expect([stage.asked.length, stage.changes]).toEqual([2, 1]);
    table.set("gw.example", ["192.0.2.3", "192.0.2.2"]);
    await stage.clock.advance(31_000);
    expect(stage.names.resolved.get("gw.example")).toEqual(["192.0.2.2", "192.0.2.3"]);
  });
});

test("a lookup that hangs keeps one other at most from its turn, and is not asked twice", async () => {
  const hangs = Promise.withResolvers<readonly string[]>();
  const table = new Map<string, readonly string[] | Promise<readonly string[]>>([["slow.example", hangs.promise]]);
  for (let at = 0; at < 20; at++) table.set(`gw${at}.example`, [`192.0.2.${at}`]);
  await withNames(table, async ({ names, asked, clock }) => {
    await clock.advance(40_000);
    expect(names.resolved.size).toBe(20);
    expect(asked.filter((name) => name === "slow.example")).toHaveLength(1);
    hangs.resolve(["198.51.100.1"]);
    await clock.advance(500);
    expect(names.resolved.get("slow.example")).toEqual(["198.51.100.1"]);
  });
});

test("what is no host name is never looked up, and an answer that is no address counts as none", async () => {
  const table = new Map([
    ["not a name", ["192.0.2.1"]],
    ["odd.example", ["192.0.2.1%eth0", "there"]],
  ]);
  await withNames(table, async ({ names, asked }) => {
    expect(asked).toEqual(["odd.example"]);
    expect(names.resolved.size).toBe(0);
  });
});

test("a name that nobody announces any more is forgotten", async () => {
  await withNames(new Map([["gw.example", ["192.0.2.1"]]]), async ({ names, clock, wanted }) => {
    wanted.all = new Set();
    await clock.advance(1_000);
    expect(names.resolved.size).toBe(0);
  });
});

test("an answer that comes after the member left is not taken, neither to memory nor to disk", () =>
  withFolder(async (folder) => {
    const hangs = Promise.withResolvers<readonly string[]>();
    const table = new Map([["slow.example", hangs.promise]]);
    await withNames(
      table,
      async ({ names, clock, wanted, asked }) => {
        wanted.all = new Set();
        await names.forget();
        hangs.resolve(["192.0.2.1"]);
        await clock.advance(0);
        expect([names.resolved.size, asked.length]).toEqual([0, 1]);
        // A cluster that joins again asks at once.
        wanted.all = new Set(["slow.example"]);
        await clock.advance(1_000);
        expect(names.resolved.get("slow.example")).toEqual(["192.0.2.1"]);
        wanted.all = new Set();
        await names.forget();
      },
      folder,
    );
    expect(await folder.readText("endpoints.json")).toBeUndefined();
  }));

test("that a name does not resolve is said once, and again when it is announced anew", async () => {
  await withNames(new Map(), async ({ clock, wanted, said }) => {
    const failures = (): number => said.filter(({ event }) => event === "endpoint-unresolved").length;
    const announced = new Set(["gw.example"]);
    wanted.all = announced;
    await clock.advance(120_000);
    expect(failures()).toBe(1);
    wanted.all = new Set();
    await clock.advance(1_000);
    wanted.all = announced;
    await clock.advance(1_000);
    expect(failures()).toBe(2);
  });
});

test("the machine's own files count: localhost is found without DNS", async () => {
  expect(await systemLookup("localhost")).toContain("127.0.0.1");
});
