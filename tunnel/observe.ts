import type { Run } from "../platform/run.ts";
import { observeAddresses } from "./addresses/addresses.ts";
import { observeFirewall } from "./firewall/observe.ts";
import type { ObservedFirewall } from "./firewall/observe.ts";
import type { Link } from "./links/observe.ts";
import { observeLinks } from "./links/observe.ts";
import { TUNNEL_NAME, isOurs } from "./links/plan.ts";
import { MESH_DEVICE } from "./marks.ts";
import type { ObservedNexthop } from "./nexthops/observe.ts";
import { observeNexthops } from "./nexthops/observe.ts";
import { messageOf } from "../platform/errors.ts";
import type { ObservedRoute } from "./routes/observe.ts";
import { observeRoutes } from "./routes/observe.ts";
import type { VxlanPeer } from "./state.ts";
import { observeTables } from "./vxlan/observe.ts";
import { peersOf } from "./vxlan/peers.ts";
import type { ObservedWireGuard } from "./wireguard/dump.ts";
import { observeWireGuard } from "./wireguard/observe.ts";

/** All that the kernel holds of ours, for status and trace. It has no secrets in it. */
export interface ObservedDataPath {
  readonly tunnels: readonly ObservedTunnel[];
  readonly meshAddresses: readonly string[];
  readonly nexthops: readonly ObservedNexthop[];
  readonly routes: readonly ObservedRoute[];
  /** Packets dropped at the firewall, by where; absent: no table of ours. */
  readonly drops?: ObservedFirewall["drops"] | undefined;
}

export type ObservedTunnel =
  | {
      readonly kind: "WireGuard";
      readonly link: Link;
      /** Public key, port and peers with their handshakes and counters, or why they can't be known. */
      readonly wireGuard: Omit<ObservedWireGuard, "privateKey"> | { readonly error: string };
    }
  | {
      readonly kind: "VXLAN";
      readonly link: Link;
      /** Whom packets go to, or why that can't be known. */
      readonly vxlan: { readonly peers: readonly VxlanPeer[] } | { readonly error: string };
    };

/** @throws MeshError when a kind can't be observed at all */
export async function observeDataPath({ run }: { readonly run: Run }): Promise<ObservedDataPath> {
  const links = (await observeLinks(run)).filter(isOurs);
  const hasMeshDevice = links.some((link) => link.name === MESH_DEVICE);
  const [tunnels, meshAddresses, nexthops, routes, firewall] = await Promise.all([
    tunnelsOf(run, links),
    hasMeshDevice ? observeAddresses(run) : [],
    observeNexthops(run),
    observeRoutes(run),
    observeFirewall(run),
  ]);
  return { tunnels, meshAddresses, nexthops, routes, drops: firewall?.drops };
}

/** What is cheap enough to be asked every second: which devices there are, and what WireGuard's count. */
export async function sampleTunnels(run: Run): Promise<{
  readonly devices: ReadonlySet<string>;
  /** Without those that don't answer. */
  readonly wireGuard: readonly ObservedWireGuard[];
}> {
  // proc_pid_net(5): two lines of titles, then "  eth0: 12345 …".
  const table = await run("cat", ["/proc/net/dev"]);
  const devices = table.split("\n").flatMap((line) => /^\s*(trs\S+):/.exec(line)?.[1] ?? []);
  const sampled = devices.filter((name) => TUNNEL_NAME.test(name)).map((name) => observeWireGuard(run, name));
  const answers = await Promise.allSettled(sampled);
  const wireGuard = answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value] : []));
  return { devices: new Set(devices), wireGuard };
}

async function tunnelsOf(run: Run, links: readonly Link[]): Promise<ObservedTunnel[]> {
  const [vxlan, others] = [links.filter(isVxlan), links.filter((link) => !isVxlan(link) && link.name !== MESH_DEVICE)];
  const observed = await Promise.all([
    ...others.map((link) => observeWireGuardTunnel(run, link)),
    observeVxlanTunnels(run, vxlan),
  ]);
  return observed.flat();
}

function isVxlan({ kind }: Link): boolean {
  return kind === "vxlan";
}

async function observeWireGuardTunnel(run: Run, link: Link): Promise<ObservedTunnel> {
  try {
    const { privateKey: _secret, ...wireGuard } = await observeWireGuard(run, link.name);
    return { kind: "WireGuard", link, wireGuard };
  } catch (error) {
    return { kind: "WireGuard", link, wireGuard: { error: messageOf(error) } };
  }
}

/** All at once: two processes tell the entries of every device. */
async function observeVxlanTunnels(run: Run, links: readonly Link[]): Promise<ObservedTunnel[]> {
  if (links.length === 0) {
    return [];
  }
  try {
    const tables = await observeTables(run, new Set(links.map(({ name }) => name)));
    return links.map((link) => ({ kind: "VXLAN", link, vxlan: { peers: peersOf(link.name, tables) } }));
  } catch (error) {
    return links.map((link) => ({ kind: "VXLAN", link, vxlan: { error: messageOf(error) } }));
  }
}
