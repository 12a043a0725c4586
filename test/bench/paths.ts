import { requireSite, firstGateway } from "../../lab/place.ts";
import type { Place } from "../../lab/place.ts";
import { wireGuardDevice } from "../../tunnel/marks.ts";
import { placeIn } from "./bench.ts";
import type { Bench, Way } from "./bench.ts";
import { HAND_MADE_DEVICE, makeTunnel, shapeOf } from "./hand-made.ts";
import type { TunnelShape } from "./hand-made.ts";
import { readSent } from "./sent.ts";
import type { Sent } from "./sent.ts";

/** What carries the same pods' packets between the same two gateways: Trestle's tunnel, one made by hand, none at all. */
export const VARIANTS = ["trestle", "hand-made", "bare"] as const;
export type Variant = (typeof VARIANTS)[number];

/** The device of the sending gateway that a variant's packets leave by. */
export const DEVICE_OF: Readonly<Record<Variant, string>> = {
  trestle: wireGuardDevice(0, 0),
  "hand-made": HAND_MADE_DEVICE,
  bare: "eth0",
};

export interface Paths extends AsyncDisposable {
  /** Of Trestle's tunnel, and so of the other. */
  readonly shape: TunnelShape;
  /** Sends the pods' packets by this variant from now on. */
  take(variant: Variant): Promise<void>;
  /** What the sending gateway has sent so far, by device. */
  sent(): Promise<Sent>;
}

/** Marks this benchmark's routes, so that undoing is deleting what carries it (rtnetlink(7): 4 to 255 are for programs). */
const PROTOCOL = 199;

interface End {
  readonly place: Place;
  readonly address: string;
  /** Its LAN's router. */
  readonly router: string;
  readonly siteRouter: Place;
  /** The site router's address on the WAN. */
  readonly uplink: string;
  readonly pods: readonly string[];
}

/**
 * Makes the hand-made tunnel and a way without any, beside Trestle's, for the pods of `ways`. Routes to a single pod on
 * the two gateways win over Trestle's to the whole cluster; the rest of the way is the same for all. Disposing takes all
 * of it away.
 */
export async function openPaths(bench: Bench, ways: readonly Way[]): Promise<Paths> {
  await using made = new AsyncDisposableStack();
  const east = endOf(
    bench,
    "east",
    ways.map(({ fromAddress }) => fromAddress),
  );
  const west = endOf(
    bench,
    "west",
    ways.map(({ toAddress }) => toAddress),
  );
  const shape = await shapeOf(east.place, DEVICE_OF.trestle);
  await makeTunnel([east, west], shape, (undo) => made.defer(undo));
  const wan = placeIn(bench, "wan");
  for (const place of [wan, east.siteRouter, west.siteRouter]) made.defer(() => flush(place));
  await write(wan, [...hostRoutes(east.pods, `via ${east.uplink}`), ...hostRoutes(west.pods, `via ${west.uplink}`)]);
  for (const { siteRouter, address, pods } of [east, west]) await write(siteRouter, hostRoutes(pods, `via ${address}`));
  for (const { place } of [east, west]) made.defer(() => flush(place));
  const undo = made.move();
  return {
    shape,
    take: async (variant) => {
      // What TCP learned of one path to a pod would be the start of the next, see ip-tcp_metrics(8).
      for (const { from, to } of ways) {
        for (const pod of [from, to]) await placeIn(bench, pod).run("ip", ["tcp_metrics", "flush", "all"]);
      }
      for (const [own, other] of [
        [east, west],
        [west, east],
      ] as const) {
        await flush(own.place);
        await write(own.place, routesOf(variant, own.router, other.pods));
      }
    },
    sent: () => readSent(east.place),
    [Symbol.asyncDispose]: () => undo.disposeAsync(),
  };
}

function endOf(bench: Bench, cluster: string, pods: readonly string[]): End {
  const site = requireSite(bench.layout, cluster);
  const { name, attachments } = firstGateway(site);
  const [lan] = attachments;
  const [uplink] = site.uplink;
  if (lan === undefined || uplink === undefined) throw new Error(`${cluster} of lab.yaml has no IPv4 LAN`);
  const place = placeIn(bench, `${cluster}/${name}`);
  const siteRouter = placeIn(bench, `${cluster}/router`);
  return { place, address: lan.address, router: lan.router, siteRouter, uplink: uplink.address, pods };
}

/** Trestle's own routes are there all the time: its variant is the absence of others. */
function routesOf(variant: Variant, router: string, pods: readonly string[]): string[] {
  switch (variant) {
    case "trestle":
      return [];
    case "hand-made":
      return hostRoutes(pods, `dev ${HAND_MADE_DEVICE}`);
    case "bare":
      return hostRoutes(pods, `via ${router}`);
  }
}

function hostRoutes(pods: readonly string[], target: string): string[] {
  return pods.map((pod) => `route add ${pod}/32 ${target} proto ${PROTOCOL}`);
}

async function write({ run }: Place, lines: readonly string[]): Promise<void> {
  await run("ip", ["-batch", "-"], { stdin: lines.join("\n") });
}

async function flush({ run }: Place): Promise<void> {
  await run("ip", ["route", "flush", "table", "main", "proto", String(PROTOCOL)]);
}
