import type { IPInstance } from "../../../mesh/ipam/resources.ts";
import type { MemberLevel } from "../level.ts";

/** What the store says of addresses and of who has them, at this moment. */
export type AddressLevel = Pick<MemberLevel, "membership" | "networks" | "subnets" | "blocks" | "nodes"> & {
  readonly instances: readonly IPInstance[];
};

/** The elder of two objects comes first: of two that collide, the younger is at fault. */
export function byAge({ metadata: one }: Aged, { metadata: other }: Aged): number {
  return one.creationTimestamp === other.creationTimestamp
    ? compareTexts(one.name, other.name)
    : compareTexts(one.creationTimestamp, other.creationTimestamp);
}

interface Aged {
  readonly metadata: { readonly name: string; readonly creationTimestamp: string };
}

function compareTexts(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
