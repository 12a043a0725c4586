import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { systemClock } from "../../platform/clock.ts";
import { identityInFolder } from "../../platform/identity/identity-place.ts";
import { createLog } from "../../platform/log.ts";
import { openStateFolder } from "../../platform/state-folder.ts";
import { openEmbeddedStore } from "../../platform/store/embedded.ts";
import type { ResourceStore } from "../../platform/store/port.ts";
import { startTestHub } from "../../platform/testing/test-hub.ts";
import type { TestHub } from "../../platform/testing/test-hub.ts";
import { BUNDLED } from "./bundle.ts";
import { childNamed, cpuMs } from "./usage.ts";

/** A hub as a process of its own, on a nats-server as the hub configures it, on loopback. */
export interface HubWorld {
  /** The server, and connections to it. */
  readonly nats: TestHub;
  /** The hub's own store. */
  readonly store: ResourceStore;
  /** Resolves when the hub is active. */
  startHub(): Promise<void>;
  /** As SIGTERM does; resolves when it is gone. */
  stopHub(): Promise<void>;
  /** Milliseconds of CPU that were used since they started. */
  cpu(): { readonly hub: number; readonly nats: number };
  remove(): Promise<void>;
}

export async function openHubWorld(): Promise<HubWorld> {
  const folder = await mkdtemp(path.join(tmpdir(), "trestle-bench-hub-"));
  const state = path.join(folder, "state");
  const log = createLog({ level: "silent", pretty: false });
  const life = new AbortController();
  const nats = await startTestHub();
  const held = await openStateFolder(state, log);
  await identityInFolder(held).save(nats.identity);
  await held.unlock();
  const connection = await nats.connectAs("hub");
  let running: { readonly pid: number; readonly end: () => void; readonly done: Promise<unknown> } | undefined;

  const startHub = async (): Promise<void> => {
    const child = spawn(BUNDLED, ["hub", "--state", state, "--nats", nats.url, "--advertise", nats.url], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    const done = once(child, "exit");
    running = { pid: child.pid ?? 0, end: () => void child.kill("SIGTERM"), done };
    const said: string[] = [];
    const active = new Promise<void>((resolve) => {
      createInterface({ input: child.stderr }).on("line", (line) => {
        said.push(line);
        if (line.includes('"hub-active"')) resolve();
      });
    });
    const ended = done.then(() => {
      throw new Error(`the hub ended: ${said.slice(-5).join("\n")}`);
    });
    await Promise.race([active, ended]);
    ended.catch(() => undefined);
  };
  const stopHub = async (): Promise<void> => {
    running?.end();
    await running?.done;
    running = undefined;
  };
  await startHub();
  const store = await openEmbeddedStore({ connection, bucket: "hub", clock: systemClock, log, signal: life.signal });
  return {
    nats,
    store,
    startHub,
    stopHub,
    cpu: () => ({ hub: running === undefined ? 0 : cpuMs(running.pid), nats: cpuMs(childNamed("nats-server")) }),
    remove: async () => {
      await stopHub();
      life.abort();
      await nats.remove();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
