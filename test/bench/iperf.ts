import { spawn } from "node:child_process";
import { once } from "node:events";
import { z } from "zod";
import { isListening } from "../../lab/daemons.ts";
import { waitUntil } from "../../lab/wait.ts";
import { placeIn } from "./bench.ts";
import type { Bench, Way } from "./bench.ts";

const PORT = 5201;
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
export async function measureThroughput(bench: Bench, way: Way, streams: number, seconds: number): Promise<Throughput> {
  const { lab, signal } = bench;
  const [program = "nsenter", ...prefix] = placeIn(bench, way.to).prefix;
  const server = spawn(program, [...prefix, "iperf3", "--server", "--one-off", "--port", String(PORT)], {
    stdio: "ignore",
  });
  const ended = once(server, "close");
  try {
    await once(server, "spawn");
    const listens = (): true | undefined =>
      server.pid !== undefined && isListening(server.pid, PORT) ? true : undefined;
    const wait = { clock: lab.clock, signal, limitMs: 10_000, everyMs: 5 };
    await waitUntil(listens, () => `iperf3 does not listen on ${way.to}`, wait);
    const where = ["--client", way.toAddress, "--port", String(PORT), "--parallel", String(streams)];
    const how = ["--time", String(seconds), "--omit", String(WARM_UP_SECONDS), "--json"];
    const limitMs = (seconds + WARM_UP_SECONDS + 20) * 1_000;
    const said = await placeIn(bench, way.from).run("iperf3", [...where, ...how], { signal, limitMs });
    const { sum_sent: sent, sum_received: received } = report.parse(JSON.parse(said)).end;
    return { bitsPerSecond: received.bits_per_second, retransmits: sent.retransmits, bytes: sent.bytes };
  } finally {
    server.kill("SIGKILL");
    await ended;
  }
}
