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
      "trestle agent … --roles gateway,node --endpoint gw.example.org      dialled by name, wherever that is",
      "trestle agent … --roles gateway,node --behind-nat                   dials others and is not dialled",
      "trestle agent … --behind-nat --endpoint 192.0.2.7                   a router forwards the WireGuard ports of 192.0.2.7",
    ],
  )
    .option("--cluster <name>", "cluster this machine belongs to")
    .option("--node <name>", "name of this machine in its cluster")
    .option("--roles <roles>", "gateway, node: what it does here (default: node)", collect)
    .option("--state <folder>", "state folder of this agent")
    .option("--lan-device <name>", "interface to the other nodes (default: the one of the default route)")
    .option(
      "--endpoint <address|name>",
      "where other clusters' gateways dial this one, an IP address or a DNS name without port; names are looked up again all the time, so the address may change; repeatable, the preferred one first (default: the LAN's addresses)",
      collect,
    )
    .option(
      "--behind-nat",
      "a NAT is between this gateway and the others: it dials them, and they dial it only where --endpoint names an address whose WireGuard ports are forwarded here. Links by VXLAN can't pass, and of two gateways one must be dialled",
    )
    .option(
      "--open-port <protocol/port>",
      "port of this node that linked clusters may reach, e.g. tcp/9100; repeatable",
      collect,
    )
    .option(
      "--label <key=value>",
      "label of this machine's Node, which Networks and Subnets select nodes by; repeatable. Labels that others wrote stay",
      collect,
    )
    .option(
      "--cni-socket <path>",
      "give this machine's pods their networks: the unix socket at which the plugin trestle-cni asks, usually /run/trestle/cni.sock; the configuration that --cni-conf-dir is for tells it of another (default: pods are another CNI's)",
    )
    .option(
      "--cni-conf-dir <folder>",
      "write the network configuration that tells the container runtime of the plugin into this folder, usually /etc/cni/net.d, once pods can be given networks",
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
