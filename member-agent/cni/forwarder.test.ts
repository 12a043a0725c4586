import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { link, mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import type { Server, Socket } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { buffer } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { runner } from "../../platform/run.ts";
import { eventually } from "../../platform/testing/eventually.ts";

/** The program that a runtime starts, against an agent of a few lines. */

let builds: string;
let folder: string;
let servers: Server[];
/** Of those who asked; one that nobody reads would not notice that its other end is gone. */
let sockets: Socket[];

/** As it ships, and one that waits for nobody long. */
const program = (name: "patient" | "hasty") => path.join(builds, name);

beforeAll(async () => {
  builds = await mkdtemp(path.join(tmpdir(), "trestle-cni-"));
  const source = path.join(import.meta.dirname, "forwarder.c");
  const build = (name: "patient" | "hasty", ...limits: readonly string[]) =>
    runner()("gcc", ["-std=gnu17", "-O2", "-Wall", "-Wextra", "-Werror", ...limits, "-o", program(name), source]);
  await Promise.all([build("patient"), build("hasty", "-DPATIENCE_MS=1500", "-DANSWER_S=1")]);
});
afterAll(() => rm(builds, { recursive: true }));
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "trestle-cni-"));
  [servers, sockets] = [[], []];
});
afterEach(async () => {
  for (const server of servers) server.close();
  for (const socket of sockets) socket.destroy();
  await rm(folder, { recursive: true });
});

const socketFile = (name = "cni.sock") => path.join(folder, name);

/** Listens as an agent does; `answer` is called with each question when it is whole. */
async function listen(answer: (socket: Socket, question: Buffer) => void, file = socketFile()): Promise<void> {
  await serve((socket) => void questionOf(socket).then((question) => answer(socket, question)), file);
}

async function questionOf(socket: Socket): Promise<Buffer> {
  const parts: Buffer[] = [];
  socket.on("data", (part: Buffer) => parts.push(part));
  await once(socket, "end");
  return Buffer.concat(parts);
}

async function serve(onCall: (socket: Socket) => void, file = socketFile()): Promise<void> {
  // The runtime's end says that it is done asking, and goes on listening.
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.push(socket);
    // Whoever asks may be gone by now.
    socket.on("error", () => undefined);
    onCall(socket);
  });
  servers.push(server);
  server.listen(file);
  await once(server, "listening");
}

interface Options {
  readonly env?: Readonly<Record<string, string>>;
  readonly by?: "patient" | "hasty";
}

function start(input: string | Buffer, { env = {}, by = "patient" }: Options = {}) {
  const child = spawn(program(by), [], { env: { TRESTLE_CNI_SOCKET: socketFile(), ...env } });
  // It does not read on when it has read too much.
  child.stdin.on("error", () => undefined).end(input);
  const ended = Promise.all([buffer(child.stdout), once(child, "close") as Promise<[number]>]);
  return { child, ended: ended.then(([said, [code]]) => ({ said: said.toString(), code })) };
}

const run = (input: string | Buffer, options?: Options) => start(input, options).ended;

/** Of a run that ends with an error. */
async function failureOf(input: string | Buffer, options?: Options): Promise<unknown> {
  const { said, code } = await run(input, options);
  expect(code).toBe(1);
  return JSON.parse(said);
}

test("the agent gets the variables of the call and its input, the runtime the answer and its exit code", async () => {
  let asked = "";
  await listen((socket, question) => {
    asked = question.toString();
    socket.end('1\n{"code":7}\n\0');
  });
  const env = { CNI_COMMAND: "ADD", CNI_ARGS: "", HOME: "/root", XCNI_A: "no" };
  expect(await run('{"cniVersion":"1.1.0"}', { env })).toEqual({ said: '{"code":7}\n', code: 1 });
  expect(asked).toBe('CNI_COMMAND=ADD\0CNI_ARGS=\0\0{"cniVersion":"1.1.0"}');
});

/** So often stopped and let go on that whatever it is doing is broken off. */
async function interrupt({ pid = 0 }: ChildProcess): Promise<void> {
  for (let times = 0; times < 5; times += 1) {
    await eventually(() => stateOf(pid) === "S" || stateOf(pid));
    process.kill(pid, "SIGSTOP");
    await eventually(() => stateOf(pid) === "T" || stateOf(pid));
    process.kill(pid, "SIGCONT");
  }
}
/** S: it waits for something; T: it was stopped. proc_pid_stat(5) */
const stateOf = (pid: number) => readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.[0];

test("input and answer of megabytes pass whole, however they are cut up and broken off on the way", async () => {
  const large = Buffer.from(Array.from({ length: 400_000 }, (_, at) => String(at)).join(","));
  const { promise: asking, resolve: onAsked } = Promise.withResolvers<Socket>();
  await serve((socket) => onAsked(socket.pause()));
  const { child, ended } = start(large, { env: { CNI_COMMAND: "GC" } });
  const socket = await asking;
  // It writes until nothing more goes in, and then waits for its answer.
  await interrupt(child);
  const question = await questionOf(socket.resume());
  await interrupt(child);
  socket.write("0");
  socket.write("\n");
  socket.write(question.subarray(question.indexOf("\0\0") + 2));
  socket.end("\0");
  const { said, code } = await ended;
  expect(code).toBe(0);
  expect(said === large.toString()).toBe(true);
}, 60_000);

test("an agent that comes back is asked again: one that starts late, and one that dies before its answer is whole", async () => {
  const asking = run("{}", { env: { CNI_COMMAND: "ADD" } });
  const broken = ["", "0", "0\n", '0\n{"cniVersion"', '0\n{"cniVersion":"1.1.0"}\n'];
  let times = 0;
  await listen((socket) => {
    const part = broken[times];
    times += 1;
    if (part === undefined) socket.end("0\ndone\n\0");
    else socket.write(part, () => socket.destroy());
  });
  expect(await asking).toEqual({ said: "done\n", code: 0 });
  expect(times).toBe(broken.length + 1);
});

/** What an agent that was killed leaves: Node takes away the name that it knows. */
async function leaveSocketBehind(): Promise<void> {
  const killed = createServer().listen(socketFile("bound"));
  await once(killed, "listening");
  await link(socketFile("bound"), socketFile());
  await new Promise((resolve) => killed.close(resolve));
}

test("a socket that a killed agent left behind is asked at until the next one listens there", async () => {
  await leaveSocketBehind();
  const asking = run("{}");
  await delay(300);
  await rm(socketFile());
  await listen((socket) => socket.end("0\n\0"));
  expect(await asking).toEqual({ said: "", code: 0 });
});

test("a socket at which nobody comes to listen is an error in the words of the specification", async () => {
  await leaveSocketBehind();
  const msg = `trestle-cni: is the agent of this node running? nobody answers at ${socketFile()}`;
  expect(await failureOf("{}", { by: "hasty" })).toEqual({ cniVersion: "1.0.0", code: 11, msg });
});

test("an agent that takes the call and stays silent is one as well, and is not asked twice", async () => {
  let times = 0;
  await listen(() => (times += 1));
  expect(await failureOf("{}", { by: "hasty" })).toMatchObject({
    code: 11,
    msg: expect.stringContaining("took the call, and no answer came"),
  });
  expect(times).toBe(1);
});

test("an agent that does not even read is the same", async () => {
  await serve((socket) => socket.pause());
  const failure = await failureOf(Buffer.alloc(4 << 20, " "), { by: "hasty" });
  expect(failure).toMatchObject({ code: 11, msg: expect.stringContaining("took the call") });
});

test("an error is in the version of the caller, as far as it names one", async () => {
  const versions = [
    ['{ "cniVersion" : "1.1.0", "name": "pods" }', "1.1.0"],
    [String.raw`{"args":"\"cniVersion\":\"9\"","more":{"cniVersion":"8"},"cniVersion":"1.1.0"}`, "1.1.0"],
    ["{}", "1.0.0"],
    ['{"cniVersion":7}', "1.0.0"],
    ['{"cniVersion":"1.%s\t"}', "1.0.0"],
    [String.raw`{"cniVersion":"1.\n\"`, "1.0.0"],
    [`{"cniVersion":"${"1".repeat(300)}"}`, "1.0.0"],
  ] as const;
  const failures = await Promise.all(versions.map(([input]) => failureOf(input, { by: "hasty" })));
  expect(failures).toEqual(versions.map(([, cniVersion]) => expect.objectContaining({ cniVersion, code: 11 })));
});

test("the socket of the configuration is asked, before that of the environment", async () => {
  await listen((socket) => socket.end("0\nenvironment\n\0"));
  await listen((socket) => socket.end("0\nconfiguration\n\0"), socketFile("other"));
  expect(await run("{}")).toMatchObject({ said: "environment\n" });
  const other = JSON.stringify(socketFile("other"));
  const inputs = [
    `{"cniVersion":"1.1.0","socket":${other},"name":"socket"}`,
    ` { "name" : "a" , "socket" \n:\t${other} } `,
    `{"a":{"socket":"/nowhere"},"b":["socket",{"socket":7}],"c":"}\\"]","d":"\\\\","socket":${other}}`,
  ];
  for (const input of inputs) expect(await run(input)).toMatchObject({ said: "configuration\n" });
});

test("what only looks like a socket of the configuration is none", async () => {
  await listen((socket) => socket.end("0\n\0"));
  const inputs = [
    '{"name":"socket","type":":"}',
    '{"a":{"socket":"/nowhere"},"b":[{"socket":"/nowhere"}]}',
    String.raw`{"a":"\"socket\":\"/nowhere\"","b":"\\\",\"socket\":\"/nowhere"}`,
    '{"sockets":"/nowhere","socke":"/nowhere","Socket":"/nowhere"}',
    // Of these the agent tells that they are no JSON.
    '{"socket',
    '{"socket\\',
    '"socket"',
    "}{",
    "",
    "\0",
  ];
  for (const input of inputs) expect(await run(input)).toEqual({ said: "", code: 0 });
});

test.each([
  '{"socket":7}',
  '{"socket":null}',
  '{"socket":""}',
  '{"socket":["/a"]}',
  '{"socket":"relative"}',
  '{"socket":"/a","socket":"/a"}',
  '{"socket":"/a","name":"b","socket":null}',
  String.raw`{"socket":"/a\u002fb"}`,
  String.raw`{"s\u006fcket":"/a"}`,
  '{"socket":"/a\nb"}',
  '{"socket":"/ä"}',
  `{"socket":"/${"a".repeat(107)}"}`,
  '{"socket":"/a',
  '{"socket":',
  '{"socket" : x"/a"}',
  '{"a":"socket":"',
])("a socket that can't be read for sure is an error of the configuration: %s", async (input) => {
  await listen(() => undefined);
  expect(await failureOf(input)).toMatchObject({ code: 7, msg: expect.stringContaining('"socket"') });
});

test.each(["", "relative", '/a"b', "/a\\b", "/a\nb", `/${"a".repeat(107)}`])(
  "a socket of the environment that can't be one is an error of the environment: %j",
  async (file) => {
    const failure = await failureOf("{}", { env: { TRESTLE_CNI_SOCKET: file } });
    expect(failure).toMatchObject({ code: 4, msg: expect.stringContaining("TRESTLE_CNI_SOCKET") });
  },
);

test("input past all measure is refused, and nothing is asked", async () => {
  await listen(() => undefined);
  expect(await failureOf(Buffer.alloc(40 << 20, " "))).toMatchObject({ code: 6 });
});
