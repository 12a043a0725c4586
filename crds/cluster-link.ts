import { z } from "zod";
import { linkConflict } from "../mesh/links.ts";
import type { ClusterLink, ClusterLinkSpec, ClusterLinkStatus, ClusterSelection } from "../mesh/resources.ts";
import { clusterLinkRefusals } from "../mesh/validation-hub.ts";
import { clusterKind } from "./cluster.ts";
import type { KindDefinition } from "./kind.ts";
import { defineKind } from "./kind.ts";
import { conditions, tunnelKind } from "./metadata.ts";
import { pairStatus } from "./wire/report.ts";

const selection = z.object({
  names: z.array(z.string()).optional(),
  matchLabels: z.record(z.string(), z.string()).optional(),
}) satisfies z.ZodType<ClusterSelection>;

const spec = z.object({
  members: selection.optional(),
  from: selection.optional(),
  to: selection.optional(),
  tunnel: tunnelKind.default("WireGuard"),
  mtu: z.int().optional(),
}) satisfies z.ZodType<ClusterLinkSpec>;

const count = z.int().default(0);

const status = z.object({
  pairs: z
    .object({ Up: count, Degraded: count, Doubtful: count, Unreachable: count, Pending: count })
    .default({ Up: 0, Degraded: 0, Doubtful: 0, Unreachable: 0, Pending: 0 }),
  worst: z.array(pairStatus).default([]),
  conditions,
}) satisfies z.ZodType<ClusterLinkStatus>;

/** A second link over one pair is refused; one to a cluster that has yet to join is not. */
export const clusterLinkKind: KindDefinition<ClusterLink> = defineKind({
  kind: "ClusterLink",
  plural: "clusterlinks",
  spec,
  status,
  refusals: clusterLinkRefusals,
  async among(link, _, peers) {
    const [links, clusters] = await Promise.all([peers.list(clusterLinkKind), peers.list(clusterKind)]);
    return linkConflict(link, links, clusters);
  },
});
