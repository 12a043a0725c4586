import type { VxlanDevice } from "../state.ts";

/** Who is behind a VXLAN device, as entries of two tables of the kernel. */

/** Forwarding database: MAC address to endpoint. Neighbours: next hop to MAC address. */
export interface Tables<T> {
  readonly fdb: readonly T[];
  readonly neighbours: readonly T[];
}

export interface Entry {
  readonly device: string;
  readonly key: string;
  readonly value: string;
}
/** Without value: something that we would never write (learned, by another port, through a nexthop object…). */
export interface ObservedEntry extends Omit<Entry, "value"> {
  readonly value: string | undefined;
}

export type EntryStep =
  | ({ readonly op: "replace" } & Entry)
  | { readonly op: "delete"; readonly device: string; readonly key: string };

/** The entries that devices shall have. */
export function wantedTables(devices: readonly VxlanDevice[]): Tables<Entry> {
  const peers = devices.flatMap(({ name: device, peers: those }) => those.map((peer) => ({ device, ...peer })));
  return {
    fdb: peers.map(({ device, mac, endpoint }) => ({ device, key: mac, value: endpoint })),
    neighbours: peers.flatMap(({ device, mac, addresses }) =>
      addresses.map((address) => ({ device, key: address, value: mac })),
    ),
  };
}

/**
 * Entries of one table to write; then those to delete. The devices are ours altogether, so what is not wanted goes,
 * whoever wrote it. One that is of another kind is deleted before it is written: `replace` leaves a nexthop object in
 * its place without a word (vxlan_fdb_update_existing in drivers/net/vxlan; seen on 6.18).
 */
export function planEntries(
  want: readonly Entry[],
  have: readonly ObservedEntry[],
): { put: EntryStep[]; remove: EntryStep[] } {
  const wanted = new Map(want.map((entry) => [entryKey(entry), entry]));
  const present = new Map(have.map((entry) => [entryKey(entry), entry]));
  return {
    put: [...wanted].flatMap(([key, entry]): EntryStep[] => {
      const existing = present.get(key);
      const replace = { op: "replace", ...entry } as const;
      if (existing !== undefined && existing.value === undefined) {
        return [{ op: "delete", device: entry.device, key: entry.key }, replace];
      }
      return existing?.value === entry.value ? [] : [replace];
    }),
    // One MAC address may have several endpoints, where it is the one for broadcasts: they go by one step.
    remove: [...present]
      .filter(([key]) => !wanted.has(key))
      .map(([, { device, key }]) => ({ op: "delete", device, key })),
  };
}

function entryKey({ device, key }: ObservedEntry): string {
  return `${device} ${key}`;
}
