import type { Command } from "commander";
import { collect, verb } from "../command.ts";
import type { Shell } from "../shell.ts";

/** `trestle store`: a cluster's own store, where there is no Kubernetes. */
export function storeCommand(shell: Shell): Command {
  return verb(
    "store",
    "Serve a cluster's own store, for clusters without Kubernetes. It writes store.yaml into its state folder: with that file, which is a secret, agents and `trestle join` reach it.",
    [
      "trestle store --state /var/lib/trestle/store --listen 10.1.0.10:4223",
      "trestle get nodes --store /var/lib/trestle/store/store.yaml",
    ],
  )
    .option("--state <folder>", "state folder")
    .option("--listen <host:port>", "where it listens")
    .option(
      "--advertise <host>",
      "name or address by which agents reach it; repeatable (default: the listening one)",
      collect,
    )
    .action(async (flags: Readonly<Record<string, unknown>>) => {
      const { runDaemon } = await import("../daemon.ts");
      const { storeSettings } = await import("../../platform/store/settings.ts");
      await runDaemon(
        shell,
        storeSettings,
        flags,
        async ({ settings: { state, listen, advertise }, log, findTool }) => {
          const { serveStore } = await import("../../platform/store/serve.ts");
          await serveStore(
            { stateFolder: state, listen, advertise, natsServer: findTool("nats-server"), clock: shell.clock, log },
            shell.signal,
          );
        },
      );
    });
}
