import type { NatsConnection } from "@nats-io/nats-core";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { cp, mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parse } from "yaml";
import { hubClient } from "../../cli/hub-client.ts";
import { cidrPoolKind } from "../../crds/cidr-pool.ts";
import { clusterKind } from "../../crds/cluster.ts";
import { credentialKind } from "../../crds/credential.ts";
import { hubKinds } from "../../crds/kinds.ts";
import { hubContext } from "../../crds/wire/context.ts";
import { printAccountsConfig } from "../../hub/nats-config.ts";
import { connectAsMember } from "../../member-agent/member/connect.ts";
import { systemClock } from "../../platform/clock.ts";
import { decodeJoinToken } from "../../platform/identity/join-token.ts";
import type { JoinToken } from "../../platform/identity/join-token.ts";
import type { LeaseStore } from "../../platform/lease.ts";
import { createLog } from "../../platform/log.ts";
import { MailboxReader } from "../../platform/mailbox/reader.ts";
import { connectNats } from "../../platform/nats/connection.ts";
import { openEmbeddedStore } from "../../platform/store/embedded.ts";
import type { ResourceStore, StoredObject } from "../../platform/store/port.ts";
import { eventually } from "../../platform/testing/eventually.ts";
import { startTestNats } from "../../platform/testing/nats.ts";
import type { TestNats } from "../../platform/testing/nats.ts";
import { startHubProcess } from "../testing/hub-process.ts";
import type { HubProcess } from "../testing/hub-process.ts";
import { startTestMembers } from "../testing/members.ts";
import type { TestMember, TestMembers } from "../testing/members.ts";
import { settled } from "../testing/settled.ts";

/** Two hub processes of one identity on one NATS that was prepared for them: one is active, whatever happens to the other. */

const log = createLog({ level: "silent", pretty: false });
const life = new AbortController();
let folder: string;
let nats: TestNats;
let members: TestMembers;
let admin: NatsConnection;
let store: ResourceStore & LeaseStore;
const processes: HubProcess[] = [];

const stateOf = (name: string): string => path.join(folder, name);

function start(name: string): HubProcess {
  const hub = startHubProcess(["--state", stateOf(name), "--nats", nats.url.replace("nats:", "tls:")]);
  processes.push(hub);
  return hub;
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "trestle-takeover-"));
  const accounts = await printAccountsConfig({
    state: stateOf("a"),
    hosts: ["127.0.0.1"],
    accountsFolder: path.join(folder, "accounts"),
    now: Date.now(),
  });
  await mkdir(stateOf("b"), { mode: 0o700 });
  await cp(path.join(stateOf("a"), "identity.json"), path.join(stateOf("b"), "identity.json"));
  const [certFile, keyFile] = [path.join(stateOf("a"), "server.pem"), path.join(stateOf("a"), "server.key")];
  nats = await startTestNats(
    `tls { cert_file: "${certFile}", key_file: "${keyFile}", handshake_first: true }\n${accounts}`,
  );
  members = await startTestMembers();
});

afterAll(async () => {
  for (const each of processes) {
    each.signal("SIGCONT");
    each.signal("SIGKILL");
  }
  await Promise.all(processes.map(({ done }) => done));
  life.abort();
  await admin?.closed();
  await members?.remove();
  await nats?.remove();
  await rm(folder, { recursive: true, force: true });
});

const everything = (): Promise<unknown> => Promise.all(hubKinds.map((kind) => store.list<StoredObject>(kind)));

async function token(cluster: string): Promise<JoinToken> {
  let made: JoinToken | undefined;
  // Between two hubs nobody answers.
  await eventually(async () => {
    made = decodeJoinToken((await hubClient(admin)("createToken", { cluster, podCIDRs: [], ttlSeconds: 600 })).token);
    return true;
  });
  if (made === undefined) throw new Error("no token");
  return made;
}

async function follow(member: TestMember): Promise<{
  readonly epoch: () => number | undefined;
  readonly views: () => number;
  readonly stop: () => Promise<void>;
}> {
  const credential = (await member.store.get(credentialKind, "mesh"))?.spec;
  if (credential === undefined) throw new Error("it has not joined");
  const nc = await connectAsMember(members.connect, credential);
  const end = new AbortController();
  let views = 0;
  const pins = { mesh: credential.mesh, member: credential.cluster, hubKey: credential.hubKey };
  const reader = new MailboxReader({
    nc,
    pins,
    onView: () => void (views += 1),
    clock: systemClock,
    log,
    signal: end.signal,
  });
  return {
    epoch: () => reader.head?.epoch,
    views: () => views,
    stop: async () => {
      end.abort();
      await reader.done;
      await nc.close();
    },
  };
}

test("one hub is active; killed, stopped in its tracks or ended, it is followed by the other, which alone writes", async () => {
  const a = start("a");
  expect(await a.logged("hub-active")).toMatchObject({ epoch: 1 });
  const context = hubContext.parse(parse(await readFile(path.join(stateOf("a"), "context.yaml"), "utf8")));
  const credentials = { jwt: context.userJWT, seed: context.userSeed };
  admin = await connectNats({
    servers: context.urls,
    ca: context.ca,
    credentials,
    name: "test",
    waitOnFirstConnect: false,
    clock: systemClock,
    log,
    signal: life.signal,
  });
  store = await openEmbeddedStore({ connection: admin, bucket: "hub", clock: systemClock, log, signal: life.signal });
  await store.create(cidrPoolKind, {
    metadata: { name: "pods" },
    spec: { cidr: "10.64.0.0/12", clusterPrefixLength: 16, purpose: "Pods" },
  });
  const [east, west, gone] = [await members.make(), await members.make(), await members.make()];
  const first = await east.join(await token("east"));
  await west.join(await token("west"));
  await gone.join(await token("gone"));
  const goneCredential = (await gone.store.get(credentialKind, "mesh"))?.spec;
  await gone.leave();
  const mail = await follow(east);
  await eventually(() => mail.epoch() === 1 || mail.epoch());

  // A standby watches and says nothing.
  const b = start("b");
  await b.logged("nats-connected", 2);
  expect(b.log.some(({ event }) => event === "hub-active")).toBe(false);

  a.signal("SIGKILL");
  await a.done;
  expect(await b.logged("hub-active")).toMatchObject({ epoch: 2 });
  await eventually(() => mail.epoch() === 2 || mail.epoch());
  expect(await (await members.make()).join(await token("third"))).toMatchObject({ number: 3 });
  // What the first one revoked stays revoked after the second revoked something.
  const other = await members.make();
  await other.join(await token("other"));
  await other.leave();
  if (goneCredential === undefined) throw new Error("gone had joined");
  await expect(connectAsMember(members.connect, goneCredential)).rejects.toMatchObject({ code: "nats-refused" });

  // Stopped in its tracks, with requests waiting for it that another hub answers meanwhile.
  await b.pause();
  const again = start("a");
  expect(await again.logged("hub-active")).toMatchObject({ epoch: 3 });
  await eventually(() => mail.epoch() === 3 || mail.epoch());
  const brief = await members.make();
  await brief.join(await token("brief"));
  await brief.leave();
  await eventually(async () => (await store.get(clusterKind, "brief")) === undefined);
  const before = await settled(everything, 1_000);
  b.signal("SIGCONT");
  await b.logged("lease-lost");
  await delay(3_000);
  expect(await everything()).toEqual(before);
  expect(mail.epoch()).toBe(3);
  expect(b.log.filter(({ event }) => event === "hub-active")).toHaveLength(1);

  // Ended in order, it gives the lease up: nobody waits for it to run out.
  const ended = performance.now();
  again.signal("SIGTERM");
  await again.done;
  const { holder, term } = (await store.readLease("hub"))?.record ?? {};
  expect(term === 3 ? holder : "").toBe("");
  console.log(`the active hub ended in ${Math.round(performance.now() - ended)} ms`);
  expect(await b.logged("hub-active", 2)).toMatchObject({ epoch: 4 });
  console.log(`and the other was active after ${Math.round(performance.now() - ended)} ms`);
  await eventually(() => mail.epoch() === 4 || mail.epoch());
  expect((await store.get(clusterKind, "east"))?.status).toMatchObject({
    number: first.number,
    podCIDRs: first.podCIDRs,
  });
  await mail.stop();
});

test("a NATS that lost what it stored is not served with an older epoch, by whichever hub", async () => {
  const [b] = processes.slice(1, 2);
  const active = (): number => b?.log.filter(({ event }) => event === "hub-active").length ?? 0;
  const count = active();
  await nats.stop("SIGKILL");
  await nats.wipe();
  await nats.start();
  expect(await b?.logged("hub-active", count + 1)).toMatchObject({ epoch: 5 });
  expect(await b?.logged("hub-amnesia")).toMatchObject({ level: "error" });
  // One that was a standby all the while has seen the terms of others.
  const a = start("a");
  await a.logged("nats-connected", 2);
  b?.signal("SIGKILL");
  expect(await a.logged("hub-active")).toMatchObject({ epoch: 6 });
});
