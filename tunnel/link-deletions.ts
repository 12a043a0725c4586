import type { MonitorDeps } from "./monitor.ts";
import { followMonitor } from "./monitor.ts";

/**
 * Hears that a device is deleted before the program that deletes it ends. The kernel takes a device out of its tables and
 * says so (RTM_DELLINK, rtnetlink(7)); then the program has to wait until its memory may be freed (rcu_barrier in
 * netdev_run_todo, net/core/dev.c), four times as long.
 */
export class LinkDeletions {
  readonly #awaited = new Map<string, () => void>();

  /** Listens until the signal aborts; whoever waits while it does not waits for the program. */
  async listen(deps: MonitorDeps, signal: AbortSignal): Promise<void> {
    const onLine = (line: string): void => {
      const device = deletedDevice(line);
      if (device !== undefined) this.#awaited.get(device)?.();
    };
    await followMonitor(deps, ["ip", "-o", "monitor", "link"], { onLine, onGap: () => undefined }, signal);
  }

  /**
   * Resolves when the device is gone, or `deleting` is done; what becomes of `deleting` after that nobody is told.
   * @throws what `deleting` throws while the device is there
   */
  async orEnd(device: string, deleting: Promise<void>): Promise<void> {
    const gone = Promise.withResolvers<void>();
    this.#awaited.set(device, gone.resolve);
    try {
      await Promise.race([gone.promise, deleting]);
    } finally {
      // Somebody else may wait for a device of this name by now.
      if (this.#awaited.get(device) === gone.resolve) this.#awaited.delete(device);
    }
  }
}

/** `Deleted 27: tp0a1b2c3d4e5f@NONE: <BROADCAST,MULTICAST> mtu 1420 …`; lines of addresses have no flags. */
export function deletedDevice(line: string): string | undefined {
  return /^Deleted \d+: ([^\s:@]+)(?:@[^\s:]+)?: </.exec(line)?.[1];
}
