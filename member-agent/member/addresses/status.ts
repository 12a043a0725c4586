import { isDeepStrictEqual } from "node:util";
import { networkKind } from "../../../crds/network.ts";
import { subnetKind } from "../../../crds/subnet.ts";
import { hasCode } from "../../../platform/errors.ts";
import { amendStatus } from "../../../platform/store/amend.ts";
import type { ResourceKind, ResourceStore, StoredObject } from "../../../platform/store/port.ts";
import { networkFaults, subnetFaults } from "../../../mesh/ipam/in-force.ts";
import { nodeAddressesOf, withoutNodes } from "../../../mesh/ipam/node-addresses.ts";
import type { IPInstance, NetworkStatus, Subnet, SubnetStatus } from "../../../mesh/ipam/resources.ts";
import type { subnetCounter } from "./counts.ts";
import { lastSubnets, networkCounts } from "./counts.ts";
import { conditionsOf, judgeNetwork, judgeSubnet } from "./judge.ts";
import type { AddressLevel } from "./level.ts";

/** How many addresses there are, and what is wrong, of each Subnet and Network by name. */
export interface AddressStatuses {
  readonly subnets: ReadonlyMap<string, SubnetStatus>;
  readonly networks: ReadonlyMap<string, NetworkStatus>;
}

/** Pure but for the counter's memory. @param now RFC 3339 */
export function addressStatuses(
  level: AddressLevel,
  count: ReturnType<typeof subnetCounter>,
  now: string,
): AddressStatuses {
  const { networks, subnets, instances } = level;
  const faults = { networks: networkFaults(networks), subnets: subnetFaults(subnets) };
  const counts = count(issued(level, faults.subnets), instances);
  const own = ofExcluding(level);
  const last = lastSubnets(instances);
  return {
    subnets: new Map(
      subnets.map((subnet) => {
        const { name } = subnet.metadata;
        const verdicts = judgeSubnet(subnet, own.get(name) ?? [], { ...level, faults });
        const conditions = conditionsOf(verdicts, subnet.status.conditions, now);
        return [name, { total: 0, used: 0, available: 0, ...counts.get(name), conditions }];
      }),
    ),
    networks: new Map(
      networks.map((network) => {
        const { name } = network.metadata;
        // Once its pods are gone it stays what it was.
        const lastAllocatedSubnet = last.get(name) ?? network.status.lastAllocatedSubnet;
        return [
          name,
          {
            ...networkCounts(network, subnets, counts),
            ...(lastAllocatedSubnet !== undefined && { lastAllocatedSubnet }),
            conditions: conditionsOf([judgeNetwork(network, faults)], network.status.conditions, now),
          },
        ];
      }),
    ),
  };
}

/** Subnets as pods get addresses of them. @param faults of those that none is got of, by name */
function issued({ networks, subnets, nodes }: AddressLevel, faults: ReadonlyMap<string, unknown>): readonly Subnet[] {
  const underlays = new Set(
    networks.flatMap(({ metadata, spec }) => (spec.type === "Underlay" ? [metadata.name] : [])),
  );
  const own = nodeAddressesOf(nodes);
  return subnets.map((subnet) =>
    !faults.has(subnet.metadata.name) && underlays.has(subnet.spec.network)
      ? { ...subnet, spec: withoutNodes(subnet.spec, own) }
      : subnet,
  );
}

/** Writes into the statuses of Subnets and Networks what is another than they say. */
export async function countAddresses(
  store: ResourceStore,
  level: AddressLevel,
  count: ReturnType<typeof subnetCounter>,
  now: string,
): Promise<void> {
  const { subnets, networks } = addressStatuses(level, count, now);
  await writeStatuses(store, subnetKind, level.subnets, subnets);
  await writeStatuses(store, networkKind, level.networks, networks);
}

/** Addresses of the Subnets that exclude some. */
function ofExcluding({ subnets, instances }: AddressLevel): ReadonlyMap<string, readonly IPInstance[]> {
  const names = new Set(subnets.filter(({ spec }) => spec.excludeIPs.length > 0).map(({ metadata: { name } }) => name));
  if (names.size === 0) return new Map();
  return Map.groupBy(
    instances.filter(({ spec }) => names.has(spec.subnet)),
    ({ spec }) => spec.subnet,
  );
}

async function writeStatuses<T extends StoredObject>(
  store: ResourceStore,
  kind: ResourceKind<T>,
  objects: readonly T[],
  statuses: ReadonlyMap<string, T["status"]>,
): Promise<void> {
  for (const { metadata, status } of objects) {
    const next = statuses.get(metadata.name);
    if (next === undefined || isDeepStrictEqual(status, next)) continue;
    await amendStatus(store, kind, metadata.name, () => next).catch((error: unknown) => {
      // Deleted meanwhile: there is nothing to say of it.
      if (!hasCode(error, "not-found")) throw error;
    });
  }
}
