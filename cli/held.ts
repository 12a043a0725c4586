import type { ResourceKind, ResourceReader, StoredObject } from "../platform/store/port.ts";
import type { Shell } from "./shell.ts";

const LIMIT_MS = 10_000;
const LOOK_EVERY_MS = 200;

/**
 * Waits until whoever holds a deleted object by a finalizer has let it go, but no longer than a person would, and gives
 * the finalizers that are left then.
 * @param deleted as it was right before
 */
export async function heldBy(
  peers: ResourceReader,
  kind: ResourceKind<StoredObject>,
  { metadata: { name, uid, finalizers } }: StoredObject,
  { clock, signal }: Pick<Shell, "clock" | "signal">,
): Promise<readonly string[]> {
  if (finalizers.length === 0) return [];
  const until = clock.monotonic() + LIMIT_MS;
  for (;;) {
    const present = await peers.get(kind, name);
    if (present?.metadata.uid !== uid) return [];
    if (clock.monotonic() >= until || signal.aborted) return present.metadata.finalizers;
    await clock.sleep(LOOK_EVERY_MS, signal);
  }
}
