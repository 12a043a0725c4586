import { spawn } from "node:child_process";
import type { ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:os";
import type { Readable, Writable } from "node:stream";
import { getSystemErrorName } from "node:util";
import type { Ended, Launch } from "../run.ts";

/** Starts programs by a process of its own that is small (launcher.c), from which that takes a fraction of the time. */
export interface Launcher {
  readonly launch: Launch;
  /** Its process, if it has started one; its programs are children of that. */
  readonly pid: number | undefined;
  /** Ends that process; programs that run meanwhile are told to have been ended by a signal. */
  close(): Promise<void>;
}

interface Pending {
  readonly settle: (ended: Ended) => void;
  by?: "limit" | "abort";
}

/** Of a message of ours: id, arguments, bytes of them, bytes of input; of an answer: id, status, bytes of both outputs. */
const HEAD_BYTES = 16;
const NOT_STARTED = -1000;
const SIGNALS = Object.entries(constants.signals) as [NodeJS.Signals, number][];

/**
 * Starts the launcher at `file`, through `prefix` where the programs are to run in another place. When it ends before its
 * time, what ran is told as ended by a signal, and the next program has it started again.
 */
export function openLauncher(file: string, prefix: readonly string[] = []): Launcher {
  const [program, ...rest] = [...prefix, file];
  let present: Line | undefined;
  const line = (): Line => (present = present?.isOpen === true ? present : new Line(program, rest));
  return {
    get pid() {
      return present?.pid;
    },
    launch: (program, args, { stdin = "", limitMs, signal }) =>
      new Promise((settle) => {
        if (signal?.aborted === true) return settle({ ...NOTHING, by: "abort" });
        const on = line();
        const pending: Pending = {
          settle: (ended) => {
            clearTimeout(limit);
            signal?.removeEventListener("abort", abort);
            settle(ended);
          },
        };
        const id = on.ask([program, ...args], stdin, pending);
        const end = (by: "limit" | "abort"): void => {
          pending.by ??= by;
          on.kill(id);
        };
        const abort = (): void => end("abort");
        const limit = setTimeout(() => end("limit"), limitMs);
        signal?.addEventListener("abort", abort, { once: true });
      }),
    close: async () => {
      await present?.close();
    },
  };
}

const NOTHING: Ended = { exitCode: undefined, stdout: "", stderr: "" };

/** One life of the launcher's process. */
class Line {
  readonly #process: ChildProcessByStdio<Writable, Readable, null>;
  readonly #closed: Promise<unknown>;
  readonly #pending = new Map<number, Pending>();
  #next = 1;
  #received: Buffer[] = [];
  #bytes = 0;
  isOpen = true;

  constructor(file: string, args: readonly string[]) {
    this.#process = spawn(file, args, { stdio: ["pipe", "pipe", "inherit"] });
    this.#closed = once(this.#process, "close").catch(() => undefined);
    this.#process.stdin.on("error", () => undefined);
    this.#process.stdout.on("data", (bytes: Buffer) => this.#receive(bytes));
    for (const event of ["error", "close"]) this.#process.on(event, () => this.#end());
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** @returns by what id the program can be killed */
  ask(words: readonly string[], stdin: string, pending: Pending): number {
    const id = this.#next++;
    this.#pending.set(id, pending);
    const text = Buffer.from(words.map((word) => `${word}\0`).join(""));
    const input = Buffer.from(stdin);
    this.#process.stdin.write(Buffer.concat([head(id, words.length, text.length, input.length), text, input]));
    return id;
  }

  kill(id: number): void {
    this.#process.stdin.write(head(id, 0, 0, 0));
  }

  async close(): Promise<void> {
    this.#process.stdin.end();
    await this.#closed;
  }

  #receive(bytes: Buffer): void {
    this.#received.push(bytes);
    this.#bytes += bytes.length;
    for (let answer = this.#answer(); answer !== undefined; answer = this.#answer()) {
      const [id, status, stdout, stderr] = answer;
      const pending = this.#pending.get(id);
      this.#pending.delete(id);
      pending?.settle({ stdout, stderr, ...endOf(status, pending.by) });
    }
  }

  /** The first whole answer of what was received, taken out of it. */
  #answer(): readonly [id: number, status: number, stdout: string, stderr: string] | undefined {
    if (this.#bytes < HEAD_BYTES) return undefined;
    if ((this.#received[0]?.length ?? 0) < HEAD_BYTES) this.#received = [Buffer.concat(this.#received)];
    const [first = Buffer.alloc(HEAD_BYTES)] = this.#received;
    const [out, err] = [first.readUInt32LE(8), first.readUInt32LE(12)];
    const size = HEAD_BYTES + out + err;
    if (this.#bytes < size) return undefined;
    const whole = this.#received.length === 1 ? first : Buffer.concat(this.#received);
    this.#received = whole.length === size ? [] : [whole.subarray(size)];
    this.#bytes -= size;
    const text = whole.toString("utf8", HEAD_BYTES, HEAD_BYTES + out);
    return [whole.readUInt32LE(0), whole.readInt32LE(4), text, whole.toString("utf8", HEAD_BYTES + out, size)];
  }

  #end(): void {
    this.isOpen = false;
    const all = [...this.#pending.values()];
    this.#pending.clear();
    for (const { settle, by } of all) settle({ ...NOTHING, by: by ?? "SIGKILL" });
  }
}

function head(...numbers: readonly [number, number, number, number]): Buffer {
  const bytes = Buffer.alloc(HEAD_BYTES);
  numbers.forEach((number, at) => bytes.writeUInt32LE(number, 4 * at));
  return bytes;
}

function endOf(status: number, by: Pending["by"]): Partial<Ended> & Pick<Ended, "exitCode"> {
  if (status >= 0) return { exitCode: status, by };
  if (status <= NOT_STARTED) {
    const why = getSystemErrorName(status - NOT_STARTED);
    return {
      exitCode: undefined,
      by: by ?? (why === "ENOENT" ? "missing" : undefined),
      stderr: `could not be started: ${why}`,
    };
  }
  const [name] = SIGNALS.find(([, number]) => number === -status) ?? ["SIGKILL"];
  return { exitCode: undefined, by: by ?? name };
}
