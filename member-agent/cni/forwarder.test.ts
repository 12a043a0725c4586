import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import type { Server, Socket } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { buffer } from "node:stream/consumers";
import { findTool } from "../../platform/tools.ts";

/** The program that a runtime starts, against an agent of a few lines. */

let folder: string;
let servers: Server[];

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "trestle-cni-"));
  servers = [];
});
afterEach(async () => {
  for (const server of servers) server.close();
  await rm(folder, { recursive: true });
});

const socketFile = () => path.join(folder, "cni.sock");

/** Listens as an agent does; `answer` is called with each question when it is whole. */
async function listen(answer: (socket: Socket, question: Buffer) => void): Promise<Server> {
  // The runtime's end says that it is done asking, and goes on listening.
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const parts: Buffer[] = [];
    socket.on("data", (part: Buffer) => parts.push(part));
    socket.on("end", () => answer(socket, Buffer.concat(parts)));
  });
  servers.push(server);
  server.listen(socketFile());
  await once(server, "listening");
  return server;
}

async function run(input: string | Buffer, env: Readonly<Record<string, string>> = {}) {
  const child = spawn(findTool("trestle-cni", ""), [], { env: { TRESTLE_CNI_SOCKET: socketFile(), ...env } });
  // It does not read on when it has read too much.
  child.stdin.on("error", () => undefined).end(input);
  const [said, [code]] = await Promise.all([buffer(child.stdout), once(child, "close") as Promise<[number]>]);
  return { said: said.toString(), code };
}

test("the agent gets the variables of the call and its input, the runtime the answer and its exit code", async () => {
  let asked = "";
  await listen((socket, question) => {
    asked = question.toString();
    socket.end('1\n{"code":7}\n');
  });
  const said = await run('{"cniVersion":"1.1.0"}', { CNI_COMMAND: "ADD", CNI_ARGS: "", HOME: "/root", XCNI_A: "no" });
  expect(said).toEqual({ said: '{"code":7}\n', code: 1 });
  expect(asked).toBe('CNI_COMMAND=ADD\0CNI_ARGS=\0\0{"cniVersion":"1.1.0"}');
});

test("input and answer of megabytes pass whole, however they are cut up on the way", async () => {
  const large = Buffer.from(Array.from({ length: 400_000 }, (_, at) => String(at)).join(","));
  await listen((socket, question) => {
    socket.write("0");
    socket.write("\n");
    socket.end(question.subarray(question.indexOf("\0\0") + 2));
  });
  const { said, code } = await run(large, { CNI_COMMAND: "GC" });
  expect(code).toBe(0);
  expect(said === large.toString()).toBe(true);
});

test("an agent that comes back is asked again: one that starts late, and one that dies before its answer is whole", async () => {
  const asking = run("{}", { CNI_COMMAND: "ADD" });
  let times = 0;
  await listen((socket) => {
    times += 1;
    if (times === 1) socket.destroy();
    else if (times === 2) socket.end("0");
    else socket.end("0\ndone\n");
  });
  expect(await asking).toEqual({ said: "done\n", code: 0 });
  expect(times).toBe(3);
});

test("when nobody answers it says so after a while, in the words of the specification and in the caller's version", async () => {
  const versions = new Map([
    ['{ "cniVersion" : "1.1.0", "name": "pods" }', "1.1.0"],
    ["{}", "1.0.0"],
    ['{"cniVersion":7}', "1.0.0"],
    [String.raw`{"cniVersion":"1.\n\"`, "1."],
  ]);
  await Promise.all(
    [...versions].map(async ([input, cniVersion]) => {
      const { said, code } = await run(input, { CNI_COMMAND: "DEL" });
      expect(code).toBe(1);
      expect(JSON.parse(said)).toEqual({ cniVersion, code: 11, msg: expect.stringContaining("does not answer") });
    }),
  );
}, 60_000);

test("input past all measure is refused, and nothing is asked", async () => {
  await listen(() => undefined);
  const { said, code } = await run(Buffer.alloc(40 << 20, " "));
  expect(code).toBe(1);
  expect(JSON.parse(said)).toMatchObject({ code: 6 });
});
