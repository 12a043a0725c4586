import { z } from "zod";
import { hostCidr } from "../../mesh/cidr.ts";
import type { Family } from "../../mesh/resources.ts";
import type { Run } from "../../platform/run.ts";
import { ipJson } from "../ip.ts";
import { ROUTE_PROTOCOL } from "../marks.ts";
import type { Route, RouteTarget } from "../state.ts";

/** A route of ours as it is. Without target: it leads nowhere that we would write (a weight, another type). */
export type ObservedRoute = Omit<Route, "target"> & { readonly target?: RouteTarget | undefined };

const HOP = z.object({
  gateway: z.string().optional(),
  dev: z.string().optional(),
  weight: z.number().optional(),
  flags: z.array(z.string()).default([]),
});
const ROUTES = z.array(
  z.object({
    type: z.string().default("unicast"),
    dst: z.string(),
    nhid: z.number().optional(),
    gateway: z.string().optional(),
    dev: z.string().optional(),
    flags: z.array(z.string()).default([]),
    prefsrc: z.string().optional(),
    metric: z.number().optional(),
    metrics: z.array(z.object({ mtu: z.number().optional() })).default([]),
    nexthops: z.array(HOP).optional(),
  }),
);
type RawRoute = z.infer<typeof ROUTES>[number];

/** Routes of the main table with our protocol number, of both families. */
export async function observeRoutes(run: Run): Promise<ObservedRoute[]> {
  const ours = ["route", "show", "table", "main", "proto", String(ROUTE_PROTOCOL)];
  const [four, six] = await Promise.all([ipJson(run, ["-4", ...ours], ROUTES), ipJson(run, ["-6", ...ours], ROUTES)]);
  return [...four.map((route) => typedRoute(route, 4)), ...six.map((route) => typedRoute(route, 6))];
}

function typedRoute(raw: RawRoute, family: Family): ObservedRoute {
  return {
    prefix: prefixOf(raw.dst, family),
    target: targetOf(raw),
    src: raw.prefsrc,
    metric: raw.metric,
    mtu: raw.metrics.find((metrics) => metrics.mtu !== undefined)?.mtu,
  };
}

/** ip leaves the length of host routes away, and has a word for the widest prefix. */
function prefixOf(dst: string, family: Family): string {
  if (dst === "default") {
    return family === 4 ? "0.0.0.0/0" : "::/0";
  }
  return dst.includes("/") ? dst : hostCidr(dst);
}

function targetOf(raw: RawRoute): RouteTarget | undefined {
  if (raw.type !== "unicast") {
    return raw.type === "unreachable" ? { kind: "unreachable" } : undefined;
  }
  if (raw.nhid !== undefined) {
    return { kind: "nexthop", id: raw.nhid };
  }
  const hops = (raw.nexthops ?? [raw]).map(({ gateway: via, dev: device, flags }) =>
    via === undefined || device === undefined
      ? undefined
      : { via, device, ...(flags.includes("onlink") && { onlink: true }) },
  );
  if (hops.every((hop) => hop !== undefined)) {
    const plain = (raw.nexthops ?? []).every((hop) => (hop.weight ?? 1) === 1);
    return plain ? { kind: "multipath", hops } : undefined;
  }
  return raw.dev === undefined ? undefined : { kind: "device", device: raw.dev };
}
