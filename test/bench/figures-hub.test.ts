import { expect, test } from "@jest/globals";
import { hubFigures } from "./figures-hub.ts";
import type { Resync } from "./hub.ts";
import { memoryFigures } from "./figures-memory.ts";
import { drawHub } from "./section-hub.ts";
import { drawMemory } from "./section-memory.ts";

const resync = (lastMs: number): Resync => ({ activeMs: 900, lastMs, hubMs: 1_200, natsMs: 300 });

test("a hub's changes stand beside plain sending and the goal, and the slowest resync counts", () => {
  const rounds = [30, 10, 20].map((changeMs) => ({ changeMs, plainMs: changeMs / 2, hubMs: 10, natsMs: 5 }));
  const figures = hubFigures({
    members: 1_000,
    changes: [{ title: "one", seenBy: 16, sent: { pageBytes: 7_000, headBytes: 500 }, rounds }],
    first: { activeMs: undefined, lastMs: 4_000, hubMs: 3_000, natsMs: 2_000 },
    again: [resync(2_000), resync(3_000)],
  });
  expect(figures.changes[0]).toMatchObject({ p50: 20, p99: 30, plainP50: 10, plainP99: 15, kilobytes: 7.5 });
  expect(figures.again).toEqual({ active: 0.9, last: 3, hub: 1.2, nats: 0.3 });
  const text = drawHub(figures);
  expect(text).toContain("| one | 16 | 7.5 | 20 / 30 | 10 / 15 | 10 | 5 |");
  expect(text).toContain("The goal is 50 / 150.");
});

test("an agent's memory is the middle of its samples and the highest of them, starts are medians by command", () => {
  const figures = memoryFigures({
    peers: 1_000,
    alone: [{ rss: 80, pss: 40 }],
    linked: [90, 110, 100].map((rss) => ({ rss, pss: rss / 2 })),
    starts: [1, 3, 2].map((n) => ({ command: "--help", bundled: n * 10, checkout: n * 20 })),
  });
  expect(figures.linked).toEqual({ rss: 100, highestRSS: 110, pss: 50 });
  expect(figures.starts).toEqual([{ command: "--help", bundled: 20, checkout: 40 }]);
  expect(drawMemory(figures)).toContain("| linked with 1000 clusters | 100 | 110 | 50 |");
});
