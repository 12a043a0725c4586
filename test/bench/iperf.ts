import { z } from "zod";
import { runIperf } from "../../lab/iperf.ts";
import type { Bench, Way } from "./bench.ts";

/** Left out of the figure: TCP finds its window. */
const WARM_UP_SECONDS = 1;

const report = z.object({
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
  const { sum_sent: sent, sum_received: received } = report.parse(JSON.parse(said)).end;
  return { bitsPerSecond: received.bits_per_second, retransmits: sent.retransmits, bytes: sent.bytes };
}
