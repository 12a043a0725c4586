import { connect } from "@nats-io/transport-node";
import type { NatsConnection } from "@nats-io/nats-core";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { setTimeout as delay } from "node:timers/promises";
import { Writable } from "node:stream";
import { MeshError } from "../platform/errors.ts";
import { createLog } from "../platform/log.ts";
import { startTestNats } from "../platform/testing/nats.ts";
import type { TestNats } from "../platform/testing/nats.ts";
import { fenced } from "./fence.ts";
import { startHubGrounds } from "../test/testing/hub-parts.ts";
import { answer, serveSubject } from "./serve.ts";
import { cidrPoolKind } from "../crds/cidr-pool.ts";
import { mergeRevocations } from "./revocations.ts";

let nats: TestNats;
let nc: NatsConnection;
beforeAll(async () => {
  nats = await startTestNats();
  nc = await connect({ servers: nats.url });
});
afterAll(async () => {
  await nc.close();
  await nats.remove();
});

test("an answer is the value, the refusal as it was said, or that the hub failed, which is logged with its cause", async () => {
  const lines: string[] = [];
  const stream = new Writable({ write: (chunk: Buffer, _, done) => (lines.push(chunk.toString()), done()) });
  const log = createLog({ level: "info", pretty: false, stream });
  const fail = (error: unknown) => answer(log, "join", () => Promise.reject(error as Error));
  expect(await answer(log, "join", async () => 7)).toEqual({ ok: true, value: 7 });
  expect(await fail(new MeshError("name-taken", "it is taken", { retry: false }))).toEqual({
    ok: false,
    code: "name-taken",
    message: "it is taken",
    retry: false,
  });
  expect(await fail(new TypeError("x is not a function"))).toEqual({
    ok: false,
    code: "internal",
    message: "the hub failed: x is not a function; its log says more",
    retry: true,
  });
  expect(lines.map((line) => (JSON.parse(line) as { event: string }).event)).toEqual(["join-refused", "join-failed"]);
  expect(lines[1]).toContain("TypeError");
});

test("requests are served one after another, in order, until the end; the one under way is finished", async () => {
  const end = new AbortController();
  const seen: string[] = [];
  const served = serveSubject(
    nc,
    "work",
    async (request) => {
      seen.push(`begin ${request.string()}`);
      await delay(20);
      seen.push(`end ${request.string()}`);
      request.respond("done");
    },
    end.signal,
  );
  await Promise.all(["1", "2", "3"].map((text) => nc.request("work", text, { timeout: 60_000 })));
  expect(seen).toEqual(["begin 1", "end 1", "begin 2", "end 2", "begin 3", "end 3"]);
  const last = nc.request("work", "4", { timeout: 60_000 });
  await nc.flush();
  end.abort();
  expect((await last).string()).toBe("done");
  await served;
  await expect(nc.request("work", "5", { timeout: 1_000 })).rejects.toThrow("no responders");
});

test("a hub that no longer holds its lease reads and writes nothing", async () => {
  const grounds = await startHubGrounds();
  const { store } = await grounds.make();
  let held = true;
  const own = fenced(store, () => held);
  const spec = { cidr: "10.0.0.0/16", clusterPrefixLength: 20, purpose: "Pods" } as const;
  const made = await own.create(cidrPoolKind, { metadata: { name: "more" }, spec });
  held = false;
  const lost = { code: "lease-lost", retry: true };
  await expect(own.create(cidrPoolKind, { metadata: { name: "again" }, spec })).rejects.toMatchObject(lost);
  await expect(
    own.update(cidrPoolKind, { ...made, metadata: { ...made.metadata, labels: { a: "b" } } }),
  ).rejects.toMatchObject(lost);
  await expect(own.updateStatus(cidrPoolKind, { ...made, status: { ...made.status, total: 7 } })).rejects.toMatchObject(
    lost,
  );
  await expect(own.delete(cidrPoolKind, "more")).rejects.toMatchObject(lost);
  expect(await own.get(cidrPoolKind, "more")).toEqual(made);
  await grounds.remove();
});

test.each([
  [{}, {}, {}],
  [{ a: 1 }, {}, { a: 1 }],
  [
    { a: 1, b: 5 },
    { b: 3, c: 2 },
    { a: 1, b: 5, c: 2 },
  ],
  [{ a: 1 }, { a: 2 }, { a: 2 }],
])("%j and %j revoked is %j", (some, others, all) => {
  expect(mergeRevocations(some, others)).toEqual(all);
  expect(mergeRevocations(others, some)).toEqual(all);
});
