import { spawn } from "node:child_process";
import { once } from "node:events";
import { eventually } from "../../../platform/testing/eventually.ts";
import type { Place } from "../../../lab/place.ts";

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

/** Pings `address` every 10 ms until it is stopped; resolves at the first answer. */
export async function startPings({ prefix }: Place, address: string): Promise<Pinging> {
  const words = [...prefix, "ping", "-n", "-i", "0.01", address];
  const child = spawn(words[0] ?? "", words.slice(1), { stdio: ["ignore", "pipe", "ignore"] });
  const ended = once(child, "close");
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (more: string) => (text += more));
  const seen = (): Stream => readStream(text);
  const stop = async (): Promise<Stream> => {
    child.kill("SIGINT");
    await ended;
    return seen();
  };
  try {
    await eventually(() => seen().answered > 0 || text);
  } catch (error) {
    await stop();
    throw error;
  }
  return { seen, stop };
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

function readStream(text: string): Stream {
  const answered = numbersOf(text, /bytes from [^\n]*icmp_seq=(\d+)/g);
  const refused = numbersOf(text, /From [^\n]*icmp_seq=(\d+) Destination (?:Host|Net) Unreachable/g);
  const last = Math.max(0, ...answered, ...refused);
  const lost = Array.from({ length: last }, (_, at) => at + 1).filter((number) => !answered.has(number));
  return { answered: answered.size, lost, unreachable: refused.size };
}

function numbersOf(text: string, pattern: RegExp): Set<number> {
  return new Set([...text.matchAll(pattern)].map(([, number]) => Number(number)));
}
