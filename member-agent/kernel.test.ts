import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { systemClock } from "../platform/clock.ts";
import type { StateFolder } from "../platform/state-folder.ts";
import type { TestNode } from "../tunnel/testing/namespace.ts";
import { makeTestNode } from "../tunnel/testing/namespace.ts";
import { Kernel } from "./kernel.ts";
import { silent, withFolder } from "./testing/folder.ts";

let node: TestNode;
beforeAll(async () => {
  node = await makeTestNode("known");
}, 60_000);
afterAll(() => node.remove(), 60_000);

/** As an agent that starts. */
const kernelOf = (folder: StateFolder) =>
  new Kernel({ run: node.run, wireGuardGo: undefined, folder, clock: systemClock, log: silent });
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
