import { describe, expect, test } from "@jest/globals";
import { generateSeed, openSigner } from "../identity/signature.ts";
import { openAnswer } from "./answers.ts";
import { judgeReport, ReportDesk, signReport } from "./reports.ts";
import { signText } from "./signed.ts";

const hub = openSigner(generateSeed());
const east = openSigner(generateSeed());
const said = { mesh: "m1", member: "east", gateway: "gw1", counter: 11, body: { publicKey: "K1" } };
const expected = { mesh: "m1", member: "east", gateway: "gw1", signingKey: east.publicKey, lastCounter: 10 };

describe("a report is refused", () => {
  test.each([
    ["of a member that nobody knows", signReport(said, east), { signingKey: undefined }, "unknown-member"],
    ["signed by another", signReport(said, openSigner(generateSeed())), {}, "wrong-signature"],
    ["whose key was swapped on the way", signReport(said, east).replace('"K1"', '"K2"'), {}, "wrong-signature"],
    ["that is a leave request", signText("leave", JSON.stringify(said), east), {}, "wrong-signature"],
    ["of another mesh", signReport(said, east), { mesh: "m2" }, "wrong-sender"],
    ["sent under another gateway's name", signReport(said, east), { gateway: "gw2" }, "wrong-sender"],
    ["sent under another member's name", signReport(said, east), { member: "west" }, "wrong-sender"],
    ["said before", signReport(said, east), { lastCounter: 11 }, "counter-not-newer"],
    ["whose counter went back", signReport(said, east), { lastCounter: 12 }, "counter-not-newer"],
    ["that is no report", signText("report", "{}", east), {}, "malformed"],
    ["that is no JSON", signText("report", "", east), {}, "malformed"],
  ])("%s", (_, text, change, reason) => {
    expect(judgeReport(text, { ...expected, ...change })).toEqual({ refused: reason });
  });
});

describe("the desk", () => {
  const open = (floor = 0) =>
    new ReportDesk({
      mesh: "m1",
      hub,
      floor,
      signingKeyOf: (member) => (member === "east" ? east.publicKey : undefined),
    });
  const answerTo = (text: string, answer: string) => openAnswer(text, answer, hub.publicKey)?.value;

  test("acts on a report once, and says so", () => {
    const desk = open();
    const text = signReport(said, east);
    const first = desk.accept("east", "gw1", text);
    expect(first.accepted?.body).toEqual(said.body);
    expect(answerTo(text, first.answer)).toEqual({ ok: true });
    const again = desk.accept("east", "gw1", text);
    expect(again.refused).toBe("counter-not-newer");
    expect(answerTo(text, again.answer)).toEqual({ ok: false, refused: "counter-not-newer", lastCounter: 11 });
  });

  test("a forged report does not move the counter", () => {
    const desk = open();
    desk.accept("east", "gw1", signReport({ ...said, counter: 99 }, openSigner(generateSeed())));
    expect(desk.accept("east", "gw1", signReport(said, east)).accepted).toBeDefined();
  });

  test("each gateway counts by itself", () => {
    const desk = open();
    desk.accept("east", "gw1", signReport({ ...said, counter: 50 }, east));
    expect(
      desk.accept("east", "gw2", signReport({ ...said, gateway: "gw2", counter: 2 }, east)).accepted,
    ).toBeDefined();
  });

  test("what was recorded before the hub restarted is refused", () => {
    expect(open(1_000).accept("east", "gw1", signReport(said, east)).refused).toBe("counter-not-newer");
  });

  test("a member that left and came back may begin anew", () => {
    const desk = open();
    desk.accept("east", "gw1", signReport({ ...said, counter: 50 }, east));
    desk.forget("east");
    expect(desk.accept("east", "gw1", signReport(said, east)).accepted).toBeDefined();
  });

  test("a member that makes up gateways fills no memory, and nothing that was said is new again", () => {
    const desk = open();
    const text = (gateway: string, counter: number) => signReport({ ...said, gateway, counter }, east);
    const say = (gateway: string, counter: number) => desk.accept("east", gateway, text(gateway, counter));
    expect(say("gw1", 11).accepted).toBeDefined();
    for (let n = 0; n < 300; n += 1) expect(say(`made-up-${n}`, 100 + n).accepted).toBeDefined();
    // Of 301 the first 45 are forgotten but for the highest of their counters.
    const again = say("gw1", 11);
    expect(answerTo(text("gw1", 11), again.answer)).toMatchObject({ refused: "counter-not-newer", lastCounter: 143 });
    expect(say("made-up-0", 100).refused).toBe("counter-not-newer");
    expect(say("made-up-299", 399).refused).toBe("counter-not-newer");
    expect(say("gw1", 1_000).accepted).toBeDefined();
  });

  test("an answer belongs to its own question and to the hub", () => {
    const text = signReport(said, east);
    const { answer } = open().accept("east", "gw1", text);
    expect(openAnswer(signReport({ ...said, counter: 12 }, east), answer, hub.publicKey)).toBeUndefined();
    expect(openAnswer(text, answer, east.publicKey)).toBeUndefined();
  });
});
