import { compareByBadness } from "../../mesh/pair-state.ts";
import type { PairStatus } from "../../mesh/resources.ts";
import type { Remote } from "../situation.ts";
import type { PairJudgement } from "./pair-state.ts";
import { SILENCE_MS } from "./path-state.ts";
import type { TunnelFacts } from "./path-state.ts";

/** Numbers that change all the time are said anew after this: a store is not written for each of them. */
const NUMBERS_EVERY_MS = 30_000;

/** Mean round-trip time to the gateways that were heard, in milliseconds to a hundredth; undefined where it is not measured. */
export function roundTrip({ name, sends, gateways }: Remote, { hearing, nowMs }: TunnelFacts): number | undefined {
  const times = gateways.flatMap(({ rank }) => {
    const { rttMs, provenMs = Number.NEGATIVE_INFINITY } = hearing(name, rank, sends) ?? {};
    return rttMs === undefined || nowMs - provenMs > SILENCE_MS[sends] ? [] : [rttMs];
  });
  if (times.length === 0) return undefined;
  return Math.round((times.reduce((sum, time) => sum + time, 0) / times.length) * 100) / 100;
}

/** What was reported last, and when its numbers were taken (wall clock). */
export interface Reported {
  readonly status: PairStatus;
  readonly numbersAtMs: number;
}

/** The judgement as it is reported; `since` stays while state and reason do. */
export function reportPair(
  from: string,
  remote: Remote,
  judged: PairJudgement & { readonly rttMs?: number | undefined },
  before: Reported | undefined,
  nowMs: number,
): Reported {
  const last = before?.status;
  const unchanged = last?.state === judged.state && last.reason === judged.reason && last.tunnel === remote.sends;
  const fresh = before === undefined || !unchanged || nowMs - before.numbersAtMs >= NUMBERS_EVERY_MS;
  const rttMs = fresh ? judged.rttMs : last?.rttMs;
  const { state, reason, message } = judged;
  const since = unchanged ? last.since : new Date(nowMs).toISOString();
  const status = { from, to: remote.name, tunnel: remote.sends, state, reason, message, since };
  return {
    status: { ...status, ...(rttMs !== undefined && { rttMs }) },
    numbersAtMs: fresh ? nowMs : before.numbersAtMs,
  };
}

/** As many pairs are put into words. */
const WORDED = 50;

/**
 * Pairs as they are told and stored: state and reason of all, words for the worst 50. A report of a thousand with a
 * sentence each would come near to what NATS takes from a member, and an object of that size be written every 30 s.
 */
export function inBrief(pairs: readonly PairStatus[]): readonly PairStatus[] {
  if (pairs.length <= WORDED) return pairs;
  const worst = new Set(pairs.toSorted(compareByBadness).slice(0, WORDED));
  return pairs.map((pair) => (worst.has(pair) ? pair : { ...pair, message: "" }));
}
