import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";

/** Below those that Linux gives to whoever names none (ip_local_port_range, 32768 and up): nobody gets one by chance. */
const [FIRST, LAST] = [20_000, 32_000];

/** A loopback TCP port that was free a moment ago, for a server that must keep its port over restarts. */
export async function freePort(): Promise<number> {
  const port = randomInt(FIRST, LAST);
  const server = createServer().listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EADDRINUSE") return freePort();
    throw error;
  }
  server.close();
  await once(server, "close");
  return port;
}
