import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { MeshError, messageOf } from "./errors.ts";

export interface HealthOptions {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** False: restart me. */
  readonly healthy: () => boolean;
  /** False: not yet, or not now. */
  readonly ready: () => boolean;
}

export interface HealthServer {
  readonly port: number;
  /** Settles when it no longer listens, after its signal aborted. */
  readonly done: Promise<void>;
}

/**
 * Answers `/healthz` and `/readyz` with 200 or 503 until `signal` aborts.
 * @throws MeshError `bad-listen` when the address can't be listened on
 */
export async function serveHealth(
  { host, port, healthy, ready }: HealthOptions,
  signal: AbortSignal,
): Promise<HealthServer> {
  const answers = new Map([
    ["/healthz", healthy],
    ["/readyz", ready],
  ]);
  // Imported, this module is asked for all it has, and loads a WebSocket and all that belongs to it: 16 MB.
  const { createServer } = process.getBuiltinModule("node:http");
  const server = createServer((request, response) => {
    const answer = answers.get(request.url ?? "");
    const status = answer === undefined ? 404 : answer() ? 200 : 503;
    response.writeHead(status, { "content-type": "text/plain" }).end(status === 200 ? "ok\n" : "no\n");
  });
  const done = Promise.withResolvers<void>();
  server.on("close", () => done.resolve());
  try {
    server.listen(port, host);
    await once(server, "listening");
  } catch (error) {
    throw new MeshError("bad-listen", `health can't listen on ${host} port ${port}: ${messageOf(error)}`, {
      retry: false,
      cause: error,
    });
  }
  const close = (): void => {
    server.close();
    server.closeAllConnections();
  };
  if (signal.aborted) close();
  else signal.addEventListener("abort", close, { once: true });
  return { port: (server.address() as AddressInfo).port, done: done.promise };
}
