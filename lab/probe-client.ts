import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { MeshError } from "../platform/errors.ts";
import { listening, probeAnswer } from "./probe-protocol.ts";
import type { Listening, ProbeRequest, ProbeResult } from "./probe-protocol.ts";

/** A probe that runs in one pod. */
export interface Probe {
  readonly listens: Listening;
  ask(request: ProbeRequest): Promise<ProbeResult[]>;
}

const PROGRAM = fileURLToPath(new URL("./probe.ts", import.meta.url));

/** Starts a probe behind `prefix`, see Place; it lives until `signal` aborts. @throws MeshError `probe-failed` */
export async function startProbe(prefix: readonly string[], signal: AbortSignal): Promise<Probe> {
  const [program = "nsenter", ...words] = prefix;
  const flags = ["--disable-warning=ExperimentalWarning"];
  const child = spawn(program, [...words, process.execPath, ...flags, PROGRAM], {
    stdio: ["pipe", "pipe", "pipe"],
    signal,
    killSignal: "SIGKILL",
  });
  let said = "";
  child.stderr.on("data", (text: Buffer) => (said += text.toString()));
  child.on("error", (error) => (said += error.message));
  child.stdin.on("error", () => undefined);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<unknown> => {
    const { value, done } = await lines.next();
    if (done === true)
      throw new MeshError(
        "probe-failed",
        `the probe behind ${prefix.join(" ")} ended: ${said.trim() || "it said nothing"}`,
        { retry: true },
      );
    return JSON.parse(value);
  };
  return {
    listens: listening.parse(await next()),
    ask: async (request) => {
      child.stdin.write(`${JSON.stringify(request)}\n`);
      return probeAnswer.parse(await next());
    },
  };
}
