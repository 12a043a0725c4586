import type { Run } from "../platform/run.ts";
import { observeAddresses } from "./addresses/addresses.ts";
import { observeFirewall } from "./firewall/observe.ts";
import type { ObservedFirewall } from "./firewall/observe.ts";
import type { Link } from "./links/observe.ts";
import { observeLinks } from "./links/observe.ts";
import { isOurs } from "./links/plan.ts";
import { MESH_DEVICE } from "./marks.ts";
import type { ObservedNexthop } from "./nexthops/observe.ts";
import { observeNexthops } from "./nexthops/observe.ts";
import { messageOf } from "../platform/errors.ts";
import type { ObservedRoute } from "./routes/observe.ts";
import { observeRoutes } from "./routes/observe.ts";
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

export interface ObservedTunnel {
  readonly link: Link;
  /** Public key, port and peers with their handshakes and counters, or why they can't be known. */
  readonly wireGuard: Omit<ObservedWireGuard, "privateKey"> | { readonly error: string };
}

/** @throws MeshError when a kind can't be observed at all */
export async function observeDataPath({ run }: { readonly run: Run }): Promise<ObservedDataPath> {
  const links = (await observeLinks(run)).filter(isOurs);
  const hasMeshDevice = links.some((link) => link.name === MESH_DEVICE);
  const [tunnels, meshAddresses, nexthops, routes, firewall] = await Promise.all([
    Promise.all(links.filter((link) => link.name !== MESH_DEVICE).map((link) => observeTunnel(run, link))),
    hasMeshDevice ? observeAddresses(run) : [],
    observeNexthops(run),
    observeRoutes(run),
    observeFirewall(run),
  ]);
  return { tunnels, meshAddresses, nexthops, routes, drops: firewall?.drops };
}

/** Our tunnel devices alone: cheap enough to be asked every second or two. */
export async function observeTunnels(run: Run): Promise<ObservedTunnel[]> {
  const links = (await observeLinks(run)).filter((link) => isOurs(link) && link.name !== MESH_DEVICE);
  return Promise.all(links.map((link) => observeTunnel(run, link)));
}

async function observeTunnel(run: Run, link: Link): Promise<ObservedTunnel> {
  try {
    const { privateKey: _secret, ...wireGuard } = await observeWireGuard(run, link.name);
    return { link, wireGuard };
  } catch (error) {
    return { link, wireGuard: { error: messageOf(error) } };
  }
}
