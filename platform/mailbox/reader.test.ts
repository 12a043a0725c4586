import { jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/nats-core";
import { connect } from "@nats-io/transport-node";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { systemClock } from "../clock.ts";
import { generateSeed, openSigner } from "../identity/signature.ts";
import { createLog } from "../log.ts";
import { connectNats } from "../nats/connection.ts";
import { headSubject, pageSubject } from "../nats/subjects.ts";
import { eventually } from "../testing/eventually.ts";
import { manualClock } from "../testing/manual-clock.ts";
import type { ManualClock } from "../testing/manual-clock.ts";
import { startTestNats } from "../testing/nats.ts";
import type { TestNats } from "../testing/nats.ts";
import { digestOf, pageOf } from "./digest.ts";
import type { Head } from "./head.ts";
import { MailboxReader } from "./reader.ts";
import type { AcceptedView, ReaderParts } from "./reader.ts";
import { signText } from "./signed.ts";
import { ViewBucket } from "./view-bucket.ts";

const log = createLog({ level: "silent", pretty: false });
const hub = openSigner(generateSeed());
const pins = { mesh: "m1", member: "east", hubKey: hub.publicKey };
let nats: TestNats;
let life: AbortController;
let hubSide: NatsConnection;
let nc: NatsConnection;
let bucket: ViewBucket;
let clock: ManualClock;
let views: AcceptedView[];

beforeAll(async () => {
  nats = await startTestNats();
});
afterAll(() => nats.remove());
beforeEach(async () => {
  life = new AbortController();
  clock = manualClock();
  views = [];
  const connect = (name: string) =>
    connectNats({ servers: [nats.url], name, waitOnFirstConnect: false, clock: systemClock, log, signal: life.signal });
  [hubSide, nc] = await Promise.all([connect("hub"), connect("east")]);
  bucket = await ViewBucket.open(hubSide, { clock: systemClock, signal: life.signal });
  await bucket.purge("$KV.view.>");
});
afterEach(async () => {
  life.abort();
  await Promise.all([hubSide.closed(), nc.closed()]);
});

/** A reader whose subscription the server knows of. */
async function open(change: Partial<ReaderParts> = {}): Promise<MailboxReader> {
  const onView = (view: AcceptedView) => void views.push(view);
  const reader = new MailboxReader({ nc, pins, onView, clock, log, random: () => 0.5, signal: life.signal, ...change });
  await nc.flush();
  return reader;
}

function signHead(pages: readonly string[], change: Partial<Head> = {}): string {
  const head: Head = {
    wireVersion: 1,
    mesh: "m1",
    member: "east",
    epoch: 1,
    generation: 1,
    refresh: 0,
    pages: pages.map(digestOf),
    ...change,
  };
  return signText("head", JSON.stringify(head), hub);
}

async function put(subject: string, text: string): Promise<void> {
  hubSide.publish(subject, text);
  await hubSide.flush();
}

async function publish(pages: readonly string[], change: Partial<Head> = {}): Promise<string> {
  for (const page of pages) await put(pageSubject("east", digestOf(page)), page);
  const text = signHead(pages, change);
  await put(headSubject("east"), text);
  return text;
}

/** From here on what is stored is not sent on, as if each push was lost. */
async function stopPushing(): Promise<void> {
  const { streams } = await jetstreamManager(hubSide);
  await streams.delete("KV_view");
  await streams.add({ name: "KV_view", subjects: ["$KV.view.>"], max_msgs_per_subject: 1, allow_direct: true });
}

const generations = () => views.map(({ head }) => head.generation);

describe("a member", () => {
  test("reads what was there before it came", async () => {
    const signedHead = await publish(["one", "two"]);
    await open();
    await eventually(() => views.length === 1);
    expect(views[0]).toMatchObject({ signedHead, pages: ["one", "two"], head: { generation: 1 } });
  });

  test("hears of a change without asking for its pages", async () => {
    const asked: string[] = [];
    hubSide.subscribe("$JS.API.DIRECT.GET.>", { callback: (_, message) => void asked.push(message.subject) });
    await hubSide.flush();
    await open();
    await eventually(() => asked.length === 1);
    await publish(["one"]);
    await eventually(() => views.length === 1);
    expect(asked).toHaveLength(1);
  });

  test("sees views in order and each once, whatever comes twice", async () => {
    const reader = await open();
    for (const generation of [1, 2, 3]) {
      const text = await publish([`page ${generation}`], { generation });
      await put(headSubject("east"), text);
    }
    await eventually(() => reader.head?.generation === 3);
    expect(generations()).toEqual([...generations()].toSorted((a, b) => a - b));
    expect(new Set(generations()).size).toBe(views.length);
  });

  test("finds by its own reading what was lost on the way", async () => {
    await stopPushing();
    await publish(["one"]);
    const reader = await open();
    await eventually(() => views.length === 1);
    await publish(["two"], { generation: 2 });
    await clock.advance(20_000);
    await nc.flush();
    expect(reader.head?.generation).toBe(1);
    await clock.advance(20_000);
    await eventually(() => reader.head?.generation === 2);
  });

  test("reads again soon after NATS came back", async () => {
    await stopPushing();
    await publish(["one"]);
    const reader = await open();
    await eventually(() => views.length === 1);
    await publish(["two"], { generation: 2 });
    await nc.reconnect();
    // Far less than what passes between two readings.
    await eventually(async () => {
      await clock.advance(Math.min(50, (20_000 - clock.monotonic()) / 100));
      return reader.head?.generation === 2 || clock.monotonic();
    });
    expect(clock.monotonic()).toBeLessThan(20_000);
  });

  test("starts from the view on disk and does not fall behind it", async () => {
    const lastGood = { signedHead: signHead(["two"], { generation: 2 }), pages: ["two"] };
    await publish(["one"], { generation: 1 });
    const reader = await open({ lastGood });
    expect(reader.head?.generation).toBe(2);
    await eventually(() => reader.refusals.get("older") === 1);
    await publish(["three"], { generation: 3 });
    await eventually(() => views.length === 1);
    expect(generations()).toEqual([3]);
  });

  test("does not believe a view on disk that was altered", async () => {
    const reader = await open({ lastGood: { signedHead: signHead(["two"]), pages: ["2"] } });
    expect(reader.head).toBeUndefined();
    expect(reader.refusals.get("malformed")).toBe(1);
  });
});

describe("a view that is not whole", () => {
  test("is not applied; the last good one stays until the rest is there", async () => {
    const reader = await open();
    await publish(["one"]);
    await eventually(() => views.length === 1);
    await put(headSubject("east"), signHead(["one", "two"], { generation: 2 }));
    await eventually(() => (reader.refusals.get("torn-view") ?? 0) > 0);
    expect(reader.head?.generation).toBe(1);
    await put(pageSubject("east", digestOf("two")), "two");
    await eventually(async () => {
      await clock.advance(10_000);
      return reader.head?.generation === 2;
    });
    expect(views.at(-1)?.pages).toEqual(["one", "two"]);
  });

  test("because a page was altered is not applied", async () => {
    const reader = await open();
    await put(pageSubject("east", digestOf("two")), "altered");
    await put(headSubject("east"), signHead(["two"]));
    // Heard altered, and read altered.
    await eventually(() => (reader.refusals.get("torn-view") ?? 0) >= 2 || [...reader.refusals]);
    expect(views).toEqual([]);
  });

  test("does not keep a newer one from being applied", async () => {
    await put(headSubject("east"), signHead(["never"]));
    const reader = await open();
    await eventually(() => reader.refusals.has("torn-view"));
    await publish(["two"], { generation: 2 });
    await eventually(() => generations().includes(2));
  });
});

describe("freshness", () => {
  test("without a new counter for 90 s the mailbox is stale, a new one makes it fresh", async () => {
    const reader = await open();
    await publish(["one"]);
    await eventually(() => views.length === 1);
    await clock.advance(89_000);
    expect(reader.stale).toBe(false);
    await clock.advance(1_000);
    expect(reader.stale).toBe(true);
    await put(headSubject("east"), signHead(["one"], { refresh: 1 }));
    await eventually(() => !reader.stale);
    expect(views).toHaveLength(1);
  });

  test("the same head again and again is no sign of life", async () => {
    const reader = await open();
    const text = await publish(["one"]);
    await eventually(() => views.length === 1);
    for (let passed = 0; passed < 90; passed += 10) {
      await put(headSubject("east"), text);
      await clock.advance(10_000);
    }
    expect(reader.stale).toBe(true);
  });
});

test("a server that refuses the subscription stops no reading, and once it allows it, changes are heard again", async () => {
  const users = `{ user: east, password: x, permissions: { publish: ">", subscribe: "_INBOX.>" } }, { user: hub, password: x }`;
  const strict = await startTestNats(`authorization { users: [${users}] }\nno_auth_user: east`);
  const member = await connectNats({
    servers: [strict.url],
    name: "east",
    waitOnFirstConnect: false,
    clock: systemClock,
    log,
    signal: life.signal,
  });
  const writer = await connect({ servers: strict.url, user: "hub", pass: "x", maxReconnectAttempts: -1 });
  try {
    const mailboxes = await ViewBucket.open(writer, { clock: systemClock, signal: life.signal });
    await mailboxes.writePage("east", pageOf("one"));
    await mailboxes.writeHead("east", signHead(["one"]), 0);
    const reader = await open({ nc: member });
    await eventually(() => views.length === 1);

    const config = path.join(strict.folder, "nats.conf");
    await writeFile(config, (await readFile(config, "utf8")).replace(`"_INBOX.>"`, `">"`));
    await strict.stop();
    await strict.start();
    await eventually(async () => {
      await clock.advance(40_000);
      // It lies in no bucket: it can't be read, only heard.
      writer.publish("mesh.east.dn.head", signHead([], { generation: 2 }));
      // Not while they are still reconnecting.
      await Promise.all([writer.flush(), member.flush()]).catch(() => undefined);
      return reader.head?.generation === 2;
    });
  } finally {
    await writer.close();
    await member.close();
    await strict.remove();
  }
});

test("it stops when told", async () => {
  const stop = new AbortController();
  const reader = await open({ signal: stop.signal });
  stop.abort();
  await reader.done;
  await publish(["one"]);
  await nc.flush();
  expect(views).toEqual([]);
});
