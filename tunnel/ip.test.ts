import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Run } from "../platform/run.ts";
import { bridgeBatch, ipBatch, parseBatch } from "./ip.ts";
import type { TestNode } from "./testing/namespace.ts";
import { makeTestNode } from "./testing/namespace.ts";

let node: TestNode;
beforeAll(async () => {
  node = await makeTestNode("ip");
});
afterAll(() => node?.remove());

const milestone = (line: number) => `Object "-" is unknown, try "ip help".\nCommand failed -:${line}\n`;

test.each<[string, string, (string | undefined)[], string]>([
  ["nothing said", "", [], ""],
  ["two lines done", milestone(2) + milestone(4), [undefined, undefined], ""],
  [
    "the kernel's answer to the second",
    `${milestone(2)}RTNETLINK answers: File exists\nCommand failed -:3\n${milestone(4)}`,
    [undefined, "RTNETLINK answers: File exists"],
    "",
  ],
  [
    "an answer of two lines",
    `Error: a\nRTNETLINK answers: b\nCommand failed -:1\n${milestone(2)}`,
    ["Error: a; RTNETLINK answers: b"],
    "",
  ],
  ["no answer", `Command failed -:1\n${milestone(2)}`, ["failed without a word"], ""],
  ["a warning of what is done", `Warning: c\n${milestone(2)}`, [undefined], ""],
  ["a last word", `${milestone(2)}Error: "nope" is wrong\n\n`, [undefined], 'Error: "nope" is wrong'],
])("what became of the lines of a batch is told by milestones: %s", (_what, stderr, ran, last) => {
  expect(parseBatch(stderr)).toEqual({ ran, last });
});

test("what ends ip half way is told of its line alone, and every other line is carried out once", async () => {
  const lines = [
    "route add unreachable 10.1.0.0/24",
    "nexthop add id 1 dev nope",
    "route add unreachable 10.2.0.0/24",
    "route add 10.9.0.0/24 dev nope",
    "route add unreachable 10.3.0.0/24",
    "route add 10.9.0.0/24 nexthop via 10.0.0.1 dev nope nexthop via 10.0.0.2 dev lo",
    "nexthop add id 2 dev lo",
    "route add unreachable 10.1.0.0/24",
    "nexthop add id 3 dev nope",
  ];
  expect(await ipBatch(node.run, lines)).toEqual([
    { step: lines[0], error: undefined },
    { step: lines[1], error: expect.stringContaining("Device does not exist") },
    { step: lines[2], error: undefined },
    { step: lines[3], error: 'Cannot find device "nope"' },
    { step: lines[4], error: undefined },
    { step: lines[5], error: expect.stringContaining("cannot parse nexthop") },
    { step: lines[6], error: undefined },
    { step: lines[7], error: "RTNETLINK answers: File exists" },
    { step: lines[8], error: expect.stringContaining("Device does not exist") },
  ]);
  const routes = await node.run("ip", ["route", "show", "type", "unreachable"]);
  for (const prefix of ["10.1.0.0/24", "10.2.0.0/24", "10.3.0.0/24"]) expect(routes).toContain(prefix);
  expect(await node.run("ip", ["nexthop", "show"])).toContain("id 2 dev lo");
});

test("bridge is no other", async () => {
  await node.run("ip", ["link", "add", "dev", "vx", "type", "vxlan", "id", "1", "dstport", "1"]);
  const lines = [
    "fdb replace 02:00:00:00:00:01 dev nope dst 192.0.2.1 self permanent",
    "fdb replace 02:00:00:00:00:01 dev vx dst 192.0.2.1 via nope self permanent",
    "fdb replace 02:00:00:00:00:01 dev vx dst 192.0.2.1 self permanent",
  ];
  expect((await bridgeBatch(node.run, lines)).map(({ error }) => error === undefined)).toEqual([false, false, true]);
  expect(await node.run("bridge", ["fdb", "show", "dev", "vx"])).toContain("02:00:00:00:00:01 dst 192.0.2.1");
});

test("where ip can't be run at all each line says so, after one try", async () => {
  let tries = 0;
  const run: Run = (program, args, options) => {
    tries += 1;
    return node.run(`no-such-${program}`, args, options);
  };
  const [first, second, ...more] = await ipBatch(run, ["route add a", "route add b"]);
  expect([first?.error, second?.error]).toEqual([expect.any(String), first?.error]);
  expect([more, tries]).toEqual([[], 1]);
});
