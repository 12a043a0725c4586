import { afterEach, expect, test } from "@jest/globals";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { systemClock } from "../../platform/clock.ts";
import { eventually } from "../../platform/testing/eventually.ts";
import { HEARTBEAT_PORT } from "../../tunnel/marks.ts";
import { encodePathMessage } from "./path-message.ts";
import { PathProbe } from "./path-probe.ts";
import type { ProbePath } from "./probe-paths.ts";

/** All of 127.0.0.0/8 is this machine's, so loopback has health addresses for as many gateways as are wanted. */
const NET = `127.${100 + Math.floor(Math.random() * 100)}.${Math.floor(Math.random() * 256)}`;
const EAST = `${NET}.1`;
const WEST = `${NET}.2`;
const NOBODY = `${NET}.3`;

const path = (from: string, to: string, changes: Partial<ProbePath> = {}): ProbePath => ({
  cluster: to,
  rank: 0,
  kind: "VXLAN",
  from,
  to,
  sends: "WireGuard",
  wants: "VXLAN",
  everyMs: 50,
  ...changes,
});

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

function start(paths: readonly ProbePath[]): PathProbe {
  const life = new AbortController();
  const probe = new PathProbe(systemClock);
  probe.follow(paths);
  const running = probe.run(life.signal);
  ends.push(async () => {
    life.abort();
    await running;
  });
  return probe;
}

test("an answered probe proves its path, says what the other side sends by, and measures the time it took", async () => {
  const east = start([path(EAST, WEST)]);
  start([path(WEST, EAST, { sends: "VXLAN", everyMs: undefined })]);
  await eventually(() => east.heard(WEST, 0, "VXLAN")?.provenFor === "VXLAN");
  const heard = east.heard(WEST, 0, "VXLAN");
  expect(heard?.theyUse).toEqual(["VXLAN", "VXLAN"]);
  expect(heard?.rttMs).toBeGreaterThan(0);
  expect(heard?.rttMs).toBeLessThan(30_000);
  const first = heard?.provenMs ?? Infinity;
  await eventually(() => (east.heard(WEST, 0, "VXLAN")?.provenMs ?? 0) > first);
});

test("who answers without asking hears of the other side all the same, and proves nothing", async () => {
  start([path(EAST, WEST)]);
  const west = start([path(WEST, EAST, { everyMs: undefined })]);
  await eventually(() => west.heard(EAST, 0, "VXLAN")?.heardMs !== undefined);
  expect(west.heard(EAST, 0, "VXLAN")).toEqual({
    heardMs: expect.any(Number),
    theyUse: ["WireGuard", "VXLAN"],
  });
});

test("a path that is no longer followed is not answered, and what was heard of it is gone", async () => {
  const east = start([path(EAST, WEST)]);
  const west = start([path(WEST, EAST)]);
  await eventually(() => east.heard(WEST, 0, "VXLAN")?.provenMs !== undefined);
  west.follow([path(WEST, NOBODY)]);
  const silentMs = (): number => systemClock.monotonic() - (east.heard(WEST, 0, "VXLAN")?.provenMs ?? 0);
  await eventually(() => silentMs() > 300 || silentMs());
  expect(west.heard(EAST, 0, "VXLAN")).toBeUndefined();
});

test("an address that nobody knows is not answered, and an answer that was not asked for proves nothing", async () => {
  const east = start([path(EAST, WEST, { everyMs: undefined })]);
  const stranger = createSocket("udp4");
  const west = createSocket("udp4");
  ends.push(async () => void (await Promise.all([stranger, west].map(async (socket) => socket.close()))));
  stranger.bind(HEARTBEAT_PORT, NOBODY);
  west.bind(HEARTBEAT_PORT, WEST);
  await Promise.all([stranger, west].map((socket) => once(socket, "listening")));
  const words = { sends: "WireGuard", wants: "WireGuard", sequence: 1, nonce: 7n } as const;
  const answers: string[] = [];
  stranger.on("message", () => answers.push("stranger"));
  west.on("message", () => answers.push("west"));
  const say = (): void => {
    stranger.send(encodePathMessage({ type: "probe", ...words }), HEARTBEAT_PORT, EAST);
    west.send(encodePathMessage({ type: "answer", ...words }), HEARTBEAT_PORT, EAST);
    west.send("nonsense", HEARTBEAT_PORT, EAST);
    west.send(encodePathMessage({ type: "probe", ...words }), HEARTBEAT_PORT, EAST);
  };
  await eventually(() => {
    if (answers.length === 0) say();
    return answers.length > 0;
  });
  expect(new Set(answers)).toEqual(new Set(["west"]));
  expect(east.heard(WEST, 0, "VXLAN")?.provenMs).toBeUndefined();
});

test("thousands of paths are asked without a flood: at most two thousand probes a second, whatever their pace", async () => {
  const west = createSocket({ type: "udp4", recvBufferSize: 1 << 20 });
  ends.push(async () => void west.close());
  west.bind(HEARTBEAT_PORT, WEST);
  await once(west, "listening");
  let asked = 0;
  west.on("message", () => (asked += 1));
  const beganMs = systemClock.monotonic();
  start(Array.from({ length: 3_000 }, (_, at) => path(EAST, WEST, { cluster: `c${at}`, everyMs: 200 })));
  await eventually(() => asked > 1_000 || asked);
  expect(asked).toBeLessThan(2 * (systemClock.monotonic() - beganMs) + 200);
});
