import path from "node:path";
import { z } from "zod";
import type { Place } from "../../../lab/place.ts";
import { eventually } from "../../../platform/testing/eventually.ts";
import { orStop, startIn } from "./background.ts";
import type { Background } from "./background.ts";

const PROGRAM = path.join(import.meta.dirname, "stream-program.ts");

const talk = z.strictObject({
  /** Bytes. */
  received: z.number(),
  /** Position of the first byte that was not the one that was sent. */
  wrongAt: z.number().optional(),
  /** Why the connection is over. */
  ended: z.string().optional(),
  /** Longest time without a byte, in milliseconds. */
  silenceMs: z.number(),
});

/** What one end of a connection says of it. */
export type Talk = z.infer<typeof talk>;

/** A TCP connection that carries known bytes both ways. */
export interface CheckedStream {
  /** At either end: who connected, who was dialled. */
  readonly seen: () => readonly [Talk, Talk];
  readonly stop: () => Promise<readonly [Talk, Talk]>;
}

/** Connects from one place to another, at `address`; resolves once bytes came both ways. */
export async function startStream(from: Place, to: Place, address: string): Promise<CheckedStream> {
  const server = startIn(to, [process.execPath, PROGRAM, "serve"]);
  await orStop([server], () => eventually(() => server.out().includes("\n") || server.err()));
  const client = startIn(from, [process.execPath, PROGRAM, "connect", address, server.out().trim()]);
  const ends = [client, server];
  const seen = (): readonly [Talk, Talk] => [lastOf(client), lastOf(server)];
  await orStop(ends, () => eventually(() => seen().every(({ received }) => received > 0) || seen()));
  return {
    seen,
    stop: async () => {
      const last = seen();
      await Promise.all(ends.map(({ stop }) => stop("SIGKILL")));
      return last;
    },
  };
}

/** The last whole line that is a report; the server's first is its port. */
function lastOf({ out, err }: Background): Talk {
  const line = out()
    .split("\n")
    .slice(0, -1)
    .findLast((text) => text.startsWith("{"));
  return line === undefined
    ? { received: 0, silenceMs: 0, ...(err() !== "" && { ended: err() }) }
    : talk.parse(JSON.parse(line));
}
