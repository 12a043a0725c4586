import { expect, test } from "@jest/globals";
import { cniFigures } from "./figures-cni.ts";
import { ipamFigures } from "./figures-ipam.ts";
import { drawCNI } from "./section-cni.ts";
import { drawIPAM } from "./section-ipam.ts";

test("a plugin's calls are held against the other's of the same round, and bursts are pods a second", () => {
  const trestle = { addMs: [10, 20, 30], delMs: [8, 8, 8], burstAddMs: [1_000, 500, 2_000], burstDelMs: [400] };
  const reference = { addMs: [20, 20, 20], delMs: [32, 16, 8], burstAddMs: [4_000], burstDelMs: [8_000] };
  const { nodes } = cniFigures([{ families: "IPv4", trestle, reference }], 200);
  expect(nodes).toMatchObject([
    {
      add: { p50: 20, p99: 30, referenceP50: 20, quotient: 1 },
      del: { p50: 8, referenceP50: 16, quotient: 0.5 },
      burst: { add: 200, del: 500, referenceAdd: 50, referenceDel: 25 },
    },
  ]);
  const section = drawCNI({ nodes });
  expect(section).toContain("| ADD, IPv4 | 20 / 30 | 20 / 20 | 1.00 | ≤ 1: met |");
  expect(section).toContain("| DEL, IPv4 | 8 / 8 | 16 / 32 | 0.50 | ≤ 0.5: met |");
});

test("allocations are counted by how many addresses are in use, and judged whether they stay as fast", () => {
  const round = (used: number, ms: number) => ({ used, type: "Overlay" as const, eachMs: [ms, ms], burstMs: 10 });
  const figures = ipamFigures([round(100, 1), round(100, 1), round(10_000, 1.9)]);
  expect(figures.allocations).toMatchObject([
    { used: 100, p50: 1, rate: 200, rounds: [{}, {}] },
    { used: 10_000, p50: 1.9, rate: 200, rounds: [{}] },
  ]);
  expect(drawIPAM(figures)).toContain("Overlay p50: met. Flat: not met (1.90).");
});
