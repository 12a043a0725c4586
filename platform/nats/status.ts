import type { NatsConnection } from "@nats-io/transport-node";
import type { Log } from "../log.ts";

/** Writes what becomes of a connection to the log; resolves when it is closed. */
export async function logStatus(connection: NatsConnection, log: Log): Promise<void> {
  for await (const status of connection.status()) {
    switch (status.type) {
      case "disconnect":
        log.warn({ event: "nats-disconnected", server: status.server }, "lost the connection to NATS; reconnecting");
        break;
      case "reconnect":
        log.info({ event: "nats-reconnected", server: status.server }, "connected to NATS again");
        break;
      case "staleConnection":
        log.warn({ event: "nats-stale" }, "NATS stopped answering pings; reconnecting");
        break;
      case "error":
        log.warn({ event: "nats-error", error: status.error }, `NATS says: ${status.error.message}`);
        break;
      case "slowConsumer":
        log.warn(
          { event: "nats-slow-consumer", subject: status.sub.getSubject(), pending: status.pending },
          "messages pile up",
        );
        break;
      default:
        log.debug({ event: "nats-status", status: status.type }, "NATS connection status");
    }
  }
}
