import { expect, test } from "@jest/globals";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { systemClock } from "../clock.ts";
import { createLog } from "../log.ts";
import { eventually } from "../testing/eventually.ts";
import { findTool } from "../tools.ts";
import { superviseNatsServer } from "./supervise.ts";

const log = createLog({ level: "silent", pretty: false });
const binary = findTool("nats-server", process.env["PATH"] ?? "");

async function inFolder(config: string, work: (configFile: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), "trestle-supervise-"));
  const configFile = path.join(folder, "nats.conf");
  await writeFile(configFile, config);
  try {
    await work(configFile);
  } finally {
    await rm(folder, { recursive: true });
  }
}

test("a server that dies is started again, and ends with the supervisor", () =>
  inFolder('listen: "127.0.0.1:-1"', async (configFile) => {
    const controller = new AbortController();
    const pids: number[] = [];
    const onReady = async ({ pid = 0 }: { readonly pid: number | undefined }): Promise<void> => void pids.push(pid);
    const done = superviseNatsServer({ binary, configFile, onReady, clock: systemClock, log }, controller.signal);
    await eventually(() => pids.length === 1);
    process.kill(pids[0] ?? 0, "SIGKILL");
    await eventually(() => pids.length === 2 || pids);
    controller.abort();
    await done;
    for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow("ESRCH");
  }));

test("one that never becomes ready is given up with its own words", () =>
  inFolder("listen: {", async (configFile) => {
    const clock = { ...systemClock, sleep: async () => undefined };
    const options = { binary, configFile, onReady: async () => undefined, clock, log };
    const supervising = superviseNatsServer(options, new AbortController().signal);
    await expect(supervising).rejects.toMatchObject({
      code: "nats-server-exited",
      message: expect.stringContaining("nats.conf"),
    });
  }));

test("one that nothing could be made of is ended before another is started", () =>
  inFolder('listen: "127.0.0.1:-1"', async (configFile) => {
    const controller = new AbortController();
    const pids: number[] = [];
    const onReady = async ({ pid = 0 }: { readonly pid: number | undefined }): Promise<void> => {
      for (const former of pids) expect(() => process.kill(former, 0)).toThrow("ESRCH");
      pids.push(pid);
      if (pids.length < 3) throw new Error("the disk is full");
    };
    const done = superviseNatsServer({ binary, configFile, onReady, clock: systemClock, log }, controller.signal);
    await eventually(() => pids.length === 3 || pids);
    controller.abort();
    await done;
    for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow("ESRCH");
  }));

test("one that is never made use of is given up, and ended", () =>
  inFolder('listen: "127.0.0.1:-1"', async (configFile) => {
    const clock = { ...systemClock, sleep: async () => undefined };
    const pids: number[] = [];
    const onReady = async ({ pid = 0 }: { readonly pid: number | undefined }): Promise<void> => {
      pids.push(pid);
      throw new Error("the disk is full");
    };
    const supervising = superviseNatsServer({ binary, configFile, onReady, clock, log }, new AbortController().signal);
    await expect(supervising).rejects.toThrow("the disk is full");
    for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow("ESRCH");
  }));
