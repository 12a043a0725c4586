import { bitsOf, formatCidr, parseCidr } from "./cidr.ts";
import { keyTakenRefusal, sortOutGateways } from "./gateway-record.ts";
import { HIGHEST_NUMBER } from "./ledger.ts";
import { readName } from "./names.ts";
import type { Refusal } from "./refusal.ts";
import { MAX_RANKS } from "./resources.ts";
import type { SelfRecord, ViewEntry } from "./view-records.ts";

/**
 * A view holds what others said, be it passed on by the hub. What planners, kernels or stores can't take of it is left out
 * piece by piece, so that nobody freezes those that are linked with him. What changes nothing keeps its identity.
 */

/** A piece of a view that is left out. */
export interface ViewFault {
  /** The linked cluster that it is of, or this one. */
  readonly cluster: string;
  readonly kind: "cluster" | "gateway" | "prefix";
  /** Its name or text. */
  readonly subject: string;
  /** A sentence that names it and says why. */
  readonly message: string;
}

export interface Sound<T> {
  readonly sound: T;
  readonly faults: readonly ViewFault[];
}

/** Bits that a mesh prefix has for addresses, at least: it begins with two health addresses a rank. */
const MESH_BITS = Math.ceil(Math.log2(2 * MAX_RANKS + 2));

/** A record without the prefixes that are none. */
export function soundRecord<T extends SelfRecord>(record: T): Sound<T> {
  const { name: cluster, podCIDRs, announcedCIDRs, meshPrefixes } = record;
  const badRanges = [...podCIDRs, ...announcedCIDRs].filter((text) => hostBitsOf(text) === undefined);
  const badMesh = meshPrefixes.filter((text) => (hostBitsOf(text) ?? 0) < MESH_BITS);
  const bad = new Set([...badRanges, ...badMesh]);
  if (bad.size === 0) return { sound: record, faults: [] };
  const isGood = (text: string): boolean => !bad.has(text);
  return {
    sound: {
      ...record,
      podCIDRs: podCIDRs.filter(isGood),
      announcedCIDRs: announcedCIDRs.filter(isGood),
      meshPrefixes: meshPrefixes.filter(isGood),
    },
    faults: [...bad].map((text) => {
      const message = `${shown(text)} of cluster "${cluster}" is left out: it is no prefix, or one too small for its use`;
      return { cluster, kind: "prefix", subject: shown(text), message };
    }),
  };
}

/** Linked clusters, each seen alone: without bad gateways and prefixes, and without those that have no name or number. */
export function soundEntries(entries: readonly ViewEntry[]): Sound<readonly ViewEntry[]> {
  return gather(entries, (entry) => {
    const { name, number } = entry.peer;
    if (readName(name).refusal !== undefined) return leftOut(shown(name), "that is no name");
    if (!Number.isInteger(number) || number < 1 || number > HIGHEST_NUMBER)
      return leftOut(name, `${number} is not a cluster number: those run from 1 to ${HIGHEST_NUMBER}`);
    const record = soundRecord(entry.peer);
    const { kept, refused } = sortOutGateways(entry.peer.gateways);
    const faults = refused.map((each) => gatewayFault(name, each.name, each.refusal));
    if (record.faults.length + faults.length === 0) return { sound: entry, faults };
    return { sound: { ...entry, peer: { ...record.sound, gateways: kept } }, faults: [...record.faults, ...faults] };
  });
}

/**
 * All linked clusters of a view, {@link soundEntries} each: of two with one name or number, and of two gateways with one
 * key, the one of the cluster with the lower number stays (of equal ones the first).
 */
export function withoutDoubles(entries: readonly ViewEntry[]): Sound<readonly ViewEntry[]> {
  const names = new Set<string>();
  const numbers = new Set<number>();
  const holders = new Map<string, string>();
  const verdicts = new Map<ViewEntry, Sound<ViewEntry | undefined>>();
  for (const entry of entries.toSorted((a, b) => a.peer.number - b.peer.number)) {
    const { name, number, gateways } = entry.peer;
    if (names.has(name) || numbers.has(number)) {
      verdicts.set(entry, leftOut(name, `its name or its number, ${number}, is another cluster's, too`));
      continue;
    }
    names.add(name);
    numbers.add(number);
    const taken = gateways.filter(({ publicKey }) => holders.has(publicKey));
    for (const { publicKey } of gateways) if (!holders.has(publicKey)) holders.set(publicKey, name);
    if (taken.length === 0) continue;
    verdicts.set(entry, {
      sound: { ...entry, peer: { ...entry.peer, gateways: gateways.filter((gateway) => !taken.includes(gateway)) } },
      faults: taken.map((gateway) =>
        gatewayFault(name, gateway.name, keyTakenRefusal(gateway, holders.get(gateway.publicKey) ?? "")),
      ),
    });
  }
  return verdicts.size === 0
    ? { sound: entries, faults: [] }
    : gather(entries, (entry) => verdicts.get(entry) ?? { sound: entry, faults: [] });
}

function gather(
  entries: readonly ViewEntry[],
  judge: (entry: ViewEntry) => Sound<ViewEntry | undefined>,
): Sound<readonly ViewEntry[]> {
  const judged = entries.map(judge);
  return { sound: judged.flatMap(({ sound }) => sound ?? []), faults: judged.flatMap(({ faults }) => faults) };
}

function leftOut(cluster: string, why: string): Sound<undefined> {
  const message = `cluster "${cluster}" is left out: ${why}`;
  return { sound: undefined, faults: [{ cluster, kind: "cluster", subject: cluster, message }] };
}

function gatewayFault(cluster: string, gateway: string, { message }: Refusal): ViewFault {
  return { cluster, kind: "gateway", subject: shown(gateway), message: `of cluster "${cluster}" ${message}` };
}

/** How many bits a prefix has for addresses. Undefined when the text is no prefix as it is written in a store. */
function hostBitsOf(text: string): number | undefined {
  try {
    const cidr = parseCidr(text);
    return formatCidr(cidr) === text ? bitsOf(cidr.family) - cidr.length : undefined;
  } catch {
    return undefined;
  }
}

function shown(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
