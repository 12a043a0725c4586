import { ipBlockKind } from "../../../../crds/ip-block.ts";
import { ipInstanceKind } from "../../../../crds/ip-instance.ts";
import { membershipKind } from "../../../../crds/membership.ts";
import { networkKind } from "../../../../crds/network.ts";
import { nodeKind } from "../../../../crds/node.ts";
import { subnetKind } from "../../../../crds/subnet.ts";
import { SINGLETON_NAME } from "../../../../mesh/names.ts";
import type { ResourceReader } from "../../../../platform/store/port.ts";
import type { AddressLevel } from "../level.ts";

/** What a watch that lags behind nothing would know. */
export async function readAddressLevel(store: ResourceReader): Promise<AddressLevel> {
  const [membership, networks, subnets, instances, blocks, nodes] = await Promise.all([
    store.get(membershipKind, SINGLETON_NAME),
    store.list(networkKind),
    store.list(subnetKind),
    store.list(ipInstanceKind),
    store.list(ipBlockKind),
    store.list(nodeKind),
  ]);
  return { membership, networks, subnets, instances, blocks, nodes };
}
