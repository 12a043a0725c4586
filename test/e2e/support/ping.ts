import type { Place } from "../../../lab/place.ts";
import { eventually } from "../../../platform/testing/eventually.ts";
import { orStop, startIn } from "./background.ts";

/** What became of a stream of pings. */
export interface Stream {
  readonly answered: number;
  /** Sequence numbers without an answer, up to the last that had one or an error: what was under way at the end is no loss. */
  readonly lost: readonly number[];
  /** How many of them somebody on the way said to be unreachable. The kernel tells a sender so a few times a second. */
  readonly unreachable: number;
}

export interface Pinging {
  readonly seen: () => Stream;
  readonly stop: () => Promise<Stream>;
}

/** Pings `address` every 10 ms, unless told otherwise, until it is stopped; resolves at the first answer. */
export async function startPings(from: Place, address: string, everyMs = 10): Promise<Pinging> {
  const ping = startIn(from, ["ping", "-n", "-i", String(everyMs / 1000), address]);
  const seen = (): Stream => readStream(ping.out());
  await orStop([ping], () => eventually(() => seen().answered > 0 || ping.out()));
  return {
    seen,
    stop: async () => {
      await ping.stop("SIGINT");
      return seen();
    },
  };
}

/** One ping a second at the most, until one is answered. */
export function awaitAnswer(from: Place, address: string, limitMs?: number): Promise<void> {
  return eventually(async () => {
    const said = await pingOnce(from, address);
    return said.includes("1 received") || said;
  }, limitMs);
}

/** Pings once. @returns what ping printed, whatever came of it */
export async function pingOnce({ run }: Place, address: string): Promise<string> {
  return run("sh", ["-c", 'ping -n -c 1 -W 1 "$0" || true', address]);
}

/** By IPv4, by IPv6. */
const UNREACHABLE =
  /From [^\n]*icmp_seq=(\d+) Destination (?:(?:Host|Net) Unreachable|unreachable: (?:No route|Address unreachable))/g;

function readStream(text: string): Stream {
  const answered = numbersOf(text, /bytes from [^\n]*icmp_seq=(\d+)/g);
  const refused = numbersOf(text, UNREACHABLE);
  const last = Math.max(0, ...answered, ...refused);
  const lost = Array.from({ length: last }, (_, at) => at + 1).filter((number) => !answered.has(number));
  return { answered: answered.size, lost, unreachable: refused.size };
}

function numbersOf(text: string, pattern: RegExp): Set<number> {
  return new Set([...text.matchAll(pattern)].map(([, number]) => Number(number)));
}
