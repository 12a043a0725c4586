import { endpointRefusal } from "./endpoint.ts";
import { readNodeName } from "./names.ts";
import type { Refusal, RefusalCode } from "./refusal.ts";
import type { GatewayRecord } from "./resources.ts";
import { MAX_RANKS } from "./resources.ts";

/**
 * What a member says of its gateways decides what every linked gateway's kernel holds, and a planner that stumbles over
 * one record plans nothing at all. So a bad one is left out, by the hub before it tells others, and by whoever is told.
 */

/** More are of no use: one of them is dialled. */
const MAX_ENDPOINTS = 16;
/** 32 bytes in base64 (RFC 4648, section 4), the last two bits zero: `wg` takes no other text. */
const KEY = /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/;
const HIGHEST_BASE_PORT = 65_535 - (MAX_RANKS - 1);

/** Why others can't be told of this gateway. Seen alone; {@link sortOutGateways} sees them together. */
export function gatewayRecordRefusal(record: GatewayRecord): Refusal | undefined {
  const { name, rank, endpoints, basePort, publicKey } = record;
  const named = readNodeName(name).refusal;
  if (named !== undefined) return named;
  if (!isWithin(rank, 0, MAX_RANKS - 1)) {
    return refusalOf(record, "bad-spec", `${rank} is not a rank: ranks run from 0 to ${MAX_RANKS - 1}`);
  }
  if (!isWithin(basePort, 1, HIGHEST_BASE_PORT)) {
    const message = `${basePort} is no base port: ${MAX_RANKS} ports from there on are used, so it is from 1 to ${HIGHEST_BASE_PORT}`;
    return refusalOf(record, "bad-spec", message);
  }
  if (!KEY.test(publicKey)) return refusalOf(record, "bad-spec", "its public key is not 32 bytes in base64");
  if (endpoints.length > MAX_ENDPOINTS) {
    return refusalOf(record, "bad-spec", `it has ${endpoints.length} endpoints, and ${MAX_ENDPOINTS} are the most`);
  }
  for (const endpoint of endpoints) {
    const refusal = endpointRefusal(endpoint);
    if (refusal !== undefined) return refusalOf(record, refusal.code, refusal.message);
  }
  return undefined;
}

export interface RefusedGateway {
  /** Its node, as it was said. */
  readonly name: string;
  readonly refusal: Refusal;
}

/**
 * A cluster's gateways that others can be told of, and of each other one why not. Of two with one rank or one key the
 * first stays.
 * @param holderOf the other cluster whose key it is, if there is one
 */
export function sortOutGateways(
  records: readonly GatewayRecord[],
  holderOf: (publicKey: string) => string | undefined = () => undefined,
): { readonly kept: readonly GatewayRecord[]; readonly refused: readonly RefusedGateway[] } {
  const kept: GatewayRecord[] = [];
  const refused: RefusedGateway[] = [];
  for (const record of records) {
    const refusal = gatewayRecordRefusal(record) ?? doubleRefusal(record, kept) ?? takenRefusal(record, holderOf);
    if (refusal === undefined) kept.push(record);
    else refused.push({ name: record.name, refusal });
  }
  return refused.length === 0 ? { kept: records, refused } : { kept, refused };
}

/** Why a gateway can't have a key that is another cluster's: on one device a key is one peer, and one of the two is cut off. */
export function keyTakenRefusal(record: Pick<GatewayRecord, "name">, holder: string): Refusal {
  return refusalOf(
    record,
    "key-taken",
    `its public key is that of a gateway of cluster "${holder}"; if its machine is a copy of that one, remove the key files from its state folder and restart its agent`,
  );
}

function doubleRefusal(record: GatewayRecord, kept: readonly GatewayRecord[]): Refusal | undefined {
  const double = kept.find(({ rank, publicKey }) => rank === record.rank || publicKey === record.publicKey);
  if (double === undefined) return undefined;
  return double.rank === record.rank
    ? refusalOf(record, "rank-taken", `rank ${record.rank} is that of gateway "${double.name}"`)
    : refusalOf(record, "key-taken", `its public key is that of gateway "${double.name}"`);
}

function takenRefusal(record: GatewayRecord, holderOf: (publicKey: string) => string | undefined): Refusal | undefined {
  const holder = holderOf(record.publicKey);
  return holder === undefined ? undefined : keyTakenRefusal(record, holder);
}

function isWithin(number: number, least: number, most: number): boolean {
  return Number.isInteger(number) && number >= least && number <= most;
}

function refusalOf({ name }: Pick<GatewayRecord, "name">, code: RefusalCode, why: string): Refusal {
  return { code, message: `gateway "${name}" is left out: ${why}` };
}
