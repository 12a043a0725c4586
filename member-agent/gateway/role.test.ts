import { afterAll, beforeAll, beforeEach, expect, test } from "@jest/globals";
import type { NatsConnection } from "@nats-io/nats-core";
import { readdir } from "node:fs/promises";
import { credentialKind } from "../../crds/credential.ts";
import { gatewayKind } from "../../crds/gateway.ts";
import type { CredentialSpec } from "../../mesh/resources.ts";
import { systemClock } from "../../platform/clock.ts";
import { MeshError } from "../../platform/errors.ts";
import { generateSeed, openSigner } from "../../platform/identity/signature.ts";
import { makeUserKey } from "../../platform/identity/user-key.ts";
import { connectNats } from "../../platform/nats/connection.ts";
import { runner } from "../../platform/run.ts";
import type { ResourceStore } from "../../platform/store/port.ts";
import { freePort } from "../../platform/testing/free-port.ts";
import { eventually } from "../../platform/testing/eventually.ts";
import { startTestNats } from "../../platform/testing/nats.ts";
import type { TestNats } from "../../platform/testing/nats.ts";
import type { ConnectNats, HubDial } from "../member/connect.ts";
import { putSpec } from "../member/put-spec.ts";
import { silent, withFolder } from "../testing/folder.ts";
import { startMemberStore } from "../testing/store.ts";
import type { MemberStore } from "../testing/store.ts";
import { GatewayRole } from "./role.ts";

let member: MemberStore;
let store: ResourceStore;
/** Somebody's NATS, without a hub. */
let nats: TestNats;
let nowhere: string;
const life = new AbortController();

beforeAll(async () => {
  [member, nats, nowhere] = await Promise.all([
    startMemberStore(),
    startTestNats(),
    freePort().then((port) => `nats://127.0.0.1:${port}`),
  ]);
  store = member.store;
});

afterAll(async () => {
  life.abort();
  await nats?.remove();
  await member?.remove();
});

beforeEach(async () => {
  for (const { metadata } of await store.list(gatewayKind)) await store.delete(gatewayKind, metadata.name);
});

const keys = { userSeed: makeUserKey().seed, signingSeed: generateSeed() };
const hubKey = openSigner(generateSeed()).publicKey;

/** Writes the member's credential as a join or a renewal does. */
async function keep(userJWT: string, url: string): Promise<void> {
  const spec: CredentialSpec = {
    ...keys,
    mesh: "m",
    cluster: "east",
    natsURLs: [url],
    ca: "",
    hubKey,
    userJWT,
    tokenID: "t",
  };
  await putSpec(store, credentialKind, "mesh", () => spec);
}

/** Runs a test with the role of node "a", whose agent does with the hub what this says. */
async function withRole(
  connect: ConnectNats,
  use: (role: GatewayRole, where: string) => Promise<void>,
  onNews: () => void = () => undefined,
): Promise<void> {
  await withFolder(async (folder, where) => {
    const role = new GatewayRole({
      node: "a",
      endpoints: () => ["192.0.2.1"],
      behindNAT: false,
      basePort: 51_820,
      run: runner(),
      folder,
      connect,
      clock: systemClock,
      log: silent,
      lookup: () => Promise.reject(new Error("ENOTFOUND")),
      onMail: () => undefined,
      onMove: () => undefined,
      onNews,
    });
    try {
      await use(role, where);
    } finally {
      await role.disconnect();
    }
  });
}

const known = () => ({ gateways: [], leads: false });

/** Dials as an agent does: for as long as it takes. */
function patient(dials: HubDial[] = [], connections: NatsConnection[] = []): ConnectNats {
  return async ({ until = life.signal, ...to }) => {
    dials.push({ ...to, until });
    const common = { name: "role", waitOnFirstConnect: true, clock: systemClock, log: silent, signal: until };
    const connection = await connectNats({ ...to, ca: undefined, ...common });
    connections.push(connection);
    return connection;
  };
}

const jwtOf = ({ credentials }: HubDial): unknown => credentials && "jwt" in credentials && credentials.jwt;

test("a gateway that never reached its hub leaves all the same, and nothing of it stays", () =>
  withRole(patient(), async (role, where) => {
    await keep("jwt-1", nowhere);
    await role.register(store);
    await role.connect(store, known);
    expect((await readdir(where)).toSorted()).toEqual(expect.arrayContaining(["credential.json", "wireguard-0.key"]));
    await role.leave(store);
    const left = (await readdir(where)).filter((name) => !name.includes("lock"));
    expect([left, await store.list(gatewayKind), role.own, role.mail]).toEqual([[], [], undefined, undefined]);
  }));

test("a renewed credential takes the place of one that no hub answers any more", async () => {
  const dials: HubDial[] = [];
  const connections: NatsConnection[] = [];
  await withRole(patient(dials, connections), async (role) => {
    await keep("jwt-expired", nowhere);
    await role.connect(store, known);
    await keep("jwt-renewed", nats.url);
    await role.connect(store, known);
    expect(dials.map(jwtOf)).toEqual(["jwt-expired", "jwt-renewed"]);
    expect(dials.map(({ until }) => until?.aborted)).toEqual([true, false]);
    await eventually(() => connections.length === 1);
    await keep("jwt-next", nats.url);
    await role.connect(store, known);
    await eventually(() => connections.length === 2);
    expect(connections.map((each) => each.isClosed())).toEqual([true, false]);
    await role.disconnect();
    expect(connections[1]?.isClosed()).toBe(true);
  });
});

test("the same credential is one talk, and one that failed is begun anew", async () => {
  const refused: HubDial[] = [];
  const failing: ConnectNats = (dial) => {
    refused.push(dial);
    return refused.length === 1
      ? Promise.reject(new MeshError("nats-untrusted", "refused by the test", { retry: false }))
      : new Promise((_, reject) => dial.until?.addEventListener("abort", () => reject(new Error("aborted"))));
  };
  await withRole(failing, async (role) => {
    await keep("jwt-1", nowhere);
    await eventually(async () => {
      await role.connect(store, known);
      return refused.length === 2;
    });
    expect(refused[0]?.until?.aborted).toBe(true);
    await role.connect(store, known);
    await role.connect(store, known);
    expect(refused).toHaveLength(2);
  });
});

test("what is carried out is told once, and again when it is another revision", async () => {
  let news = 0;
  await withRole(
    patient(),
    async (role) => {
      role.applied({ epoch: 1, generation: 1 });
      role.applied({ epoch: 1, generation: 1 });
      expect(news).toBe(1);
      role.applied({ epoch: 2, generation: 1 });
      expect(news).toBe(2);
      await role.register(store);
      const [gateway] = await store.list(gatewayKind);
      expect(gateway?.status).toMatchObject({ appliedRevision: { epoch: 2, generation: 1 }, endpoints: ["192.0.2.1"] });
    },
    () => void (news += 1),
  );
});
