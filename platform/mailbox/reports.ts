import { z } from "zod";
import type { Signer } from "../identity/signature.ts";
import { signAnswer } from "./answers.ts";
import { openSigned, signText } from "./signed.ts";

const reportPayload = z.object({
  wireVersion: z.literal(1),
  mesh: z.string(),
  member: z.string(),
  gateway: z.string(),
  /** Never goes back, per member and gateway. */
  counter: z.int().min(0),
  body: z.unknown(),
});

/** What a gateway of a member tells the hub; `body` is for the layers above. */
export type ReportPayload = Readonly<z.infer<typeof reportPayload>>;

export type ReportRefusal = "unknown-member" | "wrong-signature" | "malformed" | "wrong-sender" | "counter-not-newer";

const taken = z.object({ ok: z.literal(true) });
const refused = z.object({
  ok: z.literal(false),
  refused: z.string(),
  /** The newest counter the hub knows: the next report goes beyond it. */
  lastCounter: z.int().optional(),
});

/** What the hub answers to a report. */
export const reportAnswer = z.discriminatedUnion("ok", [taken, refused]);
export type ReportAnswer = z.infer<typeof reportAnswer>;

/** A report as it is sent. */
export function signReport(report: Omit<ReportPayload, "wireVersion">, member: Signer): string {
  return signText("report", JSON.stringify({ wireVersion: 1, ...report }), member);
}

/** Whose report it should be, by the subject it came on, and what the hub knows of that gateway. */
export interface ReportExpectation {
  readonly mesh: string;
  readonly member: string;
  readonly gateway: string;
  /** The member's signing key; undefined: no such member. */
  readonly signingKey: string | undefined;
  readonly lastCounter: number;
}

export type ReportVerdict =
  | { readonly accepted: ReportPayload; readonly refused?: never }
  | { readonly refused: ReportRefusal; readonly accepted?: never };

/** Judges a report: signed by the member itself, for this mesh, from this gateway, and said after everything it said before. */
export function judgeReport(text: string, expected: ReportExpectation): ReportVerdict {
  if (expected.signingKey === undefined) return { refused: "unknown-member" };
  const payload = openSigned("report", text, expected.signingKey);
  if (payload === undefined) return { refused: "wrong-signature" };
  const report = readReport(payload);
  if (report === undefined) return { refused: "malformed" };
  const { mesh, member, gateway, counter } = report;
  if (mesh !== expected.mesh || member !== expected.member || gateway !== expected.gateway)
    return { refused: "wrong-sender" };
  return counter > expected.lastCounter ? { accepted: report } : { refused: "counter-not-newer" };
}

function readReport(payload: string): ReportPayload | undefined {
  try {
    return reportPayload.safeParse(JSON.parse(payload)).data;
  } catch {
    return undefined;
  }
}

export interface ReportDeskParts {
  readonly mesh: string;
  readonly hub: Signer;
  /** The signing key a member joined with; undefined when there is no such member. */
  readonly signingKeyOf: (member: string) => string | undefined;
  /**
   * Reports with a counter up to this are refused from gateways not heard yet. Counters are about milliseconds since
   * 1970, so the hub's start time keeps out what was recorded before a restart; a gateway whose clock is behind is told
   * and goes beyond it.
   */
  readonly floor: number;
}

/** What was heard of one member. */
interface Heard {
  /** Below it nothing is new from gateways that are not among `counters`. */
  floor: number;
  /** By gateway, the one that spoke last at the end. */
  readonly counters: Map<string, number>;
}

/** Gateways remembered of one member: more than it ever has at once, and a bound for one that makes up names. */
const GATEWAYS_KEPT = 256;

/** The hub's side of reports: remembers each gateway's counter and words the answers. */
export class ReportDesk {
  readonly #parts: ReportDeskParts;
  readonly #members = new Map<string, Heard>();

  constructor(parts: ReportDeskParts) {
    this.#parts = parts;
  }

  /** Takes a report that came on `mesh.<member>.up.<gateway>`: what it says, if it may be acted on, and the text to answer. */
  accept(member: string, gateway: string, text: string): ReportVerdict & { readonly answer: string } {
    const { mesh, hub, floor } = this.#parts;
    const heard: Heard = this.#members.get(member) ?? { floor, counters: new Map() };
    const lastCounter = heard.counters.get(gateway) ?? heard.floor;
    const verdict = judgeReport(text, {
      mesh,
      member,
      gateway,
      signingKey: this.#parts.signingKeyOf(member),
      lastCounter,
    });
    if (verdict.accepted !== undefined) {
      note(heard, gateway, verdict.accepted.counter);
      this.#members.set(member, heard);
      return { ...verdict, answer: signAnswer(text, { ok: true } satisfies ReportAnswer, hub) };
    }
    const said: ReportAnswer = { ok: false, refused: verdict.refused };
    const answer = verdict.refused === "counter-not-newer" ? { ...said, lastCounter } : said;
    return { ...verdict, answer: signAnswer(text, answer, hub) };
  }

  /** The member left: its counters go too. */
  forget(member: string): void {
    this.#members.delete(member);
  }
}

/** Whoever is forgotten lifts the floor, so that nothing it said is new again; counters are about the time, so others are above it. */
function note(heard: Heard, gateway: string, counter: number): void {
  const { counters } = heard;
  counters.delete(gateway);
  counters.set(gateway, counter);
  const [oldest] = counters;
  if (oldest === undefined || counters.size <= GATEWAYS_KEPT) return;
  counters.delete(oldest[0]);
  heard.floor = Math.max(heard.floor, oldest[1]);
}
