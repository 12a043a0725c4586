import { createServer } from "node:net";
import type { Clock } from "../platform/clock.ts";
import { MeshError } from "../platform/errors.ts";
import { hasErrnoCode } from "./errno.ts";

/**
 * Runs `action` while nobody else on this machine holds the lock `name`, waiting for it as long as it takes. The lock
 * is a listening socket in the abstract namespace (unix(7)): the kernel drops it with its process, so none is ever stale.
 * @throws MeshError `aborted` when `signal` ends the waiting
 */
export async function withLock<T>(
  name: string,
  { clock, signal = NEVER, onWaiting }: Waiting,
  action: () => T | Promise<T>,
): Promise<T> {
  const server = createServer();
  for (let tries = 0; !(await listens(server, `\0trestle-lab/${name}`)); tries += 1) {
    if (tries === 0) onWaiting?.();
    if (signal.aborted) throw new MeshError("aborted", "stopped", { retry: false });
    await clock.sleep(RETRY_MS, signal);
  }
  try {
    return await action();
  } finally {
    await new Promise((closed) => server.close(closed));
  }
}

interface Waiting {
  readonly clock: Clock;
  /** Ends the waiting; absent where the lock is only ever held for moments. */
  readonly signal?: AbortSignal;
  /** Told once, when somebody else holds the lock. */
  onWaiting?(): void;
}

const RETRY_MS = 3;
const NEVER = new AbortController().signal;

function listens(server: ReturnType<typeof createServer>, path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const settle = (outcome: () => void): void => {
      server.removeAllListeners();
      outcome();
    };
    server.once("error", (error) => settle(() => (hasErrnoCode(error, "EADDRINUSE") ? resolve(false) : reject(error))));
    server.listen(path, () => settle(() => resolve(true)));
  });
}
