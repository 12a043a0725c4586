import { z } from "zod";
import { firstGateway, requireSite } from "../../lab/place.ts";
import type { Place } from "../../lab/place.ts";
import { stateOf } from "../../lab/state.ts";
import type { TunnelKind } from "../../mesh/resources.ts";
import { MESH_VXLAN, wireGuardDevice } from "../../tunnel/marks.ts";
import { placeIn } from "./bench.ts";
import type { Bench, Way } from "./bench.ts";
import { HAND_MADE_DEVICE, makeTunnel, shapeOf } from "./hand-made.ts";
import type { TunnelShape } from "./hand-made.ts";
import { readSent } from "./sent.ts";
import type { Sent } from "./sent.ts";
import { planSideWays, SIDE_PROTOCOL, SIDE_RANGE, sideAddress, sideRange } from "./side-ways.ts";
import type { Machine, SideEnd, SidePod } from "./side-ways.ts";

/** What carries the same pods' packets between the same two gateways: Trestle's tunnel, one made by hand, none at all. */
export const VARIANTS = ["trestle", "hand-made", "bare"] as const;
export type Variant = (typeof VARIANTS)[number];

/** Trestle's device of each kind, on a cluster's only gateway towards another's. */
export const TRESTLE_DEVICE: Readonly<Record<TunnelKind, string>> = {
  WireGuard: wireGuardDevice(0, 0),
  VXLAN: MESH_VXLAN[4],
};

/** The device of the sending gateway that a variant's packets leave by. */
export function devicesOf(kind: TunnelKind): Readonly<Record<Variant, string>> {
  return { trestle: TRESTLE_DEVICE[kind], "hand-made": HAND_MADE_DEVICE, bare: "eth0" };
}

export interface Paths extends AsyncDisposable {
  /** Of Trestle's tunnel, and so of the other. */
  readonly shape: TunnelShape;
  /** The same pods by each variant: another address of the far one. */
  by(variant: Variant, way: Way): Way;
  /** What the sending gateway has sent so far, by device. */
  sent(): Promise<Sent>;
}

/** On every node: what is between Trestle's prefixes is not tracked, and so this is not, either. */
const TABLE = "inet bench";
const UNTRACKED = `add table ${TABLE}; add chain ${TABLE} raw { type filter hook prerouting priority raw; }; add rule ${TABLE} raw ip daddr ${SIDE_RANGE} notrack`;

/**
 * Gives the pods of `ways` two addresses more, and makes beside Trestle's tunnel a hand-made one of the same kind for
 * the ones and a way without any for the others, through the same machines. Disposing takes all of it away.
 */
export async function openPaths(bench: Bench, kind: TunnelKind, ways: readonly Way[]): Promise<Paths> {
  await using made = new AsyncDisposableStack();
  const [near, far] = [ways.map(({ from }) => from), ways.map(({ to }) => to)];
  const [east, west] = [await endOf(bench, "east", near), await endOf(bench, "west", far)];
  const ends = [east, west] as const;
  const gateway = placeIn(bench, east.gateway.place);
  const shape = await shapeOf(gateway, TRESTLE_DEVICE[kind]);
  const tunnelEnd = ({ gateway: { place, address } }: SideEnd, cluster: number) => {
    return { place: placeIn(bench, place), address, range: sideRange("hand-made", cluster) };
  };
  const targets = await makeTunnel([tunnelEnd(east, 0), tunnelEnd(west, 1)], shape, (undo) => made.defer(undo));
  const nodes = ends.flatMap(({ gateway: own, pods }) => [own.place, ...pods.map(({ node }) => node.place)]);
  for (const node of new Set(nodes)) {
    const { run } = placeIn(bench, node);
    await run("nft", [UNTRACKED]);
    made.defer(async () => void (await run("nft", [`delete table ${TABLE}`])));
  }
  for (const [name, lines] of planSideWays(ends, targets)) {
    const { run } = placeIn(bench, name);
    made.defer(() => undoIn(run));
    await run("ip", ["-batch", "-"], { stdin: lines.join("\n") });
  }
  const undo = made.move();
  return {
    shape,
    by: (variant, way) =>
      variant === "trestle" ? way : { ...way, toAddress: sideAddress(variant, 1, far.indexOf(way.to)) },
    sent: () => readSent(gateway),
    [Symbol.asyncDispose]: () => undo.disposeAsync(),
  };
}

async function undoIn(run: Place["run"]): Promise<void> {
  await run("ip", ["route", "flush", "table", "main", "proto", String(SIDE_PROTOCOL)]);
  await run("ip", ["address", "flush", "to", SIDE_RANGE]);
}

async function endOf(bench: Bench, cluster: "east" | "west", pods: readonly string[]): Promise<SideEnd> {
  const site = requireSite(bench.layout, cluster);
  const [uplink] = site.uplink;
  const machineOf = (name: string): Machine & { readonly router: string } => {
    const [lan] = site.nodes.find((node) => node.name === name)?.attachments ?? [];
    if (lan === undefined) throw new Error(`${cluster}/${name} of lab.yaml has no IPv4 LAN`);
    return { place: `${cluster}/${name}`, address: lan.address, router: lan.router };
  };
  const gateway = machineOf(firstGateway(site).name);
  if (uplink === undefined) throw new Error(`${cluster} of lab.yaml has no IPv4 uplink`);
  const siteRouter = { place: `${cluster}/router`, lanAddress: gateway.router, wanAddress: uplink.address };
  const wires = pods.map(async (place): Promise<SidePod> => {
    const pod = stateOf(bench.lab).pods.find((each) => `${each.cluster}/${each.name}` === place);
    const [address] = pod?.addresses ?? [];
    if (pod === undefined || address === undefined) throw new Error(`lab.yaml has no pod ${place}`);
    const node = machineOf(pod.node);
    return { place, node, device: await deviceTo(placeIn(bench, node.place), address) };
  });
  return { gateway, siteRouter, pods: await Promise.all(wires) };
}

const routes = z.array(z.object({ dev: z.string() }));

/** The device that a place sends packets for an address to; an unreachable one is nowhere. */
export async function deviceTo({ run }: Place, address: string): Promise<string> {
  const said = await run("ip", ["-j", "route", "get", address]).catch(() => "[]");
  return routes.parse(JSON.parse(said))[0]?.dev ?? "nowhere";
}
