import type { Place } from "../../../lab/place.ts";
import { familyOf } from "../../../mesh/cidr.ts";
import { eventually } from "../../../platform/testing/eventually.ts";
import { observeFirewall } from "../../../tunnel/firewall/observe.ts";
import type { ObservedFirewall } from "../../../tunnel/firewall/observe.ts";
import { DROPS } from "../../../tunnel/firewall/rules.ts";
import { orStop, startIn } from "./background.ts";

/** Packets that are sent to see what becomes of them, one by one. */
export const SHOTS = 5;

/** Seconds that an answer has. What has to be answered is waited for no longer than it takes. */
const WAITS = { hit: 30, silence: 3 } as const;

/** Sends {@link SHOTS} echo requests that are to be answered, from an address of that place where one is given. @returns how many were */
export function hit(from: Place, target: string, source?: string): Promise<number> {
  return send(from, WAITS.hit, target, source);
}

/** The same where nobody is to answer. */
export function shoot(from: Place, target: string, source?: string): Promise<number> {
  return send(from, WAITS.silence, target, source);
}

/** A ping each: of several, one that had an answer gives the last of them but a moment, whatever its -W. */
async function send({ run }: Place, waitS: number, target: string, source?: string): Promise<number> {
  const from = source === undefined ? [] : ["-I", source];
  const words = ["-n", "-c", "1", "-W", String(waitS), ...from, target];
  const each = 'count=$1; shift; while [ "$count" -gt 0 ]; do ping "$@" & count=$((count - 1)); done; wait';
  const said = await run("sh", ["-c", each, "sh", String(SHOTS), ...words], { limitMs: 2 * WAITS.hit * 1_000 });
  const sent = said.match(/^1 packets transmitted/gm)?.length;
  if (sent !== SHOTS) throw new Error(`ping ${words.join(" ")} sent ${sent} of ${SHOTS}: ${said}`);
  return said.match(/, 1 received/g)?.length ?? 0;
}

/** Gives a place one more address, on a device of its own choice, without asking whether somebody else has it. */
export async function takeAddress({ run }: Place, address: string, device: string): Promise<void> {
  const unasked = familyOf(address) === 6 ? ["nodad"] : [];
  await run("ip", ["address", "replace", hostPrefix(address), "dev", device, ...unasked]);
}

export async function dropAddress({ run }: Place, address: string, device: string): Promise<void> {
  await run("ip", ["address", "delete", hostPrefix(address), "dev", device]);
}

function hostPrefix(address: string): string {
  return `${address}/${familyOf(address) === 6 ? 128 : 32}`;
}

/** Packets that nodes dropped, by where in the rules. */
export type Drops = ObservedFirewall["drops"];

/**
 * Nodes, all of them together, drop what `wanted` says while `act` does something, and nothing for another reason. It may
 * be more: a sender's neighbour discovery has the source that its packets have.
 */
export async function expectDrops(
  nodes: readonly Place[],
  wanted: Partial<Drops>,
  act: () => Promise<void>,
): Promise<void> {
  const before = await dropsOf(nodes);
  await act();
  await eventually(async () => {
    const after = await dropsOf(nodes);
    const reasons = Object.keys(after) as (keyof Drops)[];
    const seen = new Map(reasons.map((each) => [each, after[each] - before[each]]));
    const isRight = reasons.every((each) =>
      wanted[each] ? (seen.get(each) ?? 0) >= wanted[each] : seen.get(each) === 0,
    );
    return isRight || { seen: [...seen], wanted };
  });
}

async function dropsOf(nodes: readonly Place[]): Promise<Drops> {
  const all = await Promise.all(nodes.map(async ({ run }) => (await observeFirewall(run))?.drops));
  const sum = (where: keyof Drops): number => all.reduce((total, drops) => total + (drops?.[where] ?? 0), 0);
  const reasons = Object.keys(DROPS) as (keyof Drops)[];
  return Object.fromEntries(reasons.map((where) => [where, sum(where)])) as Drops;
}

/** Packets of some kind that come to a place, or leave it. */
export interface Sightings {
  /** Ends it once so many were seen. @returns one line a packet, as tcpdump prints it */
  readonly stop: (atLeast: number) => Promise<string[]>;
}

/**
 * Watches all devices of a place. Of each packet the head (-s): of whole ones the kernel keeps but a few until tcpdump is
 * on its turn, those of the other direction among them.
 * @param direction seen from there
 * @param filter of pcap-filter(7)
 */
export async function watchPackets(at: Place, direction: "in" | "out", filter: string): Promise<Sightings> {
  const words = ["tcpdump", "-n", "-l", "-q", "--immediate-mode", "-s", "128", "-i", "any", "-Q", direction, filter];
  const dump = startIn(at, words);
  await orStop([dump], () => eventually(() => dump.err().includes("listening on") || dump.err()));
  const seen = (): string[] => dump.out().split("\n").filter(Boolean);
  return {
    stop: async (atLeast) => {
      await orStop([dump], () => eventually(() => seen().length >= atLeast || seen()));
      await dump.stop("SIGINT");
      return seen();
    },
  };
}
