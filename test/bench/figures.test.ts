import { expect, test } from "@jest/globals";
import { linkFigures } from "./figures-link.ts";
import { pathFigures } from "./figures-paths.ts";
import { drawLink } from "./section-link.ts";
import { drawPaths } from "./section-paths.ts";

const way = "pods on gateways";
const MBIT = 1e6;

test("each round's quotient is of figures of that round, and their median is the verdict", () => {
  const speeds = { trestle: [100, 50, 99], "hand-made": [100, 100, 90], bare: [1000, 500, 990] } as const;
  const throughput = (["trestle", "hand-made", "bare"] as const).flatMap((variant) =>
    speeds[variant].map((mega, at) => ({
      round: at + 1,
      variant,
      way,
      streams: 1,
      bitsPerSecond: mega * MBIT,
      retransmits: 2,
    })),
  );
  const latency = (["trestle", "hand-made", "bare"] as const).flatMap((variant) =>
    [1, 2].map((round) => ({ round, variant, way, rttMs: [round / 10, round / 5] })),
  );
  const figures = pathFigures({ shape: { kind: "tun", mtu: 1440 }, rounds: 3, seconds: 3, throughput, latency });
  expect(figures.tunnel).toEqual({ wireguard: "wireguard-go", mtu: 1440 });
  expect(figures.throughput).toEqual([
    {
      way,
      streams: 1,
      rounds: { trestle: [100, 50, 99], "hand-made": [100, 100, 90], bare: [1000, 500, 990] },
      median: { trestle: 99, "hand-made": 100, bare: 990 },
      retransmits: { trestle: 6, "hand-made": 6, bare: 6 },
      toHandMade: { rounds: [1, 0.5, 1.1], median: 1 },
      toBare: { rounds: [0.1, 0.1, 0.1], median: 0.1 },
    },
  ]);
  expect(figures.latency[0]).toMatchObject({ way, samples: { bare: 4 }, p50: { bare: 0.2 }, p99: { bare: 0.4 } });
  const drawn = drawPaths(figures);
  expect(drawn).toContain("| pods on gateways, 1 stream | 99 | 100 | 990 | 1.000 | 0.500 to 1.100 |");
  expect(drawn).toContain("| pods on gateways | 0.2 / 0.4 | 0.2 / 0.4 | 0.2 / 0.4 |");
});

test("the time to reach is told from the command's start, from the write and from its return, and by its stages", () => {
  const create = { written: 300, returned: 350, believed: 320, held: 420, reached: { [way]: 400 } };
  const rounds = [0, 10, 40].map((late) => ({
    create: { ...create, reached: { [way]: 400 + late } },
    delete: { returned: 330, lastReached: { [way]: 360 + late } },
  }));
  const { reach, stages, cut } = linkFigures(rounds);
  expect(reach.map(({ p50, max }) => [p50, max])).toEqual([
    [410, 440],
    [110, 140],
    [60, 90],
  ]);
  expect(stages.map(({ p50 }) => p50)).toEqual([300, 20, 100, -10]);
  expect(cut.map(({ p50, max }) => [p50, max])).toEqual([[370, 400]]);
  expect(drawLink({ rounds: 3, reach, stages, cut })).toContain(`| ${way}: from the command's return | 60 | 90 |`);
});
