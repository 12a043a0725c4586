import type { NatsConnection } from "@nats-io/transport-node";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { systemClock } from "../clock.ts";
import { hubCredential, issueMember } from "../identity/credentials.ts";
import type { UserCredential } from "../identity/credentials.ts";
import { makeHubIdentity } from "../identity/hub-identity.ts";
import type { HubIdentity } from "../identity/hub-identity.ts";
import { makeUserKey } from "../identity/user-key.ts";
import { createLog } from "../log.ts";
import { connectNats } from "../nats/connection.ts";
import { accountJWTs } from "../nats/hub-accounts.ts";
import { renderHubConfig } from "../nats/hub-config.ts";
import { startNatsServer } from "../nats/server.ts";
import { inboxPrefix } from "../nats/subjects.ts";
import type { MemberRole } from "../nats/subjects.ts";
import { findTool } from "../tools.ts";
import { freePort } from "./free-port.ts";

/** A hub's nats-server as `trestle hub` starts it: operator mode, two accounts, TLS; on a loopback port. */
export interface TestHub {
  readonly url: string;
  readonly identity: HubIdentity;
  /** A connection of the hub's own users; it ends with the hub. */
  connectAs(user: keyof HubIdentity["userSeeds"]): Promise<NatsConnection>;
  /** A connection with any credential, for a name and a role. */
  connectWith(credential: UserCredential, role: MemberRole, name: string): Promise<NatsConnection>;
  /** A new key, a credential for it as a join would give, and a connection with it. */
  connectMember(name: string): Promise<NatsConnection>;
  /** Ends the server and every connection, removes what is on disk. */
  remove(): Promise<void>;
}

/** Starts one; its bucket is not made yet. */
export async function startTestHub(): Promise<TestHub> {
  const folder = await mkdtemp(path.join(tmpdir(), "trestle-hub-"));
  const file = (name: string): string => path.join(folder, name);
  const identity = await makeHubIdentity(["127.0.0.1"]);
  const listen = `127.0.0.1:${await freePort()}`;
  const options = { name: "hub", listen, certFile: file("server.crt"), keyFile: file("server.key") };
  const folders = { jetStreamFolder: file("jetstream"), accountsFolder: file("accounts") };
  await writeFile(options.certFile, identity.server.certPEM);
  await writeFile(options.keyFile, identity.server.keyPEM);
  await writeFile(file("nats.conf"), renderHubConfig(await accountJWTs(identity), { ...options, ...folders }));

  const log = createLog({ level: "silent", pretty: false });
  const life = new AbortController();
  const binary = findTool("nats-server", process.env["PATH"] ?? "");
  const server = startNatsServer({ binary, configFile: file("nats.conf"), log, signal: life.signal });
  await server.ready;

  const connections: NatsConnection[] = [];
  const connect = async (credentials: UserCredential, name: string, prefix?: string): Promise<NatsConnection> => {
    const connection = await connectNats({
      servers: [`tls://${listen}`],
      ca: identity.ca.certPEM,
      credentials,
      name,
      inboxPrefix: prefix,
      waitOnFirstConnect: false,
      clock: systemClock,
      log,
      signal: life.signal,
    });
    connections.push(connection);
    return connection;
  };
  const connectWith = (credential: UserCredential, role: MemberRole, name: string): Promise<NatsConnection> =>
    connect(credential, name, inboxPrefix(role, name));

  return {
    url: `tls://${listen}`,
    identity,
    connectAs: async (user) => connect(await hubCredential(identity, user), user),
    connectWith,
    connectMember: async (name) => {
      const { publicKey, seed } = makeUserKey();
      return connectWith({ jwt: await issueMember(identity, name, publicKey), seed }, "member", name);
    },
    remove: async () => {
      await Promise.all(connections.map((connection) => connection.close()));
      life.abort();
      await server.done.catch(() => undefined);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
