import { z } from "zod";
import type { Run } from "../../platform/run.ts";
import { bridgeJson, ipJson } from "../ip.ts";
import type { ObservedEntry, Tables } from "./plan.ts";

const FDB = z.array(
  z.object({
    mac: z.string(),
    ifname: z.string(),
    dst: z.string().optional(),
    state: z.string().default(""),
    flags: z.array(z.string()).default([]),
    port: z.unknown().optional(),
    vni: z.unknown().optional(),
    src_vni: z.unknown().optional(),
    viaIf: z.unknown().optional(),
  }),
);
type RawFdb = z.infer<typeof FDB>[number];

const NEIGHBOURS = z.array(
  z.object({
    dst: z.string(),
    dev: z.string(),
    lladdr: z.string().optional(),
    state: z.array(z.string()).default([]),
    // Present and null where they hold.
    router: z.unknown().optional(),
    extern_learn: z.unknown().optional(),
    managed: z.unknown().optional(),
  }),
);
type RawNeighbour = z.infer<typeof NEIGHBOURS>[number];

/**
 * The fdb entries and neighbours of those VXLAN devices, by two processes however many they are. ip does not show
 * neighbours in state NOARP, which the kernel makes by itself where ARP is off.
 */
export async function observeTables(run: Run, devices: ReadonlySet<string>): Promise<Tables<ObservedEntry>> {
  const [fdb, neighbours] = await Promise.all([
    bridgeJson(run, ["fdb", "show"], FDB),
    ipJson(run, ["neigh", "show"], NEIGHBOURS),
  ]);
  return {
    // A bridge that holds the device has entries about it, too; `self` are the device's own (bridge(8)).
    fdb: fdb.filter(({ ifname, flags }) => devices.has(ifname) && flags.includes("self")).map(fdbEntry),
    neighbours: neighbours.filter(({ dev }) => devices.has(dev)).map(neighbourEntry),
  };
}

function fdbEntry({ mac, ifname: device, dst: endpoint, state, flags, ...detours }: RawFdb): ObservedEntry {
  const isPlain = state === "permanent" && flags.length === 1 && isEmpty(detours);
  return { device, key: mac, value: isPlain ? endpoint : undefined };
}

function neighbourEntry({ dst: key, dev: device, lladdr: mac, state, ...flags }: RawNeighbour): ObservedEntry {
  const isPlain = state.join() === "PERMANENT" && isEmpty(flags);
  return { device, key, value: isPlain ? mac : undefined };
}

function isEmpty(fields: Readonly<Record<string, unknown>>): boolean {
  return Object.values(fields).every((value) => value === undefined);
}
