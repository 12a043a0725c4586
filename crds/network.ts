import { z } from "zod";
import { networkAmong } from "../mesh/ipam/among.ts";
import { networkRefusals } from "../mesh/ipam/checks.ts";
import type { AddressCounts, Network, NetworkSpec, NetworkStatus } from "../mesh/ipam/resources.ts";
import type { KindDefinition } from "./kind.ts";
import { defineKind } from "./kind.ts";
import { conditions, nodeSelector } from "./metadata.ts";

const counts = z.object({
  total: z.int(),
  used: z.int(),
  available: z.int(),
}) satisfies z.ZodType<AddressCounts>;

const spec = z.object({
  type: z.enum(["Overlay", "Underlay"]),
  nodeSelector,
}) satisfies z.ZodType<NetworkSpec>;

const status = z.object({
  ipv4: counts.optional(),
  ipv6: counts.optional(),
  lastAllocatedSubnet: z.string().optional(),
  conditions,
}) satisfies z.ZodType<NetworkStatus>;

/** One overlay, and any number of underlays that share no node. */
export const networkKind: KindDefinition<Network> = defineKind({
  kind: "Network",
  plural: "networks",
  spec,
  status,
  refusals: networkRefusals,
  immutable: ["type"],
  among: async (network, _previous, peers) => networkAmong(network, await peers.list(networkKind)),
});
