import type { z } from "zod";
import { runAgent } from "../member-agent/agent.ts";
import { systemLookup } from "../member-agent/gateway/resolve.ts";
import type { agentSettings } from "../member-agent/settings.ts";
import { serveHealth } from "../platform/health.ts";
import { connectNats } from "../platform/nats/connection.ts";
import { openLauncher } from "../platform/launch/launcher.ts";
import { runner } from "../platform/run.ts";
import { openStateFolder } from "../platform/state-folder.ts";
import { connectStore, readStoreAccess } from "../platform/store/access.ts";
import { parseListen } from "../platform/store/server-config.ts";
import type { DaemonParts } from "./daemon.ts";
import type { Shell } from "./shell.ts";

/** Puts the parts of an agent together and runs it until the shell's signal aborts. */
export async function runAgentProcess(
  shell: Shell,
  { settings, log, findTool }: DaemonParts<z.infer<typeof agentSettings>>,
): Promise<void> {
  const { clock } = shell;
  const life = new AbortController();
  const signal = AbortSignal.any([shell.signal, life.signal]);
  const name = `trestle-agent ${settings.cluster}/${settings.node}`;
  const access = await readStoreAccess(settings.store);
  const folder = await openStateFolder(settings.state, log);
  const launcher = openLauncher(findTool("trestle-launch"));
  let ready = false;
  const health =
    settings.healthListen &&
    (await serveHealth({ ...parseListen(settings.healthListen), healthy: () => true, ready: () => ready }, signal));
  try {
    await runAgent(
      {
        settings,
        folder,
        run: runner([], launcher.launch),
        prefix: [],
        wireGuardGo: findTool("wireguard-go"),
        openStore: async () =>
          (await connectStore({ access, name, waitOnFirstConnect: true, clock, log, signal })).store,
        lookup: systemLookup,
        connect: ({ until = signal, ...to }) => {
          const end = AbortSignal.any([signal, until]);
          return connectNats({ ...to, name, waitOnFirstConnect: true, clock, log, signal: end });
        },
        clock,
        log,
        onReady: (now) => (ready = now),
        onEnd: () => life.abort(),
      },
      signal,
    );
  } finally {
    await launcher.close();
    await folder.unlock();
  }
  if (health) await health.done;
}
