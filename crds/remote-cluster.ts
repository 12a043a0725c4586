import { z } from "zod";
import type { RemoteCluster, RemoteClusterSpec, RemoteClusterStatus } from "../mesh/resources.ts";
import { remoteClusterRefusals } from "../mesh/validation-member.ts";
import type { KindDefinition } from "./kind.ts";
import { defineKind } from "./kind.ts";
import { cidrs, tunnelKind } from "./metadata.ts";
import { revision } from "./wire/report.ts";
import { gatewayRecord } from "./wire/view.ts";

const spec = z.object({
  number: z.int(),
  prefixes: cidrs,
  meshPrefixes: cidrs,
  gateways: z.array(gatewayRecord).default([]),
  tunnel: tunnelKind.default("WireGuard"),
  mtu: z.int().optional(),
  revision,
}) satisfies z.ZodType<RemoteClusterSpec>;

const status = z.object({
  state: z.enum(["Up", "Degraded", "Doubtful", "Unreachable", "Pending"]).default("Pending"),
}) satisfies z.ZodType<RemoteClusterStatus>;

/** One a linked cluster, named like it; written by the member controller. */
export const remoteClusterKind: KindDefinition<RemoteCluster> = defineKind({
  kind: "RemoteCluster",
  plural: "remoteclusters",
  spec,
  status,
  refusals: remoteClusterRefusals,
});
