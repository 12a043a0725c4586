import { z } from "zod";
import { MeshError } from "../platform/errors.ts";
import { runIperf } from "./iperf.ts";
import type { Lab } from "./state.ts";

const iperf = z.object({ end: z.object({ sum_received: z.object({ bits_per_second: z.number() }) }) });

/** TCP throughput of one stream from one place of the lab to another's address, in bits per second. */
export async function measureThroughput(
  lab: Lab,
  way: { readonly from: string; readonly to: string; readonly address: string },
  seconds: number,
  signal: AbortSignal,
): Promise<number> {
  const words = ["--time", String(seconds)];
  const limits = { limitMs: (seconds + 10) * 1_000, listens: { limitMs: 5_000, everyMs: 10 } };
  try {
    const said = await runIperf(lab, { ...way, words, ...limits }, signal);
    return iperf.parse(JSON.parse(said)).end.sum_received.bits_per_second;
  } catch (error) {
    if (error instanceof MeshError) throw error;
    throw new MeshError("no-throughput", `iperf3 from ${way.from} to ${way.to} gave no figure`, {
      retry: true,
      cause: error,
    });
  }
}
