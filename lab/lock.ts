import { createServer } from "node:net";
import type { Clock } from "../platform/clock.ts";
import { hasErrnoCode } from "./errno.ts";

/**
 * Runs `action` while nobody else on this machine holds the lock `name`, waiting for it as long as it takes. The lock
 * is a listening socket in the abstract namespace (unix(7)): the kernel drops it with its process, so none is ever stale.
 */
export async function withLock<T>(name: string, clock: Clock, action: () => T | Promise<T>): Promise<T> {
  const server = createServer();
  while (!(await listens(server, `\0trestle-lab/${name}`))) {
    await clock.sleep(RETRY_MS, NEVER);
  }
  try {
    return await action();
  } finally {
    await new Promise((closed) => server.close(closed));
  }
}

const RETRY_MS = 3;
const NEVER = new AbortController().signal;

function listens(server: ReturnType<typeof createServer>, path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) => (hasErrnoCode(error, "EADDRINUSE") ? resolve(false) : reject(error)));
    server.listen(path, () => {
      server.removeAllListeners("error");
      resolve(true);
    });
  });
}
