import { z } from "zod";
import { EMPTY_LEDGER, rangesRefusal } from "../mesh/ledger.ts";
import { SINGLETON_NAME } from "../mesh/names.ts";
import type { Cluster, ClusterSpec, ClusterStatus } from "../mesh/resources.ts";
import { clusterRefusals } from "../mesh/validation-hub.ts";
import type { KindDefinition } from "./kind.ts";
import { defineKind } from "./kind.ts";
import { ledgerKind } from "./ledger.ts";
import { cidrs, conditions } from "./metadata.ts";
import { revision } from "./wire/report.ts";
import { gatewayRecord } from "./wire/view.ts";

const spec = z.object({
  podCIDRs: cidrs,
  allowedCIDRs: cidrs,
  localCIDRs: cidrs,
  paused: z.boolean().default(false),
}) satisfies z.ZodType<ClusterSpec>;

const status = z.object({
  number: z.int().optional(),
  podCIDRs: cidrs,
  meshPrefixes: cidrs,
  gateways: z.array(gatewayRecord).default([]),
  identity: z.object({ userKey: z.string(), signingKey: z.string(), tokenID: z.string() }).optional(),
  revision: z.object({ desired: revision.optional(), applied: revision.optional() }).default({}),
  lastSeen: z.string().optional(),
  conditions,
}) satisfies z.ZodType<ClusterStatus>;

/** What it names may overlap nothing of another cluster. */
export const clusterKind: KindDefinition<Cluster> = defineKind({
  kind: "Cluster",
  plural: "clusters",
  spec,
  status,
  refusals: clusterRefusals,
  async among(cluster, _, peers) {
    const ledger = await peers.get(ledgerKind, SINGLETON_NAME);
    return rangesRefusal(ledger?.spec ?? EMPTY_LEDGER, cluster.metadata.name, cluster.spec);
  },
});
