import type { Command } from "commander";
import { collect, verb } from "../command.ts";
import { globalsOf } from "../globals.ts";
import type { Shell } from "../shell.ts";

/** `trestle agent`: the process of one node. */
export function agentCommand(shell: Shell): Command {
  return verb(
    "agent",
    "Run the agent of one node: it keeps this machine's tunnels, routes and rules as the mesh wants them. Stop it and traffic goes on.",
    [
      "trestle agent --cluster east --node a --roles gateway,node --store /etc/trestle/store.yaml --state /var/lib/trestle/agent",
      "trestle agent --cluster east --node b --store /etc/trestle/store.yaml --state /var/lib/trestle/agent",
    ],
  )
    .option("--cluster <name>", "cluster this machine belongs to")
    .option("--node <name>", "name of this machine in its cluster")
    .option("--roles <roles>", "gateway, node: what it does here (default: node)", collect)
    .option("--state <folder>", "state folder of this agent")
    .option("--lan-device <name>", "interface to the other nodes (default: the one of the default route)")
    .option(
      "--endpoint <address>",
      "address that other clusters' gateways dial; repeatable (default: the LAN's)",
      collect,
    )
    .option("--behind-nat", "this gateway can't be dialled by others; it dials them (WireGuard only)")
    .option(
      "--open-port <protocol/port>",
      "port of this node that linked clusters may reach, e.g. tcp/9100; repeatable",
      collect,
    )
    .option("--wireguard-port <port>", "first of the UDP ports WireGuard listens on (default: 51820)")
    .option("--health-listen <host:port>", "serve /healthz and /readyz here")
    .action(async (flags: Readonly<Record<string, unknown>>, command: Command) => {
      const { runDaemon } = await import("../daemon.ts");
      const { agentSettings } = await import("../../member-agent/settings.ts");
      const { runAgentProcess } = await import("../agent-process.ts");
      await runDaemon(shell, agentSettings, { ...flags, store: globalsOf(command).store }, (parts) =>
        runAgentProcess(shell, parts),
      );
    });
}
