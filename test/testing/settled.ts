import { setTimeout as delay } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { eventually } from "../../platform/testing/eventually.ts";

/** What `read` gives once it gives the same again after `quietMs`: of a hub, when its controllers have nothing left to write. */
export async function settled(read: () => Promise<unknown>, quietMs: number): Promise<unknown> {
  let last = await read();
  await eventually(async () => {
    await delay(quietMs);
    const before = last;
    last = await read();
    return isDeepStrictEqual(last, before) || "still changing";
  });
  return last;
}
