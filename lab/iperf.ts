import { spawn } from "node:child_process";
import { once } from "node:events";
import { isListening } from "./daemons.ts";
import { findPlace } from "./place.ts";
import { stateOf } from "./state.ts";
import type { Lab } from "./state.ts";
import { waitUntil } from "./wait.ts";

const PORT = 5201;

/** One run of iperf3 between two places of a lab. */
export interface IperfRun {
  readonly from: string;
  readonly to: string;
  /** Of `to`, as `from` dials it. */
  readonly address: string;
  /** What the client is told beside whom to dial, e.g. `--time 3`. */
  readonly words: readonly string[];
  /** Milliseconds the client may take. */
  readonly limitMs: number;
  /** How long, and how often, it is looked whether the server listens. */
  readonly listens: { readonly limitMs: number; readonly everyMs: number };
}

/** Starts a server, runs a client against it, and resolves with the client's JSON as text; the server is gone afterwards. */
export async function runIperf(lab: Lab, run: IperfRun, signal: AbortSignal): Promise<string> {
  const state = stateOf(lab);
  const [program = "nsenter", ...prefix] = findPlace(lab, state, run.to).prefix;
  const server = spawn(program, [...prefix, "iperf3", "--server", "--one-off", "--port", String(PORT)], {
    stdio: "ignore",
  });
  const ended = once(server, "close");
  try {
    await once(server, "spawn");
    const listens = (): true | undefined =>
      server.pid !== undefined && isListening(server.pid, PORT) ? true : undefined;
    const wait = { clock: lab.clock, signal, ...run.listens };
    await waitUntil(listens, () => `iperf3 does not listen on ${run.to}`, wait);
    const words = ["--client", run.address, "--port", String(PORT), ...run.words, "--json"];
    return await findPlace(lab, state, run.from).run("iperf3", words, { signal, limitMs: run.limitMs });
  } finally {
    server.kill("SIGKILL");
    await ended;
  }
}
