import { z } from "zod";
import type { Run } from "../../platform/run.ts";
import { ipJson } from "../ip.ts";
import { ROUTE_PROTOCOL } from "../marks.ts";
import type { Nexthop } from "../state.ts";

/** A nexthop of ours. `altered`: it carries something we never set (a weight, another type), so it shall be written anew. */
export type ObservedNexthop = Nexthop & { readonly altered?: true };

const NEXTHOPS = z.array(
  z.object({
    id: z.number(),
    dev: z.string().optional(),
    gateway: z.string().optional(),
    blackhole: z.unknown().optional(),
    type: z.string().optional(),
    flags: z.array(z.string()).default([]),
    group: z.array(z.object({ id: z.number(), weight: z.number().optional() })).optional(),
  }),
);
type Raw = z.infer<typeof NEXTHOPS>[number];

/** Nexthop objects with our protocol number. ip says no family, so that of IPv6 is asked for by itself. */
export async function observeNexthops(run: Run): Promise<ObservedNexthop[]> {
  const ours = ["nexthop", "show", "protocol", String(ROUTE_PROTOCOL)];
  const [all, overIPv6] = await Promise.all([ipJson(run, ours, NEXTHOPS), ipJson(run, ["-6", ...ours], NEXTHOPS)]);
  return typedNexthops(all, new Set(overIPv6.map((nexthop) => nexthop.id)));
}

function typedNexthops(all: readonly Raw[], overIPv6: ReadonlySet<number>): ObservedNexthop[] {
  return all.map((raw): ObservedNexthop => {
    if (raw.group !== undefined) {
      const altered = raw.group.some((member) => (member.weight ?? 1) !== 1) || (raw.type ?? "mpath") !== "mpath";
      return { id: raw.id, group: raw.group.map((member) => member.id), ...(altered && { altered }) };
    }
    const { id, dev: device = "", gateway: via } = raw;
    return {
      id,
      family: overIPv6.has(id) ? 6 : 4,
      device,
      ...(via !== undefined && { via }),
      ...(raw.flags.includes("onlink") && { onlink: true }),
      ...(raw.blackhole !== undefined && { altered: true }),
    };
  });
}
