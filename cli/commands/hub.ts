import { networkInterfaces } from "node:os";
import type { Command } from "commander";
import { collect, verb } from "../command.ts";
import type { Shell } from "../shell.ts";

/** `trestle hub`: the process, and what a foreign NATS server needs to serve it. */
export function hubCommand(shell: Shell): Command {
  return verb(
    "hub",
    "Run a hub: it assigns every cluster its pod CIDRs and tells each member whom it is linked with. It starts its own NATS server unless --nats names one.",
    [
      "trestle hub --state /var/lib/trestle/hub",
      "trestle hub --state /var/lib/trestle/hub --listen 0.0.0.0:4222 --advertise tls://hub.example:4222",
      "trestle status --context /var/lib/trestle/hub/context.yaml      the hub writes this file for its administrators",
    ],
  )
    .option("--state <folder>", "state folder; whoever reads it is the hub")
    .option("--listen <host:port>", "where its own NATS listens")
    .option(
      "--advertise <url>",
      "tls://host:port that members dial; repeatable (default: every address of this machine)",
      collect,
    )
    .option("--nats <url>", "a NATS server prepared with `trestle hub nats-config`; repeatable", collect)
    .option(
      "--mesh-pool <cidr>",
      "range for the addresses of gateways and nodes, first start only; repeatable",
      collect,
    )
    .option("--health-listen <host:port>", "serve /healthz and /readyz here")
    .action(async (flags: Readonly<Record<string, unknown>>) => {
      const { runDaemon } = await import("../daemon.ts");
      const { hubSettings } = await import("../../hub/settings.ts");
      await runDaemon(shell, hubSettings, flags, async ({ settings, log, findTool }) => {
        const { runHub } = await import("../../hub/hub.ts");
        await runHub(
          { settings, machine: machineAddresses(), natsServer: () => findTool("nats-server"), clock: shell.clock, log },
          shell.signal,
        );
      });
    })
    .addCommand(natsConfig(shell));
}

interface NatsConfigOptions {
  readonly state: string;
  readonly host?: readonly string[];
  readonly accountsFolder: string;
}

function natsConfig(shell: Shell): Command {
  return verb(
    "nats-config",
    "Print what a NATS server of your own needs to serve this hub: its operator and accounts. Put it beside listen, tls and jetstream in its configuration.",
    ["trestle hub nats-config --state /var/lib/trestle/hub --host nats.example > trestle.conf"],
  )
    .requiredOption("--state <folder>", "the hub's state folder; its identity is made if there is none yet")
    .option(
      "--host <name>",
      "name or address it is dialled by: writes its certificate into the state folder; repeatable",
      collect,
    )
    .option("--accounts-folder <folder>", "where that server shall keep the accounts", "/var/lib/nats/accounts")
    .action(async ({ state, host: hosts = [], accountsFolder }: NatsConfigOptions) => {
      const { printAccountsConfig } = await import("../../hub/nats-config.ts");
      shell.out(await printAccountsConfig({ state, hosts, accountsFolder, now: shell.clock.now() }));
    });
}

function machineAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, scopeid }) => !internal && !scopeid)
    .map(({ address }) => address);
}
