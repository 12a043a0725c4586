import { spawn } from "node:child_process";
import { once } from "node:events";
import { z } from "zod";
import { MeshError } from "../platform/errors.ts";
import { isListening } from "./daemons.ts";
import { findPlace } from "./place.ts";
import { stateOf } from "./state.ts";
import type { Lab } from "./state.ts";
import { waitUntil } from "./wait.ts";

const iperf = z.object({ end: z.object({ sum_received: z.object({ bits_per_second: z.number() }) }) });
const PORT = 5201;

/** TCP throughput of one stream from one place of the lab to another's address, in bits per second. */
export async function measureThroughput(
  lab: Lab,
  way: { readonly from: string; readonly to: string; readonly address: string },
  seconds: number,
  signal: AbortSignal,
): Promise<number> {
  const state = stateOf(lab);
  const [program = "nsenter", ...prefix] = findPlace(lab, state, way.to).prefix;
  const server = spawn(program, [...prefix, "iperf3", "--server", "--one-off", "--port", String(PORT)], {
    stdio: "ignore",
  });
  const ended = once(server, "close");
  try {
    await once(server, "spawn");
    const listens = (): true | undefined =>
      server.pid !== undefined && isListening(server.pid, PORT) ? true : undefined;
    await waitUntil(listens, () => `iperf3 does not listen on ${way.to}`, {
      clock: lab.clock,
      signal,
      limitMs: 5_000,
      everyMs: 10,
    });
    const words = ["--client", way.address, "--port", String(PORT), "--time", String(seconds), "--json"];
    const said = await findPlace(lab, state, way.from).run("iperf3", words, {
      signal,
      limitMs: (seconds + 10) * 1_000,
    });
    return iperf.parse(JSON.parse(said)).end.sum_received.bits_per_second;
  } catch (error) {
    if (error instanceof MeshError) throw error;
    throw new MeshError("no-throughput", `iperf3 from ${way.from} to ${way.to} gave no figure`, {
      retry: true,
      cause: error,
    });
  } finally {
    server.kill("SIGKILL");
    await ended;
  }
}
