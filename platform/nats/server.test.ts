import { afterEach, describe, expect, test } from "@jest/globals";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { PassThrough } from "node:stream";
import { createLog } from "../log.ts";
import { eventually } from "../testing/eventually.ts";
import { findTool } from "../tools.ts";
import { parseServerLine } from "./server-log.ts";
import { startNatsServer } from "./server.ts";

const binary = findTool("nats-server", process.env["PATH"] ?? "");
let controller = new AbortController();
const cleanups: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  controller.abort();
  controller = new AbortController();
  await Promise.all(cleanups.splice(0).map((cleanup) => cleanup()));
});

async function serve(config: string, program = binary) {
  const folder = await mkdtemp(path.join(tmpdir(), "trestle-server-"));
  const configFile = path.join(folder, "nats.conf");
  await writeFile(configFile, config);
  const lines: Record<string, unknown>[] = [];
  const stream = new PassThrough().on("data", (chunk: Buffer) => {
    for (const line of chunk.toString().trim().split("\n")) lines.push(JSON.parse(line) as Record<string, unknown>);
  });
  const log = createLog({ level: "debug", pretty: false, stream });
  const server = startNatsServer({ binary: program, configFile, log, signal: controller.signal });
  cleanups.push(async () => {
    await server.done.catch(() => undefined);
    await rm(folder, { recursive: true });
  });
  return { server, lines, configFile };
}

const anyPort = 'listen: "127.0.0.1:-1"';

describe("nats-server as a child", () => {
  test("is ready, speaks through our log, and stops when told", async () => {
    const { server, lines } = await serve(anyPort);
    await server.ready;
    await eventually(() => lines.some(({ msg }) => msg === "Server is ready"));
    expect(lines.every(({ event, level }) => event === "nats-server-log" && level === "info")).toBe(true);
    controller.abort();
    await server.done;
    expect(() => process.kill(server.pid ?? 0, 0)).toThrow("ESRCH");
  });

  test("a bad configuration is told in the server's own words", async () => {
    const { server } = await serve("listen: {");
    await expect(server.ready).rejects.toMatchObject({
      code: "nats-server-exited",
      message: expect.stringContaining("nats.conf"),
    });
    await expect(server.done).rejects.toMatchObject({ code: "nats-server-exited" });
  });

  test("a program that is not there is an error, not a crash", async () => {
    const { server } = await serve(anyPort, "/nowhere/nats-server");
    await expect(server.ready).rejects.toMatchObject({
      code: "nats-server-exited",
      message: expect.stringContaining("/nowhere/nats-server"),
    });
  });

  test("an end that nobody asked for rejects done", async () => {
    const { server } = await serve(anyPort);
    await server.ready;
    process.kill(server.pid ?? 0, "SIGKILL");
    await expect(server.done).rejects.toMatchObject({
      code: "nats-server-exited",
      retry: true,
      message: expect.stringContaining("SIGKILL"),
    });
  });

  test("told to stop before it was ready, ready says so and done resolves", async () => {
    const { server } = await serve(anyPort);
    controller.abort();
    await expect(server.ready).rejects.toMatchObject({ code: "aborted" });
    await server.done;
  });

  test("dies with its parent, however that was killed", async () => {
    const { server, configFile } = await serve(anyPort);
    await server.ready;
    const script = `
      const { startNatsServer } = await import(${JSON.stringify(path.join(import.meta.dirname, "server.ts"))});
      const log = { debug() {}, info() {}, warn() {}, error() {}, child: () => log };
      const options = { binary: ${JSON.stringify(binary)}, configFile: ${JSON.stringify(configFile)}, log, signal: new AbortController().signal };
      const server = startNatsServer(options);
      await server.ready;
      console.log(server.pid);`;
    const parent = spawn(process.execPath, ["--input-type=module", "-e", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [said] = (await once(parent.stdout, "data")) as [Buffer];
    const pid = Number(said.toString());
    expect(process.kill(pid, 0)).toBe(true);
    parent.kill("SIGKILL");
    await eventually(() => {
      try {
        return !process.kill(pid, 0);
      } catch {
        return true;
      }
    });
  });

  test("reload takes a changed configuration", async () => {
    const { server, lines, configFile } = await serve(anyPort);
    await server.ready;
    await writeFile(configFile, `${anyPort}\nmax_payload: 65536\n`);
    server.reload();
    await eventually(() => lines.some(({ msg }) => String(msg).startsWith("Reloaded: max_payload")) || lines);
  });
});

test.each([
  ["[7] 2026/11/21 08:36:05.333831 [INF] Server is ready", { level: "info", message: "Server is ready" }],
  ["[7] 2026/11/21 08:36:05.333831 [FTL] no such file", { level: "error", message: "no such file" }],
  ["[7] 2026/11/21 08:36:05.333831 [WRN]   spaced", { level: "warn", message: "spaced" }],
  ["panic: runtime error", { level: "info", message: "panic: runtime error" }],
])("the log line %p", (text, line) => {
  expect(parseServerLine(text)).toEqual(line);
});
