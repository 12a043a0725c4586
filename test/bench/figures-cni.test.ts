import { expect, test } from "@jest/globals";
import { burstFigures, cniFigures } from "./figures-cni.ts";
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
  const burst = burstFigures({ nodes: 10, pods: 1_000, rounds: [] });
  const section = drawCNI({ nodes, burst });
  expect(section).toContain("| ADD, IPv4 | 20 / 30 | 20 / 20 | 1.00 | ≤ 1: met |");
  expect(section).toContain("| DEL, IPv4 | 8 / 8 | 16 / 32 | 0.50 | ≤ 0.5: met |");
});

test("a burst over many nodes is pods a second of all of them, and the median is of the rounds' times", () => {
  const rounds = [
    { addMs: 20_000, delMs: 1_000 },
    { addMs: 4_000, delMs: 2_000 },
    { addMs: 5_000, delMs: 4_000 },
  ];
  const burst = burstFigures({ nodes: 10, pods: 1_000, rounds });
  expect(burst).toMatchObject({ add: 200, del: 500, rounds: [{ add: 50, del: 1_000 }, { add: 250 }, { add: 200 }] });
  const section = drawCNI({ nodes: [], burst });
  expect(section).toContain("1,000 pods (IPv4) over 10 lab nodes");
  expect(section).toContain("| median | 200 | 500 |");
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
