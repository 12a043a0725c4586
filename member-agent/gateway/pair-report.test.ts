import { expect, test } from "@jest/globals";
import { report } from "../../crds/wire/report.ts";
import type { PairStatus } from "../../mesh/resources.ts";
import { generateSeed, openSigner } from "../../platform/identity/signature.ts";
import { signReport } from "../../platform/mailbox/reports.ts";
import { inBrief } from "./pair-report.ts";

/** What NATS takes from a member in one message (platform/nats/hub-accounts.ts). */
const MEMBER_PAYLOAD = 512 * 1024;

/** As long as any of its parts gets. */
const pair = (n: number, state: PairStatus["state"]): PairStatus => ({
  from: "east".padEnd(63, "x"),
  to: `c${n}`.padEnd(63, "x"),
  tunnel: "WireGuard",
  state,
  reason: "PrefixRefused",
  message: "this is what could be said of it ".repeat(20),
  since: "2026-01-01T00:00:00.000Z",
  rttMs: 123.45,
  loss: 0.123,
  pathMTU: 1420,
});

test("few pairs are told in full, be they well or not", () => {
  const pairs = Array.from({ length: 50 }, (_, n) => pair(n, "Up"));
  expect(inBrief(pairs)).toBe(pairs);
});

test("of many all states and reasons are told, in words the worst", () => {
  const pairs = Array.from({ length: 1_000 }, (_, n) => pair(n, n % 40 === 7 ? "Unreachable" : "Up"));
  const brief = inBrief(pairs);
  expect(brief.map((each) => ({ ...each, message: "" }))).toEqual(pairs.map((each) => ({ ...each, message: "" })));
  const worded = brief.filter(({ message }) => message !== "");
  expect(worded).toHaveLength(50);
  expect(worded.filter(({ state }) => state === "Unreachable")).toHaveLength(25);
});

test("a thousand pairs are no more than NATS takes from a member", () => {
  const pairs = [...inBrief(Array.from({ length: 1_000 }, (_, n) => pair(n, "Unreachable")))];
  const body = report.parse({ gateways: [], applied: { epoch: 1, generation: 1 }, pairs });
  const name = "x".repeat(63);
  const text = signReport(
    { mesh: name, member: name, gateway: name, counter: Date.now(), body },
    openSigner(generateSeed()),
  );
  expect(Buffer.byteLength(text)).toBeLessThan(0.8 * MEMBER_PAYLOAD);
});
