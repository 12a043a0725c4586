import { z } from "zod";
import { runIperf } from "../../lab/iperf.ts";
import type { Bench, Way } from "./bench.ts";

/** Left out of the figure: TCP finds its window. */
const WARM_UP_SECONDS = 1;

const report = z.object({
  intervals: z.array(z.object({ sum: z.object({ bytes: z.number() }) })),
  end: z.object({
    sum_sent: z.object({ bytes: z.number(), retransmits: z.number() }),
    sum_received: z.object({ bits_per_second: z.number() }),
  }),
});

export interface Throughput {
  /** As received. */
  readonly bitsPerSecond: number;
  readonly retransmits: number;
  /** Payload sent while it was measured. */
  readonly bytes: number;
  /** Payload sent in all, the warm-up included. */
  readonly allBytes: number;
}

/** TCP throughput of so many streams at once, from pod to pod, by iperf3. */
export async function measureThroughput(
  { lab, signal }: Bench,
  { from, to, toAddress: address }: Way,
  streams: number,
  seconds: number,
): Promise<Throughput> {
  const words = ["--parallel", String(streams), "--time", String(seconds), "--omit", String(WARM_UP_SECONDS)];
  const limits = { limitMs: (seconds + WARM_UP_SECONDS + 20) * 1_000, listens: { limitMs: 10_000, everyMs: 5 } };
  const said = await runIperf(lab, { from, to, address, words, ...limits }, signal);
  const { intervals, end } = report.parse(JSON.parse(said));
  return {
    bitsPerSecond: end.sum_received.bits_per_second,
    retransmits: end.sum_sent.retransmits,
    bytes: end.sum_sent.bytes,
    allBytes: intervals.reduce((sum, { sum: { bytes } }) => sum + bytes, 0),
  };
}
