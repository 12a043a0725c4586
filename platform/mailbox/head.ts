import { z } from "zod";
import { digestOf } from "./digest.ts";
import { openSigned } from "./signed.ts";

/** The one this code writes, and those it reads. */
export const WIRE_VERSION = 1;
const KNOWN_VERSIONS: readonly number[] = [WIRE_VERSION];

const MAX_PAGES = 1_024;

const anyVersion = z.object({ wireVersion: z.int() });
const headPayload = z.object({
  wireVersion: z.int(),
  mesh: z.string(),
  member: z.string(),
  /** The hub's term: grows at takeover and restore. */
  epoch: z.int().min(0),
  /** Counts the changes of this member's view. */
  generation: z.int().min(0),
  /** Counts the signs of life since the last change. */
  refresh: z.int().min(0),
  /** SHA-256 of each page's bytes, base64url, in the order of the view. */
  pages: z.array(z.string().regex(/^[A-Za-z0-9_-]{43}$/)).max(MAX_PAGES),
});

/** What the hub signs for one member: which view is the present one, and that the hub is alive. */
export type Head = Readonly<z.infer<typeof headPayload>>;

/** Whom a member believes, and who it is. */
export interface Pins {
  readonly mesh: string;
  readonly member: string;
  /** The hub's signing key, raw, base64url. */
  readonly hubKey: string;
}

export type HeadRefusal =
  | "wrong-signature"
  | "unsupported-version"
  | "malformed"
  | "other-mesh"
  | "wrong-audience"
  | "older"
  /** The revision is known and had other pages. */
  | "contradictory";

/** `view`: a newer revision; `refresh`: the known one with a newer counter; `nothing`: word for word what is known. */
export type HeadVerdict =
  | { readonly accepted: Head; readonly news: "view" | "refresh" | "nothing"; readonly refused?: never }
  | { readonly refused: HeadRefusal; readonly message: string; readonly accepted?: never };

/** Judges a head as it came from the wire or from disk; `last` is the newest one accepted before, if there is one. */
export function judgeHead(text: string, pins: Pins, last: Head | undefined): HeadVerdict {
  const payload = openSigned("head", text, pins.hubKey);
  if (payload === undefined)
    return refuse("wrong-signature", "a head is not signed by the hub key that is pinned here");
  const content = parseJSON(payload);
  const version = anyVersion.safeParse(content).data?.wireVersion;
  if (version !== undefined && !KNOWN_VERSIONS.includes(version)) {
    return refuse(
      "unsupported-version",
      `the hub writes version ${version} and this agent reads ${KNOWN_VERSIONS.join(", ")}; update it`,
    );
  }
  const head = headPayload.safeParse(content).data;
  if (head === undefined)
    return refuse("malformed", "a head is signed by the hub but not of the form that its version has");
  if (head.mesh !== pins.mesh) return refuse("other-mesh", `a head is for the mesh ${head.mesh}, not for ${pins.mesh}`);
  if (head.member !== pins.member)
    return refuse("wrong-audience", `a head is for the member "${head.member}", not for "${pins.member}"`);
  if (last === undefined) return { accepted: head, news: "view" };
  const order = compareHeads(head, last);
  if (order < 0) return refuse("older", `a head is ${spell(head)} and ${spell(last)} is known already`);
  if (!isSameRevision(head, last)) return { accepted: head, news: "view" };
  if (!samePages(head, last))
    return refuse("contradictory", `a second head of ${spell(head)} names other pages than the first`);
  return { accepted: head, news: order === 0 ? "nothing" : "refresh" };
}

/** Negative when `a` is older: by epoch, then generation, then refresh counter. */
export function compareHeads(a: Head, b: Head): number {
  return a.epoch - b.epoch || a.generation - b.generation || a.refresh - b.refresh;
}

/** True when both are heads of one view, whatever their refresh counters. */
export function isSameRevision(a: Head, b: Head): boolean {
  return a.epoch === b.epoch && a.generation === b.generation;
}

/** True when both name the same pages in the same order. */
export function samePages(a: Pick<Head, "pages">, b: Pick<Head, "pages">): boolean {
  return a.pages.length === b.pages.length && a.pages.every((digest, at) => digest === b.pages[at]);
}

/** How long a member waits for a new refresh counter before it calls its mailbox stale; the hub writes one every 30 s. */
const STALE_AFTER_MS = 90_000;

/** Both in milliseconds of a clock that never goes back. */
export function isStale(lastRefreshAt: number, now: number): boolean {
  return now - lastRefreshAt >= STALE_AFTER_MS;
}

/** A view as it is kept on disk, to be believed again after a reboot. */
export interface StoredView {
  readonly signedHead: string;
  readonly pages: readonly string[];
}

/** Judges a view from disk like one from the wire: signature, audience, and each page's digest. */
export function verifyStored(stored: StoredView, pins: Pins): HeadVerdict {
  const verdict = judgeHead(stored.signedHead, pins, undefined);
  if (verdict.accepted === undefined || samePages(verdict.accepted, { pages: stored.pages.map(digestOf) }))
    return verdict;
  return refuse("malformed", "the stored pages are not those that the stored head names");
}

function spell({ epoch, generation, refresh }: Head): string {
  return `${epoch}.${generation} (refresh ${refresh})`;
}

function parseJSON(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function refuse(refused: HeadRefusal, message: string): HeadVerdict {
  return { refused, message };
}
