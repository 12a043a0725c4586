import type { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import type { TunnelKind } from "../../mesh/resources.ts";
import type { Clock } from "../../platform/clock.ts";
import type { PathHeard } from "./kinds.ts";
import { encodePathMessage, parsePathMessage } from "./path-message.ts";
import type { PathMessage } from "./path-message.ts";
import { PathSockets } from "./path-sockets.ts";
import type { ProbePath } from "./probe-paths.ts";

interface Probed {
  path: ProbePath;
  readonly nonce: bigint;
  /** Probes that were not answered yet, the latest ones, by sequence. */
  readonly sent: Map<number, { readonly atMs: number; readonly wants: TunnelKind }>;
  sequence: number;
  /** Monotonic milliseconds. */
  dueMs: number;
  heard: PathHeard;
  /** Of the latest answers, in milliseconds. */
  times: readonly number[];
}

/** At 200 ms between probes an answer may take six seconds. */
const OUTSTANDING = 32;
/** The shortest of so many is the path's: longer ones were waited for by busy agents at either end. */
const TIMES = 8;
/** A path that did not answer yet, or no longer, is asked this often at least. */
const SILENT_EVERY_MS = 1_000;
const SILENT_AFTER_MS = 12_000;
/** 2,000 probes a second at most; beyond that all paths are probed less often. */
const ROUND_MS = 50;
const PROBES_A_ROUND = 100;
const IDLE_MS = 1_000;

/**
 * Asks the far ends of tunnels for an answer, and answers theirs: what is heard so passed in both directions. What comes
 * from elsewhere than a known path is not answered and means nothing.
 */
export class PathProbe {
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #sockets: PathSockets;
  /** By cluster, rank and kind. */
  #paths: ReadonlyMap<string, Probed> = new Map();
  /** By own and remote address: who is heard where. */
  #byAddress: ReadonlyMap<string, Probed> = new Map();

  /** @param random uniform in [0, 1) */
  constructor(clock: Clock, random: () => number = Math.random) {
    this.#clock = clock;
    this.#random = random;
    this.#sockets = new PathSockets(clock, (from, sender, bytes) => this.#hear(from, sender, bytes));
  }

  /** These paths and no others are probed and answered from now on. What was heard of one that stays is kept. */
  follow(paths: readonly ProbePath[]): void {
    const nowMs = this.#clock.monotonic();
    const before = this.#paths;
    this.#paths = new Map(
      paths.map((path) => {
        const key = keyOf(path.cluster, path.rank, path.kind);
        const known = before.get(key);
        if (known?.path.to !== path.to || known.path.from !== path.from) return [key, this.#begin(path, nowMs)];
        if (known.path === path) return [key, known];
        known.path = path;
        known.dueMs = Math.min(known.dueMs, nowMs + (path.everyMs ?? 0));
        return [key, known];
      }),
    );
    this.#byAddress = new Map([...this.#paths.values()].map((each) => [`${each.path.from} ${each.path.to}`, each]));
  }

  /** The first probes go out at different moments, so that a thousand new paths are not asked all at once, for ever. */
  #begin(path: ProbePath, nowMs: number): Probed {
    const dueMs = nowMs + this.#random() * Math.min(path.everyMs ?? 0, SILENT_EVERY_MS);
    return { path, nonce: randomBytes(8).readBigUInt64BE(), sent: new Map(), sequence: 0, dueMs, heard: {}, times: [] };
  }

  /** What was heard of the gateway of this rank of this cluster, by this kind; undefined where there is no such path. */
  heard(cluster: string, rank: number, kind: TunnelKind): PathHeard | undefined {
    return this.#paths.get(keyOf(cluster, rank, kind))?.heard;
  }

  /** Probes and answers until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#sockets.keep(new Set([...this.#paths.values()].map(({ path }) => path.from)));
      await this.#clock.sleep(this.#probe(), signal);
    }
    await this.#sockets.close();
  }

  /** Sends what is due, the most overdue first. @returns milliseconds to the next round */
  #probe(): number {
    const nowMs = this.#clock.monotonic();
    const probed = [...this.#paths.values()].filter(({ path }) => path.everyMs !== undefined);
    const due = probed.filter(({ dueMs }) => dueMs <= nowMs).toSorted((a, b) => a.dueMs - b.dueMs);
    for (const each of due.slice(0, PROBES_A_ROUND)) this.#ask(each, nowMs);
    const next = probed.reduce((soonest, { dueMs }) => Math.min(soonest, dueMs), nowMs + IDLE_MS);
    return Math.max(ROUND_MS, next - nowMs);
  }

  #ask(each: Probed, nowMs: number): void {
    const { path, sent } = each;
    const { provenMs = Number.NEGATIVE_INFINITY } = each.heard;
    const everyMs = path.everyMs ?? SILENT_EVERY_MS;
    each.dueMs = nowMs + (nowMs - provenMs > SILENT_AFTER_MS ? Math.min(everyMs, SILENT_EVERY_MS) : everyMs);
    each.sequence = (each.sequence + 1) >>> 0;
    sent.set(each.sequence, { atMs: nowMs, wants: path.wants });
    const [oldest] = sent.keys();
    if (sent.size > OUTSTANDING && oldest !== undefined) sent.delete(oldest);
    this.#say(path, { type: "probe", sequence: each.sequence, nonce: each.nonce });
  }

  #hear(from: string, sender: string, bytes: Buffer): void {
    const each = this.#byAddress.get(`${from} ${sender}`);
    const message = parsePathMessage(bytes);
    if (each === undefined || message === undefined) return;
    const nowMs = this.#clock.monotonic();
    const word = { heardMs: nowMs, theyUse: [message.sends, message.wants] };
    if (message.type === "probe") {
      each.heard = { ...each.heard, ...word };
      this.#say(each.path, { type: "answer", sequence: message.sequence, nonce: message.nonce });
      return;
    }
    const asked = message.nonce === each.nonce ? each.sent.get(message.sequence) : undefined;
    if (asked === undefined) return;
    each.sent.delete(message.sequence);
    each.times = [...each.times, nowMs - asked.atMs].slice(-TIMES);
    each.heard = { ...word, provenMs: asked.atMs, provenFor: asked.wants, rttMs: Math.min(...each.times) };
  }

  #say({ from, to, sends, wants }: ProbePath, words: Pick<PathMessage, "type" | "sequence" | "nonce">): void {
    this.#sockets.send(from, to, encodePathMessage({ ...words, sends, wants }));
  }
}

function keyOf(cluster: string, rank: number, kind: TunnelKind): string {
  return `${cluster} ${rank} ${kind}`;
}
