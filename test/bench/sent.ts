import { z } from "zod";
import type { Place } from "../../lab/place.ts";

/** Bytes that left by each device. */
export type Sent = ReadonlyMap<string, number>;

const links = z.array(z.object({ ifname: z.string(), stats64: z.object({ tx: z.object({ bytes: z.number() }) }) }));

/** Reads the counters of a place's devices. */
export async function readSent({ run }: Place): Promise<Sent> {
  const shown = links.parse(JSON.parse(await run("ip", ["-j", "-s", "link", "show"])));
  return new Map(shown.map(({ ifname, stats64 }) => [ifname, stats64.tx.bytes]));
}

/**
 * Whether what was sent left by `device` and not by another of `devices`: what is wrong with it, or nothing. A tunnel
 * that isn't used has its own small talk, so half of the payload is the line. Pure.
 * @param payload bytes, without headers
 * @param outer the device that carries the tunnels' own packets too, so that it says nothing of a tunnel's not being used
 */
export function misled(
  [before, after]: readonly [Sent, Sent],
  payload: number,
  { device, devices, outer }: { readonly device: string; readonly devices: readonly string[]; readonly outer: string },
): string | undefined {
  const moved = (name: string): number => (after.get(name) ?? 0) - (before.get(name) ?? 0);
  const told = (name: string): string => `${moved(name)} bytes left by ${name}`;
  const strays = devices.filter((name) => name !== device && name !== outer && moved(name) > payload / 2);
  const faults = [...(moved(device) < payload ? [told(device)] : []), ...strays.map(told)];
  return faults.length === 0 ? undefined : `of ${payload} bytes meant for ${device}, ${faults.join(", ")}`;
}
