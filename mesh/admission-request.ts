import type { Cidr } from "./cidr.ts";
import { formatCidr } from "./cidr.ts";
import { readName } from "./names.ts";
import type { Checked, Refusal } from "./refusal.ts";
import { refuse } from "./refusal.ts";
import { reservedRefusal } from "./reserved.ts";
import type { Family } from "./resources.ts";
import { readCidr } from "./typed-cidr.ts";

/** What a cluster asks of the ledger, as its join request says it. */
export interface AdmissionRequest {
  readonly cluster: string;
  /** Declared; empty: the hub assigns one block for each of `families`. */
  readonly podCIDRs: readonly string[];
  readonly families: readonly Family[];
  /** Length of the assigned block; only together with a single family. */
  readonly prefixLength?: number | undefined;
  readonly allowedCIDRs: readonly string[];
  readonly localCIDRs: readonly string[];
}

/** The request with every range read; duplicates are gone. */
export interface ReadRequest {
  readonly cluster: string;
  readonly declared: readonly Cidr[];
  /** Empty when ranges are declared. */
  readonly families: readonly Family[];
  readonly prefixLength: number | undefined;
  readonly announced: readonly Cidr[];
  readonly local: readonly Cidr[];
}

/**
 * Longest prefix a cluster may have assigned: below it nodes find no room for blocks, nor a mesh prefix for its ranks.
 */
export const LONGEST_BLOCK: Readonly<Record<Family, number>> = { 4: 26, 6: 122 };

/** Reads a request and refuses what can be seen in it alone: a bad name, a bad range, a prefix length that can't be. */
export function readRequest(request: AdmissionRequest): Checked<ReadRequest> {
  const name = readName(request.cluster);
  if (name.refusal) {
    return name;
  }
  const declared = readRanges(request.podCIDRs, reservedRefusal);
  const announced = readRanges(request.allowedCIDRs, reservedRefusal);
  const local = readRanges(request.localCIDRs, everythingRefusal);
  const refusal = declared.refusal ?? announced.refusal ?? local.refusal ?? lengthRefusal(request);
  if (refusal) {
    return { refusal };
  }
  return {
    value: {
      cluster: name.value,
      declared: declared.value ?? [],
      families: request.podCIDRs.length > 0 ? [] : [...new Set(request.families)].toSorted((a, b) => a - b),
      prefixLength: request.prefixLength,
      announced: announced.value ?? [],
      local: local.value ?? [],
    },
  };
}

/** Why a block of this length can't be assigned in this family, if it can't. */
function blockLengthRefusal(cluster: string, family: Family, length: number): Refusal | undefined {
  if (length <= LONGEST_BLOCK[family]) {
    return undefined;
  }
  return {
    code: "prefix-too-long",
    message: `cluster "${cluster}" asks for a /${length}; the longest IPv${family} block is /${LONGEST_BLOCK[family]}, so that its nodes find room in it`,
  };
}

function readRanges(texts: readonly string[], check: (cidr: Cidr) => Refusal | undefined): Checked<Cidr[]> {
  const ranges = new Map<string, Cidr>();
  for (const text of texts) {
    const { value, refusal } = readCidr(text);
    const fault = refusal ?? check(value);
    if (fault) {
      return { refusal: fault };
    }
    if (value) {
      ranges.set(formatCidr(value), value);
    }
  }
  return { value: [...ranges.values()] };
}

/** Local ranges are whatever a site has; only all of them at once can't be meant. */
export function everythingRefusal(cidr: Cidr): Refusal | undefined {
  return cidr.length > 0
    ? undefined
    : refuse("bad-cidr", `${formatCidr(cidr)} is every address there is; name the ranges of the LAN and the Services`)
        .refusal;
}

function lengthRefusal({ cluster, podCIDRs, families, prefixLength }: AdmissionRequest): Refusal | undefined {
  const [family, ...more] = new Set(families);
  if (podCIDRs.length === 0 && family === undefined) {
    return { code: "bad-spec", message: `cluster "${cluster}" asks for no address family; ask for IPv4, IPv6 or both` };
  }
  if (prefixLength === undefined) {
    return undefined;
  }
  if (podCIDRs.length > 0 || family === undefined || more.length > 0) {
    return {
      code: "bad-spec",
      message: `cluster "${cluster}" asks for a prefix length, which is for a block of one family that the hub assigns; leave it out, or ask for that family alone and declare no pod CIDRs`,
    };
  }
  if (!Number.isInteger(prefixLength) || prefixLength < 1) {
    return {
      code: "bad-spec",
      message: `cluster "${cluster}" asks for the prefix length ${prefixLength}, which is none`,
    };
  }
  return blockLengthRefusal(cluster, family, prefixLength);
}
