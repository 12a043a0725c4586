import type { Report } from "../crds/wire/report.ts";
import { MAX_RANKS } from "../mesh/resources.ts";
import { combinePairs } from "../mesh/pair-state.ts";
import type { GatewayRecord, PairStatus, Revision } from "../mesh/resources.ts";
import { compareRevisions } from "../mesh/revision.ts";

/** A gateway that said nothing for this long is not counted among those that speak for its member. */
export const SILENT_AFTER_MS = 60_000;

interface Heard {
  readonly report: Report;
  /** What the gateway says of itself. */
  readonly own: readonly GatewayRecord[];
  /** By the cluster they lead to. */
  readonly pairs: ReadonlyMap<string, PairStatus>;
  readonly atMs: number;
}

/** The latest accepted report of every gateway, in memory: what was said is worth nothing once it is old. */
export class ReportBook {
  readonly #members = new Map<string, Map<string, Heard>>();

  /** `atMs` is wall clock. */
  record(member: string, gateway: string, report: Report, atMs: number): void {
    const others = [...(this.#members.get(member) ?? [])].filter(([name]) => name !== gateway);
    // Gateways come and go by other names; whoever is silent has nothing to say beside one that speaks.
    const kept = others.filter(([, heard]) => atMs - heard.atMs <= SILENT_AFTER_MS).slice(1 - MAX_RANKS);
    // A member speaks for itself alone, whatever it writes into its pairs.
    const pairs = new Map(report.pairs.map((pair) => [pair.to, { ...pair, from: member }]));
    const own = report.gateways.filter(({ name }) => name === gateway);
    this.#members.set(member, new Map([...kept, [gateway, { report, own, pairs, atMs }]]));
  }

  forget(member: string): void {
    this.#members.delete(member);
  }

  /**
   * The member's gateways, by rank. Which there are its member controller says, which alone is sure to be in touch with
   * the member's store; what each is it says itself while it speaks. While nobody leads, those that speak are there, and
   * the others are what they were `before`. So a list that is old or empty undoes nothing.
   */
  gateways(member: string, before: readonly GatewayRecord[], nowMs: number): readonly GatewayRecord[] {
    const speaking = this.#speaking(member, nowMs);
    const own = speaking.flatMap((heard) => heard.own);
    const listed = newestOf(speaking.filter(({ report: { leads, gateways } }) => leads && gateways.length > 0));
    if (listed !== undefined) return listed.report.gateways.map((one) => own.find((each) => isSame(each, one)) ?? one);
    const others = before.filter(({ name, rank }) => !own.some((one) => one.name === name || one.rank === rank));
    const isNew = (one: GatewayRecord): number => (before.some((each) => isSame(each, one)) ? 0 : 1);
    return [...own, ...others].toSorted((a, b) => a.rank - b.rank || isNew(a) - isNew(b));
  }

  /** The revision that every speaking gateway has applied: the oldest of theirs. */
  applied(member: string, nowMs: number): Revision | undefined {
    const revisions = this.#speaking(member, nowMs).map(({ report }) => report.applied);
    return revisions.reduce(
      (oldest, one) => (oldest && one && compareRevisions(one, oldest) >= 0 ? oldest : one),
      revisions[0],
    );
  }

  /** Wall clock milliseconds of the newest report. */
  lastSeenMs(member: string): number | undefined {
    return this.#newest(member)?.atMs;
  }

  /** What the member's gateways say together of their tunnels to `to`; Doubtful when none has spoken for a minute. */
  pair(from: string, to: string, nowMs: number): PairStatus | undefined {
    if (!this.#members.has(from)) return undefined;
    const [first, ...rest] = this.#speaking(from, nowMs).flatMap(({ pairs }) => pairs.get(to) ?? []);
    if (first !== undefined) return combinePairs([first, ...rest]);
    const newest = this.#newest(from);
    const old = newest?.pairs.get(to);
    if (newest === undefined || old === undefined) return undefined;
    const since = new Date(newest.atMs).toISOString();
    return {
      ...old,
      state: "Doubtful",
      reason: "MemberSilent",
      message: `cluster "${from}" has not reported since ${since}; until then it said ${old.state}`,
      since,
    };
  }

  #speaking(member: string, nowMs: number): Heard[] {
    return [...(this.#members.get(member)?.values() ?? [])].filter(({ atMs }) => nowMs - atMs <= SILENT_AFTER_MS);
  }

  #newest(member: string): Heard | undefined {
    return newestOf([...(this.#members.get(member)?.values() ?? [])]);
  }
}

function newestOf(heard: readonly Heard[]): Heard | undefined {
  return heard.toSorted((a, b) => b.atMs - a.atMs)[0];
}

function isSame(one: GatewayRecord, other: GatewayRecord): boolean {
  return one.name === other.name && one.rank === other.rank;
}
