import { chmod, lstat, mkdir, rm } from "node:fs/promises";
import { connect, createServer } from "node:net";
import type { Server, Socket } from "node:net";
import path from "node:path";
import { MeshError, messageOf } from "../../platform/errors.ts";
import type { Log } from "../../platform/log.ts";
import type { Answer, PodWire } from "./answer.ts";
import { addAnswer, DONE, errorAnswer, versionAnswer } from "./answer.ts";
import type { CNICall } from "./call.ts";
import { readCall, versionOf } from "./call.ts";

/** What a runtime asks by one of the commands. */
export type Call<Command extends CNICall["command"]> = Extract<CNICall, { readonly command: Command }>;

/** What is done for a runtime. Each may throw: CNIError with a code of the specification, or MeshError. */
export interface CNICommands {
  add(call: Call<"ADD">): Promise<PodWire>;
  del(call: Call<"DEL">): Promise<void>;
  check(call: Call<"CHECK">): Promise<void>;
  gc(call: Call<"GC">): Promise<void>;
  status(call: Call<"STATUS">): Promise<void>;
}

/** Bytes of one question: the forwarder takes no more either. */
const LARGEST = 32 * 1024 * 1024;

/**
 * Listens at a unix socket for what forwarders hand over (forwarder.c), one question a connection, and answers each. A
 * socket file that an agent left behind is replaced.
 * @throws MeshError `cni-socket-in-use`, `cni-socket-unusable`
 * @returns when it listens; `done` settles when it has stopped and the file is gone
 */
export async function serveCNI(
  file: string,
  commands: CNICommands,
  log: Log,
  signal: AbortSignal,
): Promise<{ readonly done: Promise<void> }> {
  await makeRoom(file);
  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    open.add(socket);
    socket.on("close", () => open.delete(socket));
    socket.on("error", (error) => log.debug({ event: "cni-caller-gone", error }, messageOf(error)));
    listen(socket, async (question) => answerTo(question, commands, log));
  });
  await listening(server, file);
  server.on("error", (error) => log.error({ event: "cni-socket-failed", error }, messageOf(error)));
  // Whoever may ask decides what pods are given: root, as the runtime is.
  await chmod(file, 0o600);
  const stopped = Promise.withResolvers<void>();
  const stop = (): void => {
    server.close(() => stopped.resolve());
    for (const socket of open) socket.destroy();
  };
  if (signal.aborted) stop();
  else signal.addEventListener("abort", stop, { once: true });
  return { done: stopped.promise };
}

/** @throws MeshError `cni-socket-in-use` where somebody answers already, `cni-socket-unusable` */
async function makeRoom(file: string): Promise<void> {
  const unusable = (why: string, cause?: unknown): MeshError =>
    new MeshError("cni-socket-unusable", `--cni-socket ${file} ${why}`, { retry: false, cause });
  try {
    await mkdir(path.dirname(file), { recursive: true });
    const present = await lstat(file).catch(() => undefined);
    if (present === undefined) return;
    if (!present.isSocket()) throw unusable("is no socket; name another file");
    if (await answers(file)) {
      const message = `another agent answers at --cni-socket ${file}; end it, or name another file`;
      throw new MeshError("cni-socket-in-use", message, { retry: false });
    }
    await rm(file, { force: true });
  } catch (error) {
    throw error instanceof MeshError ? error : unusable(`can't be made: ${messageOf(error)}`, error);
  }
}

/** Whether somebody listens at a socket file: one that was left behind refuses. */
async function answers(file: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(file, () => resolve(true)).once("error", () => resolve(false));
  const isAnswered = await promise;
  socket.destroy();
  return isAnswered;
}

/** Hands a whole question on, and sends the answer. */
function listen(socket: Socket, answer: (question: Buffer) => Promise<Answer>): void {
  const parts: Buffer[] = [];
  let bytes = 0;
  socket.on("data", (part: Buffer) => {
    bytes += part.length;
    if (bytes > LARGEST) socket.destroy();
    else parts.push(part);
  });
  socket.on("end", () => {
    void answer(Buffer.concat(parts)).then((text) => socket.end(text));
  });
}

/** Never rejects: whatever goes wrong is an answer. */
async function answerTo(question: Buffer, commands: CNICommands, log: Log): Promise<Answer> {
  let call: CNICall | undefined;
  try {
    call = readCall(question);
    return await carryOut(call, commands);
  } catch (error) {
    log.warn({ event: "cni-failed", command: call?.command, error }, messageOf(error));
    return errorAnswer(error, versionOf(question));
  }
}

async function carryOut(call: CNICall, commands: CNICommands): Promise<Answer> {
  switch (call.command) {
    case "ADD":
      return addAnswer(call.version, await commands.add(call));
    case "DEL":
      await commands.del(call);
      return DONE;
    case "CHECK":
      await commands.check(call);
      return DONE;
    case "GC":
      await commands.gc(call);
      return DONE;
    case "STATUS":
      await commands.status(call);
      return DONE;
    case "VERSION":
      return versionAnswer(call.version);
  }
}

async function listening(server: Server, file: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject).listen(file, resolve);
  await promise;
  server.off("error", reject);
}
