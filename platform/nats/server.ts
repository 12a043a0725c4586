import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { MeshError } from "../errors.ts";
import type { Log } from "../log.ts";
import { WITH_PARENT } from "../run.ts";
import { parseServerLine } from "./server-log.ts";

export interface NatsServerOptions {
  /** Path of nats-server, see `findTool`. */
  readonly binary: string;
  readonly configFile: string;
  readonly log: Log;
  /** Stops the server: SIGTERM, after {@link STOP_LIMIT_MS} SIGKILL. */
  readonly signal: AbortSignal;
}

/** A nats-server that runs as a child of this process and dies with it. Whether to start another is the caller's to say. */
export interface NatsServer {
  /** Undefined when the program could not be started at all. */
  readonly pid: number | undefined;
  /** Resolves when clients can connect; rejects with `nats-server-exited`, or `aborted`, when that will never be. */
  readonly ready: Promise<void>;
  /** Resolves when the server has exited because it was told to; rejects with `nats-server-exited` when it exited by itself. */
  readonly done: Promise<void>;
  /** Resolves with the server's words when JetStream could not write: from then on it refuses every write, room or not. */
  readonly writesFailed: Promise<string>;
  /** Makes it read its configuration file again; what came of it is in the log. */
  reload(): void;
}

const STOP_LIMIT_MS = 5_000;
const LINES_KEPT = 20;
/**
 * What nats-server says when it gives up a stream, or all of JetStream, after a failed write; or when it refuses to write,
 * for it takes no more for its own than was free when it started, which on a full disk is nothing.
 */
const WRITE_FAILURE = /critical write error|JetStream out of \w+ resources|resource limits exceeded for server/i;

/** Starts nats-server on a configuration file. Its log must go to standard error (its default). */
export function startNatsServer({ binary, configFile, log, signal }: NatsServerOptions): NatsServer {
  // The next process would find the port taken.
  const [file, ...args] = [...WITH_PARENT, binary, "-c", configFile] as const;
  const child = spawn(file, args, { stdio: ["ignore", "ignore", "pipe"] });
  const ready = Promise.withResolvers<void>();
  const done = Promise.withResolvers<void>();
  const writesFailed = Promise.withResolvers<string>();
  // Whoever awaits one of the two learns of the failure; the other must not then end the process as unhandled.
  ready.promise.catch(() => undefined);
  done.promise.catch(() => undefined);

  const lastLines: string[] = [];
  createInterface({ input: child.stderr }).on("line", (text) => {
    const line = parseServerLine(text);
    log[line.level]({ event: "nats-server-log" }, line.message);
    lastLines.push(line.message);
    if (lastLines.length > LINES_KEPT) lastLines.shift();
    if (line.message === "Server is ready") ready.resolve();
    if (WRITE_FAILURE.test(line.message)) writesFailed.resolve(line.message);
  });

  const stopped = new AbortController();
  const stop = (): void => {
    child.kill("SIGTERM");
    const limit = setTimeout(() => child.kill("SIGKILL"), STOP_LIMIT_MS);
    stopped.signal.addEventListener("abort", () => clearTimeout(limit), { once: true });
  };
  if (signal.aborted) stop();
  else signal.addEventListener("abort", stop, { once: true, signal: stopped.signal });

  const settle = (outcome: string): void => {
    stopped.abort();
    if (signal.aborted) {
      ready.reject(new MeshError("aborted", "nats-server was told to stop", { retry: false }));
      done.resolve();
      return;
    }
    const said = lastLines.length === 0 ? "it said nothing" : `its last words:\n${lastLines.join("\n")}`;
    const error = new MeshError("nats-server-exited", `${binary} -c ${configFile} ${outcome}; ${said}`, {
      retry: true,
    });
    ready.reject(error);
    done.reject(error);
  };
  child.on("error", (error) => settle(`could not be started: ${error.message}`));
  child.on("close", (code, killedBy) => settle(killedBy === null ? `exited with ${code}` : `was ended by ${killedBy}`));

  return {
    pid: child.pid,
    ready: ready.promise,
    done: done.promise,
    writesFailed: writesFailed.promise,
    reload: () => void child.kill("SIGHUP"),
  };
}
