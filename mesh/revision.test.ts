import { expect, test } from "@jest/globals";
import { compareRevisions, formatRevision } from "./revision.ts";

test.each([
  [[1, 9], [2, 1], -1],
  [[2, 1], [2, 1], 0],
  [[2, 10], [2, 9], 1],
] as const)(
  "%j beside %j: a newer term outweighs any count of changes",
  ([epoch, generation], [otherEpoch, otherGeneration], sign) => {
    expect(Math.sign(compareRevisions({ epoch, generation }, { epoch: otherEpoch, generation: otherGeneration }))).toBe(
      sign,
    );
  },
);

test("a revision is written epoch.generation", () => {
  expect(formatRevision({ epoch: 3, generation: 14 })).toBe("3.14");
});
