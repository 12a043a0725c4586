import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { systemClock } from "../platform/clock.ts";
import type { Log } from "../platform/log.ts";
import type { StateFolder } from "../platform/state-folder.ts";
import { EMPTY_DATA_PATH } from "../tunnel/state.ts";
import type { DataPath } from "../tunnel/state.ts";
import type { TestNode } from "../tunnel/testing/namespace.ts";
import { makeTestNode } from "../tunnel/testing/namespace.ts";
import { Kernel } from "./kernel.ts";
import { silent, withFolder } from "./testing/folder.ts";
import { keptLog } from "./testing/log.ts";

let node: TestNode;
beforeAll(async () => {
  node = await makeTestNode("known");
});
afterAll(() => node.remove());

/** As an agent that starts. */
const kernelOf = (folder: StateFolder, log: Log = silent) =>
  new Kernel({ run: node.run, wireGuardGo: undefined, folder, clock: systemClock, log });
const backstop = (verb: string, prefix: string) =>
  node.run("ip", ["route", verb, "unreachable", prefix, "metric", "9999", "proto", "174"]);

test("prefixes that were a cluster's are known over a reboot, until the member leaves", () =>
  withFolder(async (folder) => {
    expect(await kernelOf(folder).known()).toEqual([]);
    await kernelOf(folder).remember(["10.65.0.0/16", "fd65::/48"]);
    expect(await kernelOf(folder).known()).toEqual(["10.65.0.0/16", "fd65::/48"]);
    await kernelOf(folder).release();
    expect(await kernelOf(folder).known()).toEqual([]);
  }));

test("a backstop in the kernel says what the disk does not, and nothing where it is part of what the disk says", () =>
  withFolder(async (folder, where) => {
    const prefixes = ["10.65.4.0/22", "10.66.0.0/16"];
    for (const prefix of prefixes) await backstop("add", prefix);
    await kernelOf(folder).remember(["10.65.0.0/16"]);
    expect(await kernelOf(folder).known()).toEqual(["10.65.0.0/16", "10.66.0.0/16"]);
    await writeFile(path.join(where, "prefixes.json"), '{"version":1,"value":["10.65.0.0"]}');
    expect(await kernelOf(folder).known()).toEqual(prefixes);
    for (const prefix of prefixes) await backstop("delete", prefix);
  }));

test("what others have to move is no failed step, is said once until it comes anew, and is not amended upon", () =>
  withFolder(async (folder) => {
    const { log, lines } = keptLog();
    const kernel = kernelOf(folder, log);
    const obstacles = () => lines.filter(({ event }) => event === "obstacle").map(({ msg }) => msg);
    const foreign = ["unreachable", "10.77.0.0/16", "proto", "static"];
    const leading = (...prefixes: string[]): DataPath => ({
      ...EMPTY_DATA_PATH,
      routes: prefixes.map((prefix) => ({ prefix, target: { kind: "unreachable" } })),
    });
    await node.run("ip", ["route", "add", ...foreign]);
    const want = leading("10.77.0.0/16");
    expect(await kernel.hold(want, undefined)).toEqual([]);
    expect(await kernel.hold(want, undefined)).toEqual([]);
    expect(obstacles()).toEqual([expect.stringContaining("another program has a route of this prefix and metric")]);
    // Taken for ours it would be deleted, which fails.
    expect(await kernel.hold(leading("10.78.0.0/16"), want)).toEqual([]);
    expect(await node.run("ip", ["route", "show", "type", "unreachable"])).toMatch(/10\.77\.0\.0\/16 proto static/);
    expect(await kernel.hold(want, undefined)).toEqual([]);
    expect(obstacles()).toHaveLength(2);
    await node.run("ip", ["route", "delete", ...foreign]);
    await kernel.release();
  }));
