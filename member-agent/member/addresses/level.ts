import type { IPInstance } from "../../../mesh/ipam/resources.ts";
import type { MemberLevel } from "../level.ts";

/** What the store says of addresses and of who has them, at this moment. */
export type AddressLevel = Pick<MemberLevel, "membership" | "networks" | "subnets" | "blocks" | "nodes"> & {
  readonly instances: readonly IPInstance[];
};
