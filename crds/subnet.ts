import { z } from "zod";
import { subnetAmong } from "../mesh/ipam/among.ts";
import { subnetRefusals } from "../mesh/ipam/checks.ts";
import type { Subnet, SubnetSpec, SubnetStatus } from "../mesh/ipam/resources.ts";
import { SINGLETON_NAME } from "../mesh/names.ts";
import { ipInstanceKind } from "./ip-instance.ts";
import type { KindDefinition } from "./kind.ts";
import { defineKind } from "./kind.ts";
import { membershipKind } from "./membership.ts";
import { address, addresses, cidr, conditions, nodeSelector } from "./metadata.ts";
import { networkKind } from "./network.ts";

const spec = z.object({
  network: z.string(),
  cidr,
  range: z.object({ start: address, end: address }).optional(),
  gateway: address.optional(),
  excludeIPs: addresses,
  reservedIPs: addresses,
  blockSize: z.int().optional(),
  private: z.boolean().default(false),
  disabled: z.boolean().default(false),
  nodeSelector,
  masquerade: z.boolean().optional(),
  checkGateway: z.boolean().optional(),
}) satisfies z.ZodType<SubnetSpec>;

const status = z.object({
  total: z.int().default(0),
  used: z.int().default(0),
  available: z.int().default(0),
  conditions,
}) satisfies z.ZodType<SubnetStatus>;

/** A range of a Network, apart from every other Subnet. */
export const subnetKind: KindDefinition<Subnet> = defineKind({
  kind: "Subnet",
  plural: "subnets",
  spec,
  status,
  refusals: subnetRefusals,
  immutable: ["network", "cidr", "range", "gateway", "blockSize"],
  async among(subnet, previous, peers) {
    const [networks, subnets, instances, membership] = await Promise.all([
      peers.list(networkKind),
      peers.list(subnetKind),
      peers.list(ipInstanceKind),
      peers.get(membershipKind, SINGLETON_NAME),
    ]);
    return subnetAmong(subnet, previous, {
      networks,
      subnets,
      instances,
      podCIDRs: membership?.status.podCIDRs ?? [],
    });
  },
});
