import { expect, test } from "@jest/globals";
import { linkFigures } from "./figures-link.ts";
import { pathFigures } from "./figures-paths.ts";
import { drawLink } from "./section-link.ts";
import { drawPaths } from "./section-paths.ts";

const way = "pods on gateways";
const MBIT = 1e6;

test("each round's quotient is of figures of that round, and their median is the verdict", () => {
  const speeds = { trestle: [100, 50, 99], "hand-made": [100, 100, 90], bare: [1000, 500, 990] } as const;
  const variants = ["trestle", "hand-made", "bare"] as const;
  const throughput = variants.flatMap((variant) =>
    speeds[variant].map((mega, at) => ({
      round: at + 1,
      variant,
      way,
      streams: 1,
      bitsPerSecond: mega * MBIT,
      retransmits: 2,
      cpuPerGigabit: 100 / mega,
    })),
  );
  const latency = variants.flatMap((variant) =>
    [1, 2].map((round) => ({ round, variant, way, rttMs: [round / 10, round / 5] })),
  );
  const shape = { kind: "tun", mtu: 1440 } as const;
  const figures = pathFigures([{ kind: "WireGuard", shape, rounds: 3, seconds: 3, throughput, latency }]);
  const [tunnel] = figures.tunnels;
  expect(tunnel).toMatchObject({ kind: "WireGuard", by: "wireguard-go", mtu: 1440 });
  expect(tunnel?.throughput).toEqual([
    {
      way,
      streams: 1,
      speed: {
        rounds: { trestle: [100, 50, 99], "hand-made": [100, 100, 90], bare: [1000, 500, 990] },
        median: { trestle: 99, "hand-made": 100, bare: 990 },
        toHandMade: { rounds: [1, 0.5, 1.1], median: 1 },
        toBare: { rounds: [0.1, 0.1, 0.1], median: 0.1 },
      },
      cpu: {
        rounds: { trestle: [1, 2, 1.01], "hand-made": [1, 1, 1.111], bare: [0.1, 0.2, 0.101] },
        median: { trestle: 1.01, "hand-made": 1, bare: 0.101 },
        toHandMade: { rounds: [1, 2, 0.909], median: 1 },
        toBare: { rounds: [10, 10, 10], median: 10 },
      },
      retransmits: { trestle: 6, "hand-made": 6, bare: 6 },
    },
  ]);
  expect(tunnel?.latency[0]).toMatchObject({ way, samples: { bare: 4 }, p50: { bare: 0.2 }, p99: { bare: 0.4 } });
  const drawn = drawPaths(figures);
  expect(drawn).toContain("| pods on gateways, 1 stream | 99 | 100 | 990 | 1.000 | 0.500 to 1.100 | met |");
  expect(drawn).toContain("| pods on gateways, 1 stream | 1.01 | 1.00 | 0.10 | 1.000 | 0.909 to 2.000 |");
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
