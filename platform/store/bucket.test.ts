import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { NatsConnection } from "@nats-io/nats-core";
import { setTimeout as delay } from "node:timers/promises";
import { systemClock } from "../clock.ts";
import { createLog } from "../log.ts";
import { connectNats } from "../nats/connection.ts";
import { startTestNats } from "../testing/nats.ts";
import type { TestNats } from "../testing/nats.ts";
import { openBucket } from "./bucket.ts";
import type { Bucket } from "./bucket.ts";
import { createStoreBucket } from "./make-bucket.ts";

const log = createLog({ level: "silent", pretty: false });
const clock = systemClock;
let nats: TestNats;
let connection: NatsConnection;
let bucket: Bucket;
let controller: AbortController;

beforeEach(async () => {
  controller = new AbortController();
  const { signal } = controller;
  nats = await startTestNats();
  connection = await connectNats({ servers: [nats.url], name: "test", waitOnFirstConnect: false, clock, log, signal });
  await createStoreBucket({ connection, bucket: "b", clock, signal });
  bucket = await openBucket(connection, "b", clock, signal);
});
afterEach(async () => {
  controller.abort();
  await connection.closed();
  await nats.remove();
});

describe("a bucket", () => {
  test("writes a key only from the sequence that was seen, also over its deletion", async () => {
    const first = await bucket.put("k.a", "1", 0);
    await expect(bucket.put("k.a", "2", 0)).rejects.toMatchObject({ code: "conflict", retry: true });
    const second = await bucket.put("k.a", "2", first);
    const gone = await bucket.put("k.a", undefined, second);
    expect(await bucket.get("k.a")).toMatchObject({ key: "k.a", sequence: gone, value: undefined });
    await expect(bucket.put("k.a", "3", 0)).rejects.toMatchObject({ code: "conflict" });
    expect(await bucket.put("k.a", "3", gone)).toBeGreaterThan(gone);
  });

  test("gives each key once and in order, over many pages and while keys are written", async () => {
    const keys = Array.from({ length: 2_500 }, (_, n) => `k.${n}`);
    await Promise.all(keys.map((key) => bucket.put(key, "old", 0)));
    const scanning = bucket.scan("k", 1);
    const rewritten = await Promise.all(
      keys.slice(0, 50).map(async (key) => bucket.put(key, "new", (await bucket.get(key))?.sequence ?? 0)),
    );
    const entries = await scanning;
    expect(entries.map(({ key }) => key).toSorted()).toEqual(keys.toSorted());
    const sequences = entries.map(({ sequence }) => sequence);
    expect(sequences).toEqual(sequences.toSorted((a, b) => a - b));
    expect((await bucket.scan("k", Math.min(...rewritten))).length).toBe(50);
    expect(await bucket.scan("nothing", 1)).toEqual([]);
  });

  test("a write whose answer was late is done once, and known as our own", async () => {
    const sequence = await bucket.put("k.a", "0", 0);
    await nats.pause();
    const writing = bucket.put("k.a", "1", sequence);
    // Longer than one call may take, so that it is repeated.
    await delay(2_500);
    nats.resume();
    expect(await writing).toBe(sequence + 1);
    expect(await bucket.get("k.a")).toMatchObject({ value: "1", sequence: sequence + 1 });
    expect((await bucket.state()).lastSequence).toBe(sequence + 1);
  });

  test("that does not answer is told after 5 s; one whose connection is closed at once", async () => {
    await nats.pause();
    const start = performance.now();
    await expect(bucket.get("k.a")).rejects.toMatchObject({ code: "store-unreachable", retry: true });
    expect(performance.now() - start).toBeGreaterThan(4_000);
    nats.resume();
    controller.abort();
    await connection.closed();
    await expect(bucket.get("k.a")).rejects.toMatchObject({ code: "aborted", retry: false });
  });

  test("is made again without loss, and its settings brought up to date", async () => {
    await bucket.put("k.a", "1", 0);
    const { created } = await bucket.state();
    await createStoreBucket({ connection, bucket: "b", clock, signal: controller.signal });
    expect(await bucket.state()).toEqual({ created, lastSequence: 1 });
  });
});
