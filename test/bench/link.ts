import { z } from "zod";
import { askHub } from "../../lab/trestle.ts";
import type { TunnelKind } from "../../mesh/resources.ts";
import { waysOf } from "./bench.ts";
import type { Bench } from "./bench.ts";
import { awaitRest, deedsOf } from "./journal.ts";
import { watchReach } from "./reach.ts";
import type { Reach } from "./reach.ts";

const LINK = "bench";

const GATEWAYS = ["agent:east/a", "agent:west/a"];
const DAEMONS = ["hub", ...GATEWAYS, "agent:east/b", "agent:west/b"];

/** One link made and deleted again. Milliseconds; from the start of the command's process unless told otherwise. */
export interface LinkRound {
  readonly create: {
    /** The hub's store was given the link. */
    readonly written: number;
    readonly returned: number;
    /** The later of both gateways believed the view that has the link. */
    readonly believed: number;
    /** The later of both gateways' kernels held it. */
    readonly held: number;
    /** First datagram that came back, by way. */
    readonly reached: Readonly<Record<string, number>>;
  };
  readonly delete: {
    readonly returned: number;
    /** Last datagram that came back, by way. */
    readonly lastReached: Readonly<Record<string, number>>;
  };
}

const made = z.object({ metadata: z.object({ creationTimestamp: z.iso.datetime() }) });

/** Makes the link and leaves it, by the ordinary command. */
export async function createLink({ lab, layout, signal }: Bench): Promise<string> {
  return askHub(lab, layout, ["link", "create", LINK, "--members", "east,west", "--output", "json"], signal);
}

/** Makes its packets travel by another kind of tunnel; each end goes over to it when it is proven. */
export async function changeLink({ lab, layout, signal }: Bench, kind: TunnelKind): Promise<void> {
  await askHub(lab, layout, ["link", "change", LINK, "--tunnel", kind.toLowerCase()], signal);
}

/** Takes the link away. */
async function deleteLink({ lab, layout, signal }: Bench): Promise<void> {
  await askHub(lab, layout, ["link", "delete", LINK], signal);
}

/** Makes and deletes the only link of two clusters, over and over, and sees when their pods reach each other. */
export async function timeLinks(bench: Bench, rounds: number): Promise<LinkRound[]> {
  using probes = new DisposableStack();
  const reaches: Reach[] = [];
  for (const way of waysOf(bench)) reaches.push(probes.use(await watchReach(bench, way)));
  await bench.progress.step("warm-up", () => timeLink(bench, reaches));
  const timed: LinkRound[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    timed.push(await bench.progress.step(`link ${round} of ${rounds}`, () => timeLink(bench, reaches)));
  }
  return timed;
}

async function timeLink(bench: Bench, reaches: readonly Reach[]): Promise<LinkRound> {
  await awaitRest(bench, DAEMONS);
  const create = await timeCreate(bench, reaches);
  await awaitRest(bench, DAEMONS);
  return { create, delete: await timeDelete(bench, reaches) };
}

async function timeCreate(bench: Bench, reaches: readonly Reach[]): Promise<LinkRound["create"]> {
  const { clock } = bench.lab;
  const start = clock.now();
  const said = await createLink(bench);
  const returned = clock.now();
  const reached = await byWay(reaches, start, (reach) => reach.up(start));
  await awaitRest(bench, DAEMONS);
  const believed = GATEWAYS.map((gateway) => firstOf(bench, gateway, "view-accepted", start));
  const held = GATEWAYS.map((gateway, at) => firstOf(bench, gateway, "synced", believed[at] ?? start));
  return {
    written: Date.parse(made.parse(JSON.parse(said)).metadata.creationTimestamp) - start,
    returned: returned - start,
    believed: Math.max(...believed) - start,
    held: Math.max(...held) - start,
    reached,
  };
}

async function timeDelete(bench: Bench, reaches: readonly Reach[]): Promise<LinkRound["delete"]> {
  const { clock } = bench.lab;
  const start = clock.now();
  await deleteLink(bench);
  const returned = clock.now();
  return { returned: returned - start, lastReached: await byWay(reaches, start, (reach) => reach.down(start)) };
}

async function byWay(
  reaches: readonly Reach[],
  start: number,
  when: (reach: Reach) => Promise<number>,
): Promise<Readonly<Record<string, number>>> {
  const times = await Promise.all(
    reaches.map(async (reach) => [reach.way.title, (await when(reach)) - start] as const),
  );
  return Object.fromEntries(times);
}

function firstOf(bench: Bench, daemon: string, event: string, since: number): number {
  const found = deedsOf(bench, daemon, since).find((deed) => deed.event === event);
  if (found === undefined) throw new Error(`${daemon} did not say ${event} though its pods are in reach`);
  return found.at;
}
