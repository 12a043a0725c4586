import { waitUntil } from "../../lab/wait.ts";
import { placeIn } from "./bench.ts";
import type { Bench, Way } from "./bench.ts";

/** Bytes of an echo request as it enters a tunnel: 56 of its own, ICMP and IPv4 headers. */
export const ECHO_BYTES = 84;
const EVERY_SECONDS = 0.002;

/** Round-trip times of so many echo requests from pod to pod, in milliseconds: the far end is its kernel's. */
export async function measureLatency(bench: Bench, way: Way, count: number): Promise<number[]> {
  const words = ["-n", "-c", String(count), "-i", String(EVERY_SECONDS), way.toAddress];
  const said = await placeIn(bench, way.from).run("ping", words, { signal: bench.signal, limitMs: 60_000 });
  return [...said.matchAll(/ time=([\d.]+) ms/g)].map(([, milliseconds]) => Number(milliseconds));
}

/** Waits until the far pod answers. */
export async function awaitAnswer(bench: Bench, way: Way): Promise<void> {
  const { lab, signal } = bench;
  const answers = (): Promise<true | undefined> =>
    placeIn(bench, way.from)
      .run("ping", ["-n", "-c", "1", "-W", "1", way.toAddress], { signal })
      .then(() => true as const)
      .catch(() => undefined);
  const missing = (): string => `${way.to} does not answer ${way.from}`;
  await waitUntil(answers, missing, { clock: lab.clock, signal, limitMs: 30_000 });
}
