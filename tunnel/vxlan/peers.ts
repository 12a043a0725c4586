import type { VxlanPeer } from "../state.ts";
import type { ObservedEntry, Tables } from "./plan.ts";

/** The far ends of one device as its entries tell them; what is not written as ours is none. */
export function peersOf(device: string, { fdb, neighbours }: Tables<ObservedEntry>): VxlanPeer[] {
  const addresses = Map.groupBy(
    neighbours.filter((entry) => entry.device === device),
    ({ value: mac }) => mac,
  );
  return fdb.flatMap(({ device: of, key: mac, value: endpoint }) =>
    of !== device || endpoint === undefined
      ? []
      : [{ mac, endpoint, addresses: (addresses.get(mac) ?? []).map(({ key }) => key) }],
  );
}
