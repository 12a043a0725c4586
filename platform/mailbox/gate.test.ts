import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { openGate } from "./gate.ts";

test("never more than its width run at once, all run, and a failure lets the next one in", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 5 }),
      fc.array(fc.boolean(), { maxLength: 30 }),
      async (width, works) => {
        const enter = openGate(width);
        let running = 0;
        let most = 0;
        const results = await Promise.allSettled(
          works.map((fails) =>
            enter(async () => {
              running += 1;
              most = Math.max(most, running);
              await Promise.resolve();
              running -= 1;
              if (fails) throw new Error("failed");
            }),
          ),
        );
        expect(most).toBe(Math.min(width, works.length));
        expect(results.map(({ status }) => status === "rejected")).toEqual(works);
      },
    ),
  );
});
