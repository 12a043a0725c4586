import { eventually } from "../../platform/testing/eventually.ts";
import { applyFirewall } from "../firewall/apply.ts";
import { observeFirewall } from "../firewall/observe.ts";
import { planFirewall } from "../firewall/plan.ts";
import { rulesetOf } from "../firewall/ruleset.ts";
import type { Firewall } from "../state.ts";
import { firewall } from "./firewalls.ts";
import type { TestNode } from "./namespace.ts";
import { makeTestNode } from "./namespace.ts";
import { cable, forward, ping, tunnelCable } from "./traffic.ts";

/**
 * A gateway of cluster 1 between its LAN (which has a network that is not announced, too), a pod of its own, and cluster
 * 2 by a cable that is named like a tunnel. Ours are 10.1.0.0/16 and fd65:1::/48, theirs 10.2.0.0/16 and fd65:2::/48.
 */
export interface Crossing {
  readonly gateway: TestNode;
  readonly lan: TestNode;
  readonly pod: TestNode;
  readonly remote: TestNode;
  readonly remove: () => Promise<void>;
}

/** Addresses of each, first of the two families. */
export const AT = {
  mesh: ["10.1.255.1", "fd65:1::1"],
  gateway: ["10.1.0.1", "fd65:1:0:1::1"],
  lan: ["10.1.0.2", "fd65:1:0:1::2"],
  pod: ["10.1.9.2", "fd65:1:0:9::2"],
  remote: ["10.2.0.2", "fd65:2::2"],
  /** Not announced. */
  gatewayOutside: "192.168.50.1",
  lanOutside: "192.168.50.2",
} as const;

/** What the gateway lets through. */
export const CROSSING: Firewall = firewall({
  remotePrefixes: ["10.2.0.0/16", "fd65:2::/48"],
  announcedPrefixes: ["10.1.0.0/16", "fd65:1::/48"],
  clusterBlocks: ["10.1.9.0/24", "fd65:1:0:9::/64"],
  nodeHops: AT.lan,
  localAddresses: AT.mesh,
  nodeAddresses: AT.mesh,
  openPorts: [{ protocol: "tcp", port: 8080 }],
});

/** Makes the nodes, with all routes, and no firewall yet. */
export async function makeCrossing(): Promise<Crossing> {
  const [gateway, lan, pod, remote] = (await Promise.all(["gw", "lan", "pod", "remote"].map(makeTestNode))) as [
    TestNode,
    TestNode,
    TestNode,
    TestNode,
  ];
  await forward(gateway);
  const own = (device: string, ...addresses: string[]) => ({ node: gateway, device, addresses });
  const far = (node: TestNode, ...addresses: string[]) => ({ node, device: "eth0", addresses });
  await cable(
    own("eth0", "10.1.0.1/24", "192.168.50.1/24", "fd65:1:0:1::1/64"),
    far(lan, "10.1.0.2/24", "192.168.50.2/24", "fd65:1:0:1::2/64"),
  );
  await cable(own("tp0", "169.254.1.1/32", "fe80::1/64"), far(pod, "10.1.9.2/32", "fd65:1:0:9::2/128"));
  await tunnelCable(own("trs0-0", "10.2.0.1/24", "fd65:2::1/64"), far(remote, "10.2.0.2/24", "fd65:2::2/64"));
  await gateway.run("ip", ["route", "add", "10.1.9.2/32", "dev", "tp0"]);
  await gateway.run("ip", ["route", "add", "fd65:1:0:9::2/128", "dev", "tp0"]);
  for (const mesh of AT.mesh) {
    await gateway.run("ip", ["address", "add", mesh, "dev", "lo"]);
  }
  await defaultRoutes(pod, "169.254.1.1", "fe80::1");
  await defaultRoutes(lan, "10.1.0.1", "fd65:1:0:1::1");
  await defaultRoutes(remote, "10.2.0.1", "fd65:2::1");
  // Link-local addresses are checked for duplicates before they can be used (RFC 4862).
  await eventually(() => ping(lan, AT.gateway[1]));
  await eventually(() => ping(pod, AT.lan[1]));
  const remove = async () => {
    await Promise.all([gateway, lan, pod, remote].map((node) => node.remove()));
  };
  return { gateway, lan, pod, remote, remove };
}

export async function defaultRoutes(node: TestNode, via: string, via6: string): Promise<void> {
  await node.run("ip", ["route", "add", "default", "via", via, "dev", "eth0", "onlink"]);
  await node.run("ip", ["-6", "route", "add", "default", "via", via6, "dev", "eth0"]);
}

/** Makes a node's table that of `want`. */
export async function protect({ run }: TestNode, want: Firewall | undefined): Promise<void> {
  const outcomes = await applyFirewall(run, planFirewall(want && rulesetOf(want), await observeFirewall(run)));
  const failed = outcomes.find(({ error }) => error !== undefined);
  if (failed !== undefined) throw new Error(failed.error);
}
