import { familyOf } from "../cidr.ts";
import type { Checked } from "../refusal.ts";
import { refuse } from "../refusal.ts";
import type { Family } from "../resources.ts";
import { readAddress } from "../typed-cidr.ts";
import type { NetworkType, OwnerReference, PodReference } from "./resources.ts";

/** What a person writes on a pod, or on its namespace, to say which addresses it shall have. */
export const ANNOTATIONS = {
  networkType: "trestle.dev/network-type",
  network: "trestle.dev/network",
  subnet: "trestle.dev/subnet",
  ip: "trestle.dev/ip",
  retain: "trestle.dev/retain-ip",
} as const;

export type Annotations = Readonly<Record<string, string>>;

/** What is known of a pod when it asks for addresses. */
export interface PodFacts {
  readonly pod: PodReference;
  readonly annotations: Annotations;
  /** Of its namespace. */
  readonly namespaceAnnotations: Annotations;
  /** Its controller; absent for a pod by itself. */
  readonly owner?: OwnerReference | undefined;
}

/** Where a wish was written; the first that says anything says everything. */
export type Level = "pod" | "namespace" | "default";

/** What a pod wants, before it is held against what there is. */
export interface Wish {
  readonly level: Level;
  readonly type?: NetworkType | undefined;
  readonly network?: string | undefined;
  /** Subnets by name, in the order they are to be tried; empty: any of the Network. */
  readonly subnets: readonly string[];
  /** Addresses by name, one of a family. */
  readonly addresses: readonly string[];
  /** Its addresses outlive it. */
  readonly retain: boolean;
}

const CHOOSING = [ANNOTATIONS.networkType, ANNOTATIONS.network, ANNOTATIONS.subnet, ANNOTATIONS.ip];

/** A pod's wish: of its own annotations, else of its namespace's, else none. */
export function readWish(facts: PodFacts): Checked<Wish> {
  const { pod, annotations, namespaceAnnotations } = facts;
  const retain = readRetain(facts);
  if (retain.refusal !== undefined) return retain;
  const chooses = (of: Annotations): boolean => CHOOSING.some((name) => of[name] !== undefined);
  if (chooses(annotations)) return readLevel("pod", annotations, facts, retain.value);
  if (!chooses(namespaceAnnotations)) {
    return { value: { level: "default", subnets: [], addresses: [], retain: retain.value } };
  }
  if (namespaceAnnotations[ANNOTATIONS.ip] !== undefined) {
    return refuse(
      "bad-annotation",
      `namespace "${pod.namespace}" has ${ANNOTATIONS.ip}, which would be one address for all its pods; write it on the pods`,
    );
  }
  return readLevel("namespace", namespaceAnnotations, facts, retain.value);
}

function readLevel(level: Level, of: Annotations, facts: PodFacts, retain: boolean): Checked<Wish> {
  const type = of[ANNOTATIONS.networkType];
  if (type !== undefined && type !== "Overlay" && type !== "Underlay") {
    return refuse("bad-annotation", `${ANNOTATIONS.networkType} is Overlay or Underlay, not ${JSON.stringify(type)}`);
  }
  const addresses = readAddresses(of[ANNOTATIONS.ip], facts);
  if (addresses.refusal !== undefined) return addresses;
  const subnets = partsOf(of[ANNOTATIONS.subnet] ?? "", ",");
  return {
    value: { level, type, network: of[ANNOTATIONS.network], subnets, addresses: addresses.value, retain },
  };
}

/**
 * One entry for one pod, or a list by the ordinal of StatefulSet pods, separated by `;`. An entry is an address, or one
 * of each family separated by a comma: `10.0.0.5,fd00::5;10.0.0.6,fd00::6`.
 */
function readAddresses(text: string | undefined, { pod, owner }: PodFacts): Checked<readonly string[]> {
  if (text === undefined) return { value: [] };
  const entries = partsOf(text, ";");
  const ordinal = owner?.kind === "StatefulSet" ? ordinalOf(pod.name) : undefined;
  if (entries.length > 1 && ordinal === undefined) {
    return refuse(
      "bad-annotation",
      `${ANNOTATIONS.ip} has a list of ${entries.length}, which goes by the ordinal of StatefulSet pods, and ${pod.name} is none; give it one`,
    );
  }
  // One entry that a StatefulSet's pods share is a list like any other: of one.
  const entry = entries[ordinal ?? 0];
  if (entry === undefined) {
    return refuse(
      "bad-annotation",
      `${ANNOTATIONS.ip} has a list of ${entries.length}, and ${pod.name} needs number ${(ordinal ?? 0) + 1}; make the list longer`,
    );
  }
  return readEntry(entry);
}

function readEntry(entry: string): Checked<readonly string[]> {
  const read = partsOf(entry, ",").map(readAddress);
  const bad = read.find(({ refusal }) => refusal !== undefined);
  if (bad?.refusal !== undefined) return refuse("bad-annotation", `${ANNOTATIONS.ip}: ${bad.refusal.message}`);
  const addresses = read.flatMap(({ value }) => value ?? []);
  const families = new Set<Family>(addresses.map(familyOf));
  return families.size === addresses.length
    ? { value: addresses }
    : refuse("bad-annotation", `${ANNOTATIONS.ip} gives a pod two addresses of one family: ${entry}`);
}

/** StatefulSet pods keep theirs unless somebody says otherwise, all others don't unless somebody says so. */
function readRetain({ annotations, namespaceAnnotations, owner }: PodFacts): Checked<boolean> {
  const said = annotations[ANNOTATIONS.retain] ?? namespaceAnnotations[ANNOTATIONS.retain];
  if (said !== undefined && said !== "true" && said !== "false") {
    return refuse("bad-annotation", `${ANNOTATIONS.retain} is "true" or "false", not ${JSON.stringify(said)}`);
  }
  return { value: said === undefined ? owner?.kind === "StatefulSet" : said === "true" };
}

/** The number that a StatefulSet gives its pods, at the end of their name. */
function ordinalOf(pod: string): number | undefined {
  const [, digits] = /-(\d{1,9})$/.exec(pod) ?? [];
  return digits === undefined ? undefined : Number(digits);
}

function partsOf(text: string, separator: string): string[] {
  return text
    .split(separator)
    .map((part) => part.trim())
    .filter(Boolean);
}
