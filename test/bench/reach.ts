import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { waitUntil } from "../../lab/wait.ts";
import { placeIn } from "./bench.ts";
import type { Bench, Way } from "./bench.ts";

const PROGRAM = fileURLToPath(new URL("./reach-probe.ts", import.meta.url));
const EVERY_MS = 5;
/** No answer for so long, on a machine that has a lot to do: out of reach. */
const SILENCE_MS = 1_000;
const LIMIT_MS = 60_000;

const change = z.object({ is: z.enum(["up", "down"]), at: z.number() });
const served = z.object({ port: z.number() });

/** Watches without a pause whether one pod reaches another. */
export interface Reach extends Disposable {
  readonly way: Way;
  /** Milliseconds of the wall clock when it first came into reach after `since`. @throws MeshError `timeout` */
  up(since: number): Promise<number>;
  /** Milliseconds of the wall clock when it was last in reach, once it is out of it. @throws MeshError `timeout` */
  down(since: number): Promise<number>;
}

/** Starts the two programs of `reach-probe.ts`, one in either pod; disposing ends them. */
export async function watchReach(bench: Bench, way: Way): Promise<Reach> {
  using started = new DisposableStack();
  const { lab, signal } = bench;
  const wait = { clock: lab.clock, signal, limitMs: LIMIT_MS, everyMs: 5 };
  const ports = follow(bench, way.to, ["echo"], served, started);
  const { port } = await waitUntil(
    () => ports[0],
    () => `${way.to} does not serve an echo`,
    wait,
  );
  const words = ["probe", way.toAddress, port, EVERY_MS, SILENCE_MS].map(String);
  const changes = follow(bench, way.from, words, change, started);
  const next = async (is: "up" | "down", since: number): Promise<number> => {
    const seen = (): number | undefined => changes.find((each) => each.is === is && each.at >= since)?.at;
    return waitUntil(seen, () => `${way.to} does not come to be ${is} for ${way.from}`, wait);
  };
  const ends = started.move();
  return {
    way,
    up: (since) => next("up", since),
    down: (since) => next("down", since),
    [Symbol.dispose]: () => ends.dispose(),
  };
}

/** What a program in a pod prints, a JSON value a line, as it comes. */
function follow<T>(
  bench: Bench,
  pod: string,
  words: readonly string[],
  line: z.ZodType<T>,
  ends: DisposableStack,
): T[] {
  const [nsenter = "nsenter", ...prefix] = placeIn(bench, pod).prefix;
  const child = spawn(nsenter, [...prefix, process.execPath, PROGRAM, ...words], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  ends.defer(() => child.kill("SIGKILL"));
  const read: T[] = [];
  createInterface({ input: child.stdout }).on("line", (text) => read.push(line.parse(JSON.parse(text))));
  return read;
}
