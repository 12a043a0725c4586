import { expect, test } from "@jest/globals";
import { drawColumns, drawLab, drawMatrix } from "./drawings.ts";
import type { LabShape } from "./show.ts";

const plain = { good: String, bad: String, faint: String };
const well = { family: 4, ok: true, sourcePreserved: true, rttMs: 0.5, largeOk: true } as const;

test("columns are as wide as they need, the last one is not padded", () => {
  expect(
    drawColumns([
      ["A", "LONG", "C"],
      ["aaa", "b", "c"],
    ]),
  ).toBe("A     LONG   C\naaa   b      c\n");
});

test("a matrix shows round-trip times where all is well, and in a word what is not", () => {
  const report = {
    pairs: [
      { from: "e/a", to: "e/b", ...well },
      { from: "e/b", to: "e/a", ...well, sourcePreserved: false },
      { from: "e/a", to: "w/c", ...well, largeOk: false },
      { from: "w/c", to: "e/a", ...well, ok: false, sourcePreserved: false, rttMs: null, largeOk: false },
    ],
    isolated: [
      { from: "e/b", to: "w/c", family: 4, ok: true },
      { from: "w/c", to: "e/b", family: 4, ok: false },
    ],
    passed: 2,
    failed: 4,
  } as const;
  expect(drawMatrix(report, plain)).toBe(
    [
      "from \\ to   e/a        e/b       w/c",
      "e/a         ·          0.50 ms   LARGE",
      "e/b         SOURCE     ·         apart",
      "w/c         NO REACH   LEAK      ·",
      "",
      "2 of 6 ways are as they must be, 4 are not",
      "",
    ].join("\n"),
  );
});

test("each family has a matrix of its own, of the pods that have it", () => {
  const well6 = { ...well, family: 6 } as const;
  const pairs = [
    { from: "e/a", to: "e/b", ...well },
    { from: "e/b", to: "e/a", ...well },
    { from: "e/a", to: "w/c", ...well6 },
    { from: "w/c", to: "e/a", ...well6 },
  ];
  expect(drawMatrix({ pairs, isolated: [], passed: 4, failed: 0 }, plain)).toBe(
    [
      "IPv4, from \\ to   e/a       e/b",
      "e/a               ·         0.50 ms",
      "e/b               0.50 ms   ·",
      "",
      "IPv6, from \\ to   e/a       w/c",
      "e/a               ·         0.50 ms",
      "w/c               0.50 ms   ·",
      "",
      "4 of 4 ways are as they must be",
      "",
    ].join("\n"),
  );
});

test("a lab is drawn as its clusters and its places", () => {
  const shape: LabShape = {
    hub: { netns: "lab-hub", nats: "tls://198.51.100.10:4222" },
    clusters: [
      {
        name: "east",
        podCIDRs: ["10.64.0.0/16"],
        lan: ["192.168.1.0/24", "fd00:1::/64"],
        router: { netns: "lab-east-lan", addresses: ["203.0.113.2/29"], nat: true },
        nodes: [{ name: "a", netns: "lab-east-a", addresses: ["192.168.1.10/24"], gateway: true }],
        pods: [{ name: "web", netns: "lab-east-pod-web", node: "a", network: "overlay", addresses: ["10.64.0.2"] }],
      },
    ],
  };
  expect(drawLab(shape)).toBe(
    [
      "CLUSTER   LAN                          POD CIDRS",
      "east      192.168.1.0/24,fd00:1::/64   10.64.0.0/16",
      "",
      "PLACE         WHAT       ADDRESSES                  NETWORK NAMESPACE",
      "hub           hub        tls://198.51.100.10:4222   lab-hub",
      "east/router   NAT        203.0.113.2/29             lab-east-lan",
      "east/a        gateway    192.168.1.10/24            lab-east-a",
      "east/web      pod on a   10.64.0.2                  lab-east-pod-web",
      "",
    ].join("\n"),
  );
});
