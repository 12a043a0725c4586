import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { startNatsServer } from "../nats/server.ts";
import type { NatsServer } from "../nats/server.ts";
import { createLog } from "../log.ts";
import { findTool } from "../tools.ts";
import { eventually } from "./eventually.ts";
import { freePort } from "./free-port.ts";

/** A real nats-server for a test, on a loopback port that it keeps, with its files in a folder of its own. */
export interface TestNats {
  readonly url: string;
  readonly folder: string;
  /** Ends the server, by SIGKILL when told so; clients see a broken connection. */
  stop(how?: "SIGTERM" | "SIGKILL"): Promise<void>;
  start(): Promise<void>;
  /** Stops it in its tracks (SIGSTOP): connected, and silent, until it is resumed. */
  pause(): Promise<void>;
  resume(): void;
  /** Deletes what JetStream stored; only while stopped. */
  wipe(): Promise<void>;
  /** Ends the server and removes its folder. */
  remove(): Promise<void>;
}

/** Starts one with JetStream; `extraConfig` is appended to its configuration file. */
export async function startTestNats(extraConfig = ""): Promise<TestNats> {
  const folder = await mkdtemp(path.join(tmpdir(), "trestle-nats-"));
  const configFile = path.join(folder, "nats.conf");
  const storeFolder = path.join(folder, "jetstream");
  const port = await freePort();
  await writeFile(
    configFile,
    `listen: "127.0.0.1:${port}"\njetstream { store_dir: "${storeFolder}" }\n${extraConfig}\n`,
  );
  const log = createLog({ level: "silent", pretty: false });
  let running: { readonly server: NatsServer; readonly controller: AbortController } | undefined;

  const signalServer = (signal: NodeJS.Signals): void => {
    if (running?.server.pid !== undefined) process.kill(running.server.pid, signal);
  };

  const nats: TestNats = {
    url: `nats://127.0.0.1:${port}`,
    folder,
    start: async () => {
      const controller = new AbortController();
      const server = startNatsServer({
        binary: findTool("nats-server", process.env["PATH"] ?? ""),
        configFile,
        log,
        signal: controller.signal,
      });
      running = { server, controller };
      await server.ready;
    },
    pause: async () => {
      signalServer("SIGSTOP");
      // A program of many threads stops a moment later; the state follows the name in parentheses, proc_pid_stat(5).
      await eventually(async () => / T /.test(await readFile(`/proc/${running?.server.pid}/stat`, "utf8")));
    },
    resume: () => signalServer("SIGCONT"),
    stop: async (how = "SIGTERM") => {
      if (running === undefined) return;
      const { server, controller } = running;
      running = undefined;
      if (how === "SIGKILL" && server.pid !== undefined) process.kill(server.pid, "SIGKILL");
      else controller.abort();
      await server.done.catch(() => undefined);
    },
    wipe: () => rm(storeFolder, { recursive: true, force: true }),
    remove: async () => {
      await nats.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
  await nats.start();
  return nats;
}
