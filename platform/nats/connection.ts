import { connect, errors } from "@nats-io/transport-node";
import type { Authenticator, NatsConnection } from "@nats-io/transport-node";
import { setTimeout as delay } from "node:timers/promises";
import type { Clock } from "../clock.ts";
import { MeshError, messageOf } from "../errors.ts";
import { openNkey } from "../identity/nkey.ts";
import type { Log } from "../log.ts";
import { logStatus } from "./status.ts";

/** How a client shows who it is. `jwt` may be a function: it is asked anew at each connect, so a renewed one is used. */
export type NatsCredentials =
  | { readonly jwt: string | (() => string); readonly seed: string }
  | { readonly token: string };

export interface NatsConnectOptions {
  /** `nats://host:port` or `tls://host:port`, any of which will do. */
  readonly servers: readonly string[];
  /** PEM of the only CA to trust. Given, the TLS handshake comes before any word of NATS; absent, no TLS. */
  readonly ca?: string | undefined;
  /** Absent: the server lets anyone in. */
  readonly credentials?: NatsCredentials | undefined;
  /** Shown in the server's monitoring. */
  readonly name: string;
  /** First words of reply subjects, for a user who may subscribe to no other. */
  readonly inboxPrefix?: string | undefined;
  /** True for daemons: keep trying until there is a server. False for commands: one try at each address, then the error. */
  readonly waitOnFirstConnect: boolean;
  readonly clock: Clock;
  readonly log: Log;
  /** Closes the connection, after what is under way was sent; `connection.closed()` tells when. */
  readonly signal: AbortSignal;
}

const CONNECT_LIMIT_MS = 5_000;
const DRAIN_LIMIT_MS = 1_000;
const RETRY_MIN_MS = 250;
const RETRY_MAX_MS = 4_000;

/**
 * Connects to NATS with the defaults a daemon needs: it reconnects for ever, also when refused (a credential may be
 * restored), and notices a dead server in 20 to 30 s.
 * @throws MeshError `nats-unreachable` (retry), `nats-refused` (the credential), `nats-untrusted` (the certificate),
 *   `aborted`; with `waitOnFirstConnect` only the last
 */
export async function connectNats(options: NatsConnectOptions): Promise<NatsConnection> {
  const { clock, log, signal } = options;
  for (let waitMs = RETRY_MIN_MS; ; waitMs = Math.min(waitMs * 2, RETRY_MAX_MS)) {
    try {
      const connection = await connectOnce(options);
      void closeOnAbort(connection, options);
      void logStatus(connection, log);
      log.info({ event: "nats-connected", server: connection.getServer() }, "connected to NATS");
      return connection;
    } catch (error) {
      if (signal.aborted || !options.waitOnFirstConnect) throw error;
      log.warn({ event: "nats-connect-failed", retryMs: waitMs }, messageOf(error));
      await clock.sleep(waitMs, signal);
    }
  }
}

async function connectOnce(options: NatsConnectOptions): Promise<NatsConnection> {
  const { servers, ca, credentials, name, inboxPrefix, signal } = options;
  const stopped = new MeshError("aborted", `connecting to NATS at ${servers.join(", ")}: stopped`, { retry: false });
  if (signal.aborted) throw stopped;
  const attempt = connect({
    servers: [...servers],
    name,
    timeout: CONNECT_LIMIT_MS,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 500,
    reconnectJitter: 500,
    pingInterval: 10_000,
    maxPingOut: 2,
    // A trace for each request costs more than the request, and shows nothing but who asked: that is said in the errors.
    noAsyncTraces: true,
    ignoreAuthErrorAbort: true,
    // Servers of a cluster gossip addresses that a member behind NAT can't dial: only the given ones count.
    ignoreClusterUpdates: true,
    tls: ca === undefined ? null : { ca, handshakeFirst: true },
    ...(credentials !== undefined && "token" in credentials && { token: credentials.token }),
    ...(credentials !== undefined &&
      "jwt" in credentials && { authenticator: jwtAuth(credentials.jwt, credentials.seed) }),
    ...(inboxPrefix !== undefined && { inboxPrefix }),
  });
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => {
    // The client can't be told to stop dialling; should it still succeed, the connection is closed at once.
    attempt.then((late) => late.close()).catch(() => undefined);
    aborted.reject(stopped);
  };
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([attempt, aborted.promise]);
  } catch (error) {
    throw signal.aborted ? stopped : explain(servers, error);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/** As the client's own jwtAuthenticator, whose signature takes a hundred times as long. */
function jwtAuth(jwt: string | (() => string), seed: string): Authenticator {
  const key = openNkey(seed);
  const nkey = key.getPublicKey();
  return (nonce = "") => ({
    jwt: typeof jwt === "function" ? jwt() : jwt,
    nkey,
    sig: Buffer.from(key.sign(Buffer.from(nonce))).toString("base64url"),
  });
}

function explain(servers: readonly string[], error: unknown): MeshError {
  const tried = `NATS at ${servers.join(", ")}`;
  if (error instanceof errors.AuthorizationError || error instanceof errors.UserAuthenticationExpiredError) {
    return new MeshError("nats-refused", `${tried} refused this credential (${error.message})`, {
      retry: false,
      cause: error,
    });
  }
  const code = errorCode(error);
  if (UNTRUSTED.test(code)) {
    const message = `${tried} shows a certificate that the pinned CA did not issue for that address (${code}: ${messageOf(error)})`;
    return new MeshError("nats-untrusted", message, { retry: false, cause: error });
  }
  const message = `${tried} can't be reached (${messageOf(error)}); is it running, and is the address right?`;
  return new MeshError("nats-unreachable", message, { retry: true, cause: error });
}

// Names that OpenSSL and node:tls give to a certificate that does not verify.
const UNTRUSTED = /CERT|SIGNATURE|ISSUER|ALTNAME|SELF_SIGNED/;

function errorCode(error: unknown): string {
  const code = (error as { readonly code?: unknown } | null)?.code;
  return typeof code === "string" ? code : "";
}

async function closeOnAbort(connection: NatsConnection, { signal }: NatsConnectOptions): Promise<void> {
  const aborted = Promise.withResolvers<void>();
  const onAbort = (): void => aborted.resolve();
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort, { once: true });
  await Promise.race([aborted.promise, connection.closed()]);
  signal.removeEventListener("abort", onAbort);
  if (connection.isClosed()) return;
  const enough = new AbortController();
  // Without a server there is nobody to drain to, and drain would wait for one.
  const limit = delay(DRAIN_LIMIT_MS, undefined, { signal: enough.signal }).catch(() => undefined);
  await Promise.race([connection.drain().catch(() => undefined), limit]);
  enough.abort();
  await connection.close();
}
