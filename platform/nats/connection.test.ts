import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { systemClock } from "../clock.ts";
import { createLog } from "../log.ts";
import { eventually } from "../testing/eventually.ts";
import { freePort } from "../testing/free-port.ts";
import { startTestNats } from "../testing/nats.ts";
import type { TestNats } from "../testing/nats.ts";
import { connectNats } from "./connection.ts";

const log = createLog({ level: "silent", pretty: false });
let nats: TestNats;
let controller = new AbortController();

beforeAll(async () => {
  nats = await startTestNats('authorization { token: "open-sesame" }');
});
afterAll(() => nats.remove());
afterEach(() => {
  controller.abort();
  controller = new AbortController();
});

const open = (change: Partial<Parameters<typeof connectNats>[0]> = {}) =>
  connectNats({
    servers: [nats.url],
    credentials: { token: "open-sesame" },
    name: "test",
    waitOnFirstConnect: false,
    clock: systemClock,
    log,
    signal: controller.signal,
    ...change,
  });

describe("a NATS connection", () => {
  test("carries messages and closes when its signal aborts", async () => {
    const connection = await open();
    const got = Promise.withResolvers<string>();
    connection.subscribe("greeting", { callback: (_, message) => got.resolve(message.string()) });
    connection.publish("greeting", "hello");
    expect(await got.promise).toBe("hello");
    controller.abort();
    await connection.closed();
  });

  test("a wrong credential is told as such", async () => {
    await expect(open({ credentials: { token: "wrong" } })).rejects.toMatchObject({
      code: "nats-refused",
      retry: false,
    });
  });

  test("a command is told at once which addresses were tried", async () => {
    const address = `nats://127.0.0.1:${await freePort()}`;
    await expect(open({ servers: [address] })).rejects.toMatchObject({
      code: "nats-unreachable",
      retry: true,
      message: expect.stringContaining(address),
    });
  });

  test("a daemon waits for the first server, and stops waiting when told", async () => {
    await nats.stop();
    const waiting = open({ waitOnFirstConnect: true });
    await nats.start();
    await (await waiting).flush();

    const nowhere = open({ servers: [`nats://127.0.0.1:${await freePort()}`], waitOnFirstConnect: true });
    controller.abort();
    await expect(nowhere).rejects.toMatchObject({ code: "aborted" });
  });

  test("comes back by itself after the server was killed, subscriptions too", async () => {
    const connection = await open();
    let seen = 0;
    connection.subscribe("tick", { callback: () => void (seen += 1) });
    await nats.stop("SIGKILL");
    await nats.start();
    await eventually(() => {
      connection.publish("tick");
      return seen > 0 || seen;
    });
  });

  test("closes within its limit while there is no server", async () => {
    const connection = await open();
    await nats.stop("SIGKILL");
    controller.abort();
    await connection.closed();
    await nats.start();
  });
});
