import { encodeUser } from "@nats-io/jwt";
import type { NatsConnection } from "@nats-io/nats-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { systemClock } from "../../platform/clock.ts";
import { makeCertificateAuthority } from "../../platform/identity/certificates.ts";
import { issueJoin, issueMember, issueRenew } from "../../platform/identity/credentials.ts";
import { openNkey } from "../../platform/identity/nkey.ts";
import { generateSeed, openSigner } from "../../platform/identity/signature.ts";
import type { Signer } from "../../platform/identity/signature.ts";
import { makeUserKey } from "../../platform/identity/user-key.ts";
import { createLog } from "../../platform/log.ts";
import { digestOf, pageOf } from "../../platform/mailbox/digest.ts";
import { MailboxReader } from "../../platform/mailbox/reader.ts";
import type { AcceptedView } from "../../platform/mailbox/reader.ts";
import type { MailboxRefusal } from "../../platform/mailbox/refusals.ts";
import { Publisher } from "../../platform/mailbox/publisher.ts";
import { ReportDesk, signReport } from "../../platform/mailbox/reports.ts";
import { Reporter } from "../../platform/mailbox/send-report.ts";
import { signText } from "../../platform/mailbox/signed.ts";
import { ViewBucket } from "../../platform/mailbox/view-bucket.ts";
import { connectNats } from "../../platform/nats/connection.ts";
import {
  directGetSubject,
  headSubject,
  inboxPrefix,
  joinSubject,
  pageSubject,
  upSubject,
} from "../../platform/nats/subjects.ts";
import { eventually } from "../../platform/testing/eventually.ts";
import { manualClock } from "../../platform/testing/manual-clock.ts";
import { startTestHub } from "../../platform/testing/test-hub.ts";
import type { TestHub } from "../../platform/testing/test-hub.ts";

/**
 * Every attack that the design names, against a real server with the hub's own configuration. Beside each stands a
 * control that shows the same thing working where it may, so that no test passes because nothing happened at all.
 */

const log = createLog({ level: "silent", pretty: false });
let hub: TestHub;
/** In the HUB account: the hub, and also whatever a server that lies could do. */
let hubSide: NatsConnection;
let east: NatsConnection;
let west: NatsConnection;
let bucket: ViewBucket;
let hubSigner: Signer;
let life: AbortController;

beforeAll(async () => {
  hub = await startTestHub();
  hubSigner = openSigner(hub.identity.signingSeed);
  [hubSide, east, west] = await Promise.all([
    hub.connectAs("hub"),
    hub.connectMember("east"),
    hub.connectMember("west"),
  ]);
  bucket = await ViewBucket.open(hubSide, { clock: systemClock, signal: new AbortController().signal });
});
afterAll(() => hub.remove());
beforeEach(() => {
  life = new AbortController();
});
afterEach(async () => {
  life.abort();
  await bucket.purge("$KV.view.>");
});

const openPublisher = () =>
  Publisher.open({
    bucket,
    mesh: hub.identity.mesh,
    hub: hubSigner,
    onLost: () => undefined,
    clock: systemClock,
    log,
    signal: life.signal,
  });

interface Reading {
  readonly reader: MailboxReader;
  readonly views: readonly AcceptedView[];
}

async function read(nc: NatsConnection, member: string, clock = systemClock): Promise<Reading> {
  const views: AcceptedView[] = [];
  const pins = { mesh: hub.identity.mesh, member, hubKey: hubSigner.publicKey };
  const reader = new MailboxReader({
    nc,
    pins,
    onView: (view) => void views.push(view),
    clock,
    log,
    signal: life.signal,
  });
  await nc.flush();
  return { reader, views };
}

const refusedAs = ({ reader }: Reading, reason: MailboxRefusal) =>
  eventually(() => reader.refusals.has(reason) || [...reader.refusals]);

const storedHead = async (member: string) => (await bucket.readHead(member))?.text;

async function put(subject: string, text: string): Promise<void> {
  hubSide.publish(subject, text);
  await hubSide.flush();
}

/** Resolves with the server's words when it refuses what this connection did last. */
async function violation(nc: NatsConnection, act: () => void): Promise<string> {
  const heard = Promise.withResolvers<string>();
  void (async () => {
    for await (const status of nc.status()) if (status.type === "error") return heard.resolve(status.error.message);
  })();
  act();
  await nc.flush();
  return heard.promise;
}

describe("a forged reply subject", () => {
  const ask = (nc: NatsConnection, subject: string, reply: string) =>
    nc.publish(directGetSubject(subject), "", { reply });
  // A head carries the compare-and-swap it was written with, and would fail it elsewhere; a page carries nothing.
  const page = pageSubject("east", digestOf("for east"));

  test.each([
    "$KV.view.v.west.head",
    "$KV.view.v.west.pg.x",
    "$JS.API.STREAM.PURGE.KV_view",
    "$JS.API.STREAM.DELETE.KV_view",
  ])("%s writes nothing into the hub's account", async (reply) => {
    const publisher = await openPublisher();
    await publisher.publish("east", [pageOf("for east")], 1);
    await publisher.publish("west", [pageOf("for west")], 1);
    const before = await storedHead("west");
    ask(east, "east", reply);
    // The answer to a later question has come, so the earlier one was answered too.
    await east.request(directGetSubject(headSubject("east")), "", { timeout: 60_000 });
    await hubSide.flush();
    expect(await storedHead("west")).toBe(before);
    expect(await bucket.list()).toEqual(
      new Map([
        ["east", [digestOf("for east")]],
        ["west", [digestOf("for west")]],
      ]),
    );
  });

  test("control: in one account it overwrites another's head, and its reader does not believe it", async () => {
    const publisher = await openPublisher();
    await publisher.publish("east", [pageOf("for east")], 1);
    await publisher.publish("west", [pageOf("for west")], 1);
    const reading = await read(west, "west");
    await eventually(() => reading.views.length === 1);
    ask(hubSide, page, headSubject("west"));
    await eventually(async () => (await storedHead("west")) === "for east");
    await refusedAs(reading, "wrong-signature");
    expect(reading.reader.head?.member).toBe("west");
  });

  test("that aims at another's ears is heard there and not believed", async () => {
    const publisher = await openPublisher();
    await publisher.publish("east", [pageOf("for east")], 1);
    await publisher.publish("west", [pageOf("for west")], 1);
    const reading = await read(west, "west");
    await eventually(() => reading.views.length === 1);
    ask(east, headSubject("east"), "mesh.west.dn.head");
    await refusedAs(reading, "wrong-audience");
    expect(reading.views).toHaveLength(1);
  });
});

describe("another's mail", () => {
  test.each([
    "mesh.west.dn.>",
    "mesh.*.dn.>",
    "mesh.*.dn.head",
    "mesh.>",
    ">",
    "$KV.>",
    "_INBOX.>",
    "_INBOX.member.west.>",
    "_INBOX.member.*.>",
  ])("a member can't listen to %s", async (subject) => {
    expect(await violation(east, () => void east.subscribe(subject))).toMatch(/permissions violation/i);
  });

  test.each([
    [directGetSubject(headSubject("west")), ""],
    [directGetSubject(headSubject("*")), ""],
    [directGetSubject("$KV.view.v.>"), ""],
    [directGetSubject("$KV.view.>"), ""],
    ["$JS.API.DIRECT.GET.KV_view", '{"last_by_subj":"$KV.view.v.west.head"}'],
    ["$JS.API.STREAM.MSG.GET.KV_view", '{"last_by_subj":"$KV.view.v.west.head"}'],
    ["$JS.API.STREAM.INFO.KV_view", ""],
    ["$JS.API.CONSUMER.CREATE.KV_view", "{}"],
  ])("a member can't ask %s %s", async (subject, payload) => {
    await (await openPublisher()).publish("west", [pageOf("for west")], 1);
    const reply = `${inboxPrefix("member", "east")}.answer`;
    let answered = false;
    const listening = east.subscribe(reply, { callback: () => void (answered = true) });
    expect(await violation(east, () => east.publish(subject, payload, { reply }))).toMatch(/permissions violation/i);
    await hubSide.flush();
    await east.flush();
    listening.unsubscribe();
    expect(answered).toBe(false);
  });

  test("what a member may ask can't be bent to another's by what it sends along", async () => {
    const publisher = await openPublisher();
    await publisher.publish("east", [pageOf("for east")], 1);
    await publisher.publish("west", [pageOf("for west")], 1);
    for (const bent of [
      { multi_last: ["$KV.view.v.west.head"] },
      { last_by_subj: headSubject("west") },
      { seq: 1 },
      { next_by_subj: "$KV.>" },
    ]) {
      const answer = await east.request(directGetSubject(headSubject("east")), JSON.stringify(bent), {
        timeout: 60_000,
      });
      expect(answer.headers?.code).toBe(408);
    }
  });

  test("control: a member hears and reads its own", async () => {
    await (await openPublisher()).publish("east", [pageOf("for east")], 1);
    const reading = await read(east, "east");
    await eventually(() => reading.views.length === 1);
    expect(reading.views[0]?.pages).toEqual(["for east"]);
  });
});

describe("a name that is a wildcard", () => {
  test("gets no credential", async () => {
    const { publicKey } = makeUserKey();
    for (const name of ["*", ">", "east.>"]) {
      await expect(issueMember(hub.identity, name, publicKey)).rejects.toMatchObject({ code: "bad-name" });
    }
  });

  test("control: with one it would read everybody's mail", async () => {
    const { publicKey, seed } = makeUserKey();
    const { membersAccountSeed, roleSeeds } = hub.identity;
    const account = openNkey(membersAccountSeed).getPublicKey();
    const jwt = await encodeUser("*", publicKey, account, {}, { signer: openNkey(roleSeeds.member), scopedUser: true });
    const spy = await hub.connectWith({ jwt, seed }, "member", "spy");
    const heard: string[] = [];
    spy.subscribe("mesh.*.dn.>", { callback: (_, message) => void heard.push(message.subject) });
    await spy.flush();
    await (await openPublisher()).publish("west", [pageOf("for west")], 1);
    await eventually(() => heard.includes("mesh.west.dn.head"));
    await spy.close();
  });
});

describe("a server that lies to a member", () => {
  const headFor = async (publisher: Publisher, member: string, pages: readonly string[], epoch: number) => {
    await publisher.publish(member, pages.map(pageOf), epoch);
    return (await storedHead(member)) ?? "";
  };

  test("with an old head: refused, the present one stays", async () => {
    const publisher = await openPublisher();
    const old = await headFor(publisher, "east", ["one"], 1);
    const reading = await read(east, "east");
    await headFor(publisher, "east", ["two"], 1);
    await eventually(() => reading.reader.head?.generation === 2);
    await put(headSubject("east"), old);
    await refusedAs(reading, "older");
    expect(reading.reader.head?.generation).toBe(2);
  });

  test("with the same head for ever: stale after 90 s", async () => {
    const clock = manualClock();
    const frozen = await headFor(await openPublisher(), "east", ["one"], 1);
    const reading = await read(east, "east", clock);
    await eventually(() => reading.views.length === 1);
    for (let passed = 0; passed < 90_000; passed += 30_000) {
      expect(reading.reader.stale).toBe(false);
      await put(headSubject("east"), frozen);
      await clock.advance(30_000);
    }
    expect(reading.reader.stale).toBe(true);
    expect(reading.reader.head?.generation).toBe(1);
  });

  test("with a page left out: not applied", async () => {
    const publisher = await openPublisher();
    await publisher.publish("east", [pageOf("one")], 1);
    const reading = await read(east, "east");
    await eventually(() => reading.views.length === 1);
    const mesh = hub.identity.mesh;
    const head = {
      wireVersion: 1,
      mesh,
      member: "east",
      epoch: 1,
      generation: 2,
      refresh: 0,
      pages: [digestOf("hidden")],
    };
    await put(headSubject("east"), signText("head", JSON.stringify(head), hubSigner));
    await refusedAs(reading, "torn-view");
    expect(reading.reader.head?.generation).toBe(1);
    // Control: with the page it is.
    await put(pageSubject("east", digestOf("hidden")), "hidden");
    await eventually(() => reading.reader.head?.generation === 2);
  });

  test("with a page altered: not applied", async () => {
    const publisher = await openPublisher();
    await publisher.publish("east", [pageOf("the truth")], 1);
    await put(pageSubject("east", digestOf("the truth")), "a lie");
    const reading = await read(east, "east");
    await refusedAs(reading, "torn-view");
    expect(reading.views).toEqual([]);
  });

  test("with a head of its own making: refused", async () => {
    const reading = await read(east, "east");
    const liar = openSigner(generateSeed());
    const mesh = hub.identity.mesh;
    const head = { wireVersion: 1, mesh, member: "east", epoch: 9, generation: 9, refresh: 0, pages: [] };
    await put(headSubject("east"), signText("head", JSON.stringify(head), liar));
    await refusedAs(reading, "wrong-signature");
    // Control: word for word the same from the hub is believed.
    await put(headSubject("east"), signText("head", JSON.stringify(head), hubSigner));
    await eventually(() => reading.reader.head?.epoch === 9);
  });

  test("with what the hub signed for another member: refused", async () => {
    const reading = await read(east, "east");
    await put(headSubject("east"), await headFor(await openPublisher(), "west", ["for west"], 1));
    await refusedAs(reading, "wrong-audience");
    expect(reading.views).toEqual([]);
  });

  test("with what the hub signed for another mesh: refused", async () => {
    const reading = await read(east, "east");
    const head = { wireVersion: 1, mesh: "elsewhere", member: "east", epoch: 1, generation: 1, refresh: 0, pages: [] };
    await put(headSubject("east"), signText("head", JSON.stringify(head), hubSigner));
    await refusedAs(reading, "other-mesh");
  });

  test("with another hub's certificate: not even spoken to", async () => {
    const { certPEM } = await makeCertificateAuthority("another");
    const { publicKey, seed } = makeUserKey();
    const credentials = { jwt: await issueMember(hub.identity, "east", publicKey), seed };
    const options = {
      servers: [hub.url],
      credentials,
      name: "east",
      waitOnFirstConnect: false,
      clock: systemClock,
      log,
      signal: life.signal,
    };
    await expect(connectNats({ ...options, ca: certPEM })).rejects.toMatchObject({ code: "nats-untrusted" });
    const control = await connectNats({ ...options, ca: hub.identity.ca.certPEM });
    await control.close();
  });
});

describe("a report", () => {
  const member = openSigner(generateSeed());
  const openDesk = () =>
    new ReportDesk({
      mesh: hub.identity.mesh,
      hub: hubSigner,
      floor: 0,
      signingKeyOf: (name) => (name === "east" ? member.publicKey : undefined),
    });
  const openReporter = (firstCounter = 1, nc = east) =>
    new Reporter({
      nc,
      mesh: hub.identity.mesh,
      member: "east",
      gateway: "gw1",
      signer: member,
      hubKey: hubSigner.publicKey,
      firstCounter,
    });

  /** The hub's end; `change` is what a lying server does to reports on their way. Returns the bodies that were acted on. */
  async function serve(
    desk: ReportDesk,
    change: (text: string) => string = (text) => text,
  ): Promise<{ readonly acted: unknown[]; readonly texts: string[] }> {
    const served = { acted: [] as unknown[], texts: [] as string[] };
    const subscription = hubSide.subscribe("mesh.*.up.>", {
      callback: (_, message) => {
        const [, name = "", , ...gateway] = message.subject.split(".");
        served.texts.push(message.string());
        const verdict = desk.accept(name, gateway.join("."), change(message.string()));
        if (verdict.accepted !== undefined) served.acted.push(verdict.accepted.body);
        message.respond(verdict.answer);
      },
    });
    life.signal.addEventListener("abort", () => subscription.unsubscribe());
    await hubSide.flush();
    return served;
  }

  test("control: from the member itself is acted on", async () => {
    const served = await serve(openDesk());
    expect(await openReporter().send({ publicKey: "K1" })).toEqual({ ok: true });
    expect(served.acted).toEqual([{ publicKey: "K1" }]);
  });

  test("whose public key was swapped on the way is refused, and the member learns of it", async () => {
    const served = await serve(openDesk(), (text) => text.replace("K1", "K2"));
    // What was altered is no question the member asked, so the answer to it is not the member's either.
    await expect(openReporter().send({ publicKey: "K1" })).rejects.toMatchObject({ code: "report-unanswered" });
    expect(served.acted).toEqual([]);
  });

  test("said again by somebody else is refused", async () => {
    const served = await serve(openDesk());
    await openReporter().send({ publicKey: "K1" });
    const answer = await hubSide.request(upSubject("east", "gw1"), served.texts[0] ?? "", { timeout: 60_000 });
    expect(answer.string()).toContain("counter-not-newer");
    expect(served.acted).toHaveLength(1);
  });

  test("whose counter went back is refused; the member goes beyond what the hub knows", async () => {
    const served = await serve(openDesk());
    await openReporter(1_000).send("first");
    const restarted = openReporter(5);
    expect(await restarted.send("second")).toEqual({ ok: true });
    expect(restarted.nextCounter).toBe(1_002);
    expect(served.acted).toEqual(["first", "second"]);
  });

  test("under another member's name does not leave the door", async () => {
    const served = await serve(openDesk());
    await hubSide.flush();
    for (const subject of [
      upSubject("east", "gw1"),
      "mesh.*.up.gw1",
      "mesh.east.dn.head",
      "mesh.east.leave",
      "mesh.east.renew",
      "mesh.east.join",
      "$KV.view.v.east.head",
    ]) {
      expect(await violation(west, () => west.publish(subject, "x"))).toMatch(/permissions violation/i);
    }
    await hubSide.flush();
    expect(served.texts).toEqual([]);
  });

  test("that another member signed is refused, whoever carried it", async () => {
    const served = await serve(openDesk());
    const text = signReport(
      { mesh: hub.identity.mesh, member: "east", gateway: "gw1", counter: 7, body: {} },
      openSigner(generateSeed()),
    );
    const answer = await hubSide.request(upSubject("east", "gw1"), text, { timeout: 60_000 });
    expect(answer.string()).toContain("wrong-signature");
    expect(served.acted).toEqual([]);
  });

  test("answered by somebody who is not the hub is not answered", async () => {
    const liar = new ReportDesk({
      mesh: hub.identity.mesh,
      hub: openSigner(generateSeed()),
      floor: 0,
      signingKeyOf: () => member.publicKey,
    });
    await serve(liar);
    await expect(openReporter().send({})).rejects.toMatchObject({ code: "report-unanswered", retry: true });
  });
});

describe("the credential of a join token", () => {
  async function bearer(tokenID: string, expiresAt = Date.now() + 600_000): Promise<NatsConnection> {
    const { publicKey, seed } = makeUserKey();
    return hub.connectWith(
      { jwt: await issueJoin(hub.identity, tokenID, publicKey, expiresAt), seed },
      "join",
      tokenID,
    );
  }

  test("can do nothing but join with that token", async () => {
    const nc = await bearer("east");
    const forbidden = [
      joinSubject("other"),
      upSubject("east", "gw1"),
      "mesh.east.leave",
      "mesh.east.renew",
      directGetSubject(headSubject("east")),
      "$JS.API.INFO",
      "hub.api.token.create",
    ];
    for (const subject of forbidden)
      expect(await violation(nc, () => nc.publish(subject, ""))).toMatch(/permissions violation/i);
    for (const subject of ["mesh.east.dn.>", "_INBOX.member.east.>", "_INBOX.join.other.>", "mesh.east.join", ">"]) {
      expect(await violation(nc, () => void nc.subscribe(subject))).toMatch(/permissions violation/i);
    }
    const control = hubSide.subscribe("mesh.*.join", { callback: (_, message) => void message.respond("welcome") });
    await hubSide.flush();
    expect((await nc.request(joinSubject("east"), "", { timeout: 60_000 })).string()).toBe("welcome");
    control.unsubscribe();
    await nc.close();
  });

  test("that expired opens nothing", async () => {
    await expect(bearer("late", Date.now() - 1_000)).rejects.toMatchObject({ code: "nats-refused" });
  });

  test("that expires while it is used is cut off", async () => {
    const nc = await bearer("soon", Date.now() + 8_000);
    let cut = false;
    void (async () => {
      for await (const status of nc.status()) if (status.type === "disconnect") cut = true;
    })();
    await eventually(() => cut);
    await nc.close();
  });

  test("to renew can do nothing but renew", async () => {
    const { publicKey, seed } = makeUserKey();
    const nc = await hub.connectWith({ jwt: await issueRenew(hub.identity, "east", publicKey), seed }, "renew", "east");
    for (const subject of [upSubject("east", "gw1"), "mesh.east.leave", "mesh.west.renew", joinSubject("east")]) {
      expect(await violation(nc, () => nc.publish(subject, ""))).toMatch(/permissions violation/i);
    }
    await nc.close();
  });
});

describe("a member that floods", () => {
  test("with subscriptions is stopped at a few", async () => {
    const nc = await hub.connectMember("south");
    const many = () => {
      for (let at = 0; at < 20; at += 1) nc.subscribe(`mesh.south.dn.${at}`);
    };
    expect(await violation(nc, many)).toMatch(/maximum subscriptions exceeded/i);
    await nc.close();
  });

  test("with a huge message is told its limit, which is below the server's", async () => {
    expect(east.info?.max_payload).toBe(512 * 1024);
    expect(hubSide.info?.max_payload).toBe(1024 * 1024);
  });
});
