import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { jetstreamManager } from "@nats-io/jetstream";
import { systemClock } from "../clock.ts";
import { generateSeed, openSigner } from "../identity/signature.ts";
import { createLog } from "../log.ts";
import { connectNats } from "../nats/connection.ts";
import { directGetSubject, headSubject, mailboxSubjects, pageSubject, VIEW_STREAM } from "../nats/subjects.ts";
import { eventually } from "../testing/eventually.ts";
import { manualClock } from "../testing/manual-clock.ts";
import type { ManualClock } from "../testing/manual-clock.ts";
import { startTestNats } from "../testing/nats.ts";
import type { TestNats } from "../testing/nats.ts";
import type { NatsConnection } from "@nats-io/nats-core";
import { digestOf, pageOf } from "./digest.ts";
import { judgeHead } from "./head.ts";
import { Publisher, REFRESH_EVERY_MS } from "./publisher.ts";
import { signText } from "./signed.ts";
import { ViewBucket } from "./view-bucket.ts";

const log = createLog({ level: "silent", pretty: false });
const hub = openSigner(generateSeed());
let nats: TestNats;
let nc: NatsConnection;
let bucket: ViewBucket;
let life: AbortController;
let clock: ManualClock;
let lost: string[];

const open = () =>
  Publisher.open({ bucket, mesh: "m1", hub, onLost: (member) => lost.push(member), clock, log, signal: life.signal });
const accepted = (member: string, text: string) =>
  judgeHead(text, { mesh: "m1", member, hubKey: hub.publicKey }, undefined).accepted;

const pages = (...texts: readonly string[]) => texts.map(pageOf);

async function stored(subject: string): Promise<string | undefined> {
  const message = await nc.request(directGetSubject(subject), "", { timeout: 5_000 });
  return message.headers?.code === 404 ? undefined : message.string();
}
const headOf = async (member: string) => accepted(member, (await stored(headSubject(member))) ?? "");

beforeAll(async () => {
  nats = await startTestNats();
});
afterAll(() => nats.remove());
beforeEach(async () => {
  life = new AbortController();
  clock = manualClock();
  lost = [];
  nc = await connectNats({
    servers: [nats.url],
    name: "hub",
    waitOnFirstConnect: false,
    clock: systemClock,
    log,
    signal: life.signal,
  });
  bucket = await ViewBucket.open(nc, { clock: systemClock, signal: life.signal });
  await bucket.purge("$KV.view.>");
});
afterEach(async () => {
  life.abort();
  await nc.closed();
});

describe("publishing a view", () => {
  test("stores its pages by digest and a signed head that names them", async () => {
    const head = await (await open()).publish("east", pages("page one", "page two"), 3);
    expect(head).toMatchObject({ member: "east", mesh: "m1", epoch: 3, generation: 1, refresh: 0 });
    expect(await headOf("east")).toEqual(head);
    expect(head.pages).toEqual([digestOf("page one"), digestOf("page two")]);
    expect(await stored(pageSubject("east", digestOf("page two")))).toBe("page two");
  });

  test("reaches a listener pages first, head last", async () => {
    const heard: string[] = [];
    nc.subscribe("mesh.east.dn.>", { callback: (_, message) => void heard.push(message.subject) });
    await nc.flush();
    await (await open()).publish("east", pages("one"), 1);
    await eventually(() => heard.length === 2 || heard);
    expect(heard).toEqual([`mesh.east.dn.pg.${digestOf("one")}`, "mesh.east.dn.head"]);
  });

  test("that is there already is no write", async () => {
    const publisher = await open();
    const first = await publisher.publish("east", pages("one"), 1);
    const heard: string[] = [];
    nc.subscribe("mesh.>", { callback: (_, message) => void heard.push(message.subject) });
    expect(await publisher.publish("east", pages("one"), 1)).toEqual(first);
    await nc.flush();
    expect(heard).toEqual([]);
  });

  test("again with one page changed writes that page alone", async () => {
    const publisher = await open();
    await publisher.publish("east", pages("one", "two"), 1);
    const heard: string[] = [];
    nc.subscribe("mesh.>", { callback: (_, message) => void heard.push(message.subject) });
    await nc.flush();
    expect(await publisher.publish("east", pages("one", "three"), 1)).toMatchObject({ generation: 2 });
    await eventually(() => heard.length === 2 || heard);
    expect(heard[0]).toBe(`mesh.east.dn.pg.${digestOf("three")}`);
  });

  test("many at once for one member end with the last one", async () => {
    const publisher = await open();
    await Promise.all(Array.from({ length: 20 }, (_, at) => publisher.publish("east", pages(`page ${at}`), 1)));
    expect(await headOf("east")).toMatchObject({ generation: 20, pages: [digestOf("page 19")] });
  });

  test("for a thousand members at once is soon done", async () => {
    const publisher = await open();
    const page = "x".repeat(4_000);
    const before = performance.now();
    await Promise.all(
      Array.from({ length: 1_000 }, (_, at) => publisher.publish(`member-${at}`, pages(`${at} ${page}`), 1)),
    );
    // Well under a second, which a benchmark measures: the machine of a test has other tests on its cores, and may stall.
    expect(performance.now() - before).toBeLessThan(60_000);
  });
});

describe("after a restart", () => {
  test("what is there is known: the same view is no write, the next one counts on", async () => {
    const first = await (await open()).publish("east", pages("one"), 1);
    const next = await open();
    expect(next.heads().get("east")).toEqual(first);
    expect(await next.publish("east", pages("one"), 1)).toEqual(first);
    expect(await next.publish("east", pages("two"), 2)).toMatchObject({ epoch: 2, generation: 2 });
  });

  test("a head that somebody else wrote counts for nothing and is overwritten", async () => {
    const stranger = openSigner(generateSeed());
    await bucket.writeHead("east", signText("head", "{}", stranger), 0);
    const publisher = await open();
    expect(publisher.heads().get("east")).toBeUndefined();
    await publisher.publish("east", pages("one"), 1);
    expect(await headOf("east")).toMatchObject({ generation: 1 });
  });
});

describe("two hubs", () => {
  test("the one of the earlier epoch stops, whatever it was about to do", async () => {
    const old = await open();
    await old.publish("east", pages("one"), 1);
    const present = await open();
    await present.publish("east", pages("two"), 2);
    await expect(old.publish("east", pages("three"), 1)).rejects.toMatchObject({ code: "superseded", retry: false });
    expect(await headOf("east")).toMatchObject({ epoch: 2, pages: [digestOf("two")] });
  });

  test("the one of the earlier epoch writes nothing though it knows what the later one wrote", async () => {
    await (await open()).publish("east", pages("two"), 2);
    const old = await open();
    await expect(old.publish("east", pages("three"), 1)).rejects.toMatchObject({ code: "superseded" });
    expect(await headOf("east")).toMatchObject({ epoch: 2, pages: [digestOf("two")] });
  });

  test("its refreshing ends with the reason", async () => {
    const old = await open();
    await old.publish("east", pages("one"), 1);
    await (await open()).publish("east", pages("two"), 2);
    await clock.advance(REFRESH_EVERY_MS);
    await expect(old.done).rejects.toMatchObject({ code: "superseded" });
  });

  test("garbage in a head's place is overwritten", async () => {
    const publisher = await open();
    await publisher.publish("east", pages("one"), 1);
    nc.publish(headSubject("east"), "garbage");
    await nc.flush();
    await publisher.publish("east", pages("two"), 1);
    expect(await headOf("east")).toMatchObject({ pages: [digestOf("two")] });
  });
});

describe("time", () => {
  test("every 30 s each head shows a sign of life", async () => {
    const publisher = await open();
    await publisher.publish("east", pages("one"), 1);
    await publisher.publish("west", pages("one"), 1);
    for (const refresh of [1, 2]) {
      await clock.advance(REFRESH_EVERY_MS);
      await eventually(async () =>
        [(await headOf("east"))?.refresh, (await headOf("west"))?.refresh].every((seen) => seen === refresh),
      );
    }
    life.abort();
    await publisher.done;
  });

  test("a page is there ten minutes after it went out of use, and gone then", async () => {
    const publisher = await open();
    await publisher.publish("east", pages("one", "two"), 1);
    await publisher.publish("east", pages("two", "three"), 1);
    const refreshed = async (count: number) => {
      for (let round = 0; round < count; round += 1) {
        const { refresh = 0 } = (await headOf("east")) ?? {};
        await clock.advance(REFRESH_EVERY_MS);
        await eventually(async () => (await headOf("east"))?.refresh === refresh + 1);
      }
    };
    await refreshed(19);
    expect(await stored(pageSubject("east", digestOf("one")))).toBe("one");
    await refreshed(1);
    await eventually(async () => (await stored(pageSubject("east", digestOf("one")))) === undefined);
    expect(await stored(pageSubject("east", digestOf("two")))).toBe("two");
    expect(await publisher.publish("east", pages("one"), 1)).toMatchObject({ generation: 3 });
    expect(await stored(pageSubject("east", digestOf("one")))).toBe("one");
  });
});

test("a forgotten member has nothing left, and may come back", async () => {
  const publisher = await open();
  await publisher.publish("east", pages("one"), 1);
  await publisher.publish("west", pages("one"), 1);
  await publisher.forget("east");
  expect([...(await bucket.list()).keys()]).toEqual(["west"]);
  expect(await publisher.publish("east", pages("one"), 1)).toMatchObject({ generation: 1 });
});

test("a member that comes back while it is being forgotten is kept fresh, and nobody is told that its mailbox was lost", async () => {
  const publisher = await open();
  await publisher.publish("east", pages("one"), 1);
  const [, head] = await Promise.all([publisher.forget("east"), publisher.publish("east", pages("two"), 1)]);
  expect(publisher.heads().get("east")).toEqual(head);
  expect(await headOf("east")).toEqual(head);
  await clock.advance(REFRESH_EVERY_MS);
  await eventually(async () => (await headOf("east"))?.refresh === 1 || lost);
  expect(lost).toEqual([]);
});

test("a mailbox that the server lost is told, and published anew", async () => {
  const publisher = await open();
  await publisher.publish("east", pages("one"), 1);
  await bucket.purge(mailboxSubjects("east"));
  await clock.advance(REFRESH_EVERY_MS);
  await eventually(() => lost.includes("east"));
  const head = await publisher.publish("east", pages("one"), 1);
  expect(head.generation).toBeGreaterThan(1);
  expect(await stored(pageSubject("east", digestOf("one")))).toBe("one");
});

test("a mailbox that the server has from before is told, and published anew", async () => {
  const publisher = await open();
  const before = await publisher.publish("east", pages("one"), 1);
  const text = (await stored(headSubject("east"))) ?? "";
  await publisher.publish("east", pages("two"), 1);
  // As after a power cut: what was written last is gone, and counting goes on from there.
  const { streams } = await jetstreamManager(nc);
  await streams.delete(VIEW_STREAM);
  await bucket.make();
  await bucket.writePage("east", pageOf("one"));
  await bucket.writeHead("east", text, 0);
  await clock.advance(REFRESH_EVERY_MS);
  await eventually(() => lost.includes("east"));
  const head = await publisher.publish("east", pages("two"), 1);
  expect(head.generation).toBeGreaterThan(before.generation);
  expect(await stored(pageSubject("east", digestOf("two")))).toBe("two");
});
