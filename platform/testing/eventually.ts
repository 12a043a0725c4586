import { setTimeout as delay } from "node:timers/promises";
import { messageOf } from "../errors.ts";

/**
 * Asks until `holds` says yes. When it has not within `limitMs` (a minute unless told; machines of tests are slow, and
 * stall), throws what it last said: `holds` returns true, or what was seen instead; when it throws, it is asked again.
 */
export async function eventually(holds: () => unknown, limitMs = 60_000): Promise<void> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const seen = await attempt(holds);
    if (seen === true) return;
    if (performance.now() > deadline) throw new Error(`not within ${limitMs} ms; last seen: ${JSON.stringify(seen)}`);
    await delay(20);
  }
}

async function attempt(holds: () => unknown): Promise<unknown> {
  try {
    return await holds();
  } catch (error) {
    return { error: messageOf(error) };
  }
}
