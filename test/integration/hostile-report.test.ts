import type { NatsConnection } from "@nats-io/nats-core";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { clusterLinkKind } from "../../crds/cluster-link.ts";
import { clusterKind } from "../../crds/cluster.ts";
import { credentialKind } from "../../crds/credential.ts";
import { ViewReader } from "../../member-agent/gateway/mail.ts";
import type { Mail } from "../../member-agent/gateway/mail.ts";
import { connectAsMember } from "../../member-agent/member/connect.ts";
import type { GatewayRecord } from "../../mesh/resources.ts";
import { gatewayRecord, keyOf } from "../../mesh/testing/gateways.ts";
import { systemClock } from "../../platform/clock.ts";
import { openSigner } from "../../platform/identity/signature.ts";
import { createLog } from "../../platform/log.ts";
import { MailboxReader } from "../../platform/mailbox/reader.ts";
import { Reporter } from "../../platform/mailbox/send-report.ts";
import { eventually } from "../../platform/testing/eventually.ts";
import { startTestHub } from "../testing/hub.ts";
import type { TestHub } from "../testing/hub.ts";
import { startTestMembers } from "../testing/members.ts";
import type { TestMembers } from "../testing/members.ts";

/** What a member says of its gateways, through the real hub, into what another one is told. */

let hub: TestHub;
let members: TestMembers;
let life: AbortController;
let connections: NatsConnection[];
let reading: Promise<void>[];

beforeEach(async () => {
  [life, connections, reading] = [new AbortController(), [], []];
  [hub, members] = await Promise.all([startTestHub(), startTestMembers()]);
  await hub.pool("pods", "10.64.0.0/12", 16);
});

afterEach(async () => {
  life.abort();
  await Promise.all(reading);
  await Promise.all(connections.map((nc) => nc.close()));
  await hub?.remove();
  await members?.remove();
});

interface Member {
  /** Reports as its gateway "a", which leads. */
  says(...gateways: readonly unknown[]): Promise<unknown>;
  /** The last view it believed. */
  mail(): Mail | undefined;
}

async function joined(name: string): Promise<Member> {
  const member = await members.make();
  await member.join(await hub.token(name));
  const credential = (await member.store.get(credentialKind, "mesh"))?.spec;
  if (credential === undefined) throw new Error(`"${name}" has joined`);
  const { mesh, cluster, hubKey, signingSeed } = credential;
  const nc = await connectAsMember(members.connect, credential, life.signal);
  connections.push(nc);
  const views = new ViewReader();
  let mail: Mail | undefined;
  const reader = new MailboxReader({
    nc,
    pins: { mesh, member: cluster, hubKey },
    onView: ({ head, pages }) => void (mail = views.open(head, pages)),
    clock: systemClock,
    log: createLog({ level: "silent", pretty: false }),
    signal: life.signal,
  });
  reading.push(reader.done);
  const signer = openSigner(signingSeed);
  const reporter = new Reporter({ nc, mesh, member: cluster, gateway: "a", signer, hubKey, firstCounter: Date.now() });
  return {
    says: (...gateways) => reporter.send({ gateways, leads: true, pairs: [] }),
    mail: () => mail,
  };
}

/** Gateway "a" of a cluster, and what is wrong with it. */
const own = (cluster: string, changes: Partial<GatewayRecord> = {}): GatewayRecord =>
  gatewayRecord(0, { name: "a", publicKey: keyOf(cluster), ...changes });

/** Waits until `reader` is told so of the gateways of `of`, by name. */
async function told(reader: Member, of: string, expected: readonly string[]): Promise<readonly GatewayRecord[]> {
  const gateways = (): readonly GatewayRecord[] =>
    reader.mail()?.view.entries.find(({ peer }) => peer.name === of)?.peer.gateways ?? [];
  await eventually(
    () =>
      gateways()
        .map(({ name }) => name)
        .join() === expected.join() || gateways(),
  );
  return gateways();
}

async function condition(cluster: string, status: "True" | "False"): Promise<string> {
  let message = "";
  await eventually(async () => {
    const { conditions = [] } = (await hub.store.get(clusterKind, cluster))?.status ?? {};
    const found = conditions.find(({ type }) => type === "GatewaysAccepted");
    message = found?.message ?? "";
    return found?.status === status || conditions;
  });
  return message;
}

describe("what a member says of its gateways", () => {
  test("that can't be is told nobody, each piece alone, and its administrator hears of it", async () => {
    const [east, west] = [await joined("east"), await joined("west")];
    await hub.store.create(clusterLinkKind, {
      metadata: { name: "pair" },
      spec: { members: { names: ["east", "west"] }, tunnel: "WireGuard" },
    });
    await west.says(own("west"));
    await told(east, "west", ["a"]);
    await east.says(
      own("east"),
      gatewayRecord(16),
      gatewayRecord(1, { basePort: 65_530 }),
      gatewayRecord(2, { basePort: 0 }),
      gatewayRecord(-1),
      gatewayRecord(3, { publicKey: "key" }),
      gatewayRecord(4, { endpoints: ["127.0.0.1"] }),
      gatewayRecord(5, { name: "../x" }),
      gatewayRecord(0, { name: "second" }),
      gatewayRecord(6, { publicKey: keyOf("west") }),
      gatewayRecord(7),
    );
    expect(await told(west, "east", ["a", "node-7"])).toEqual([own("east"), gatewayRecord(7)]);
    expect(west.mail()?.faults).toEqual([]);
    expect(await condition("east", "False")).toMatch(/"node-16" is left out: 16 is not a rank.*; and 6 more$/);

    await east.says(own("east"), gatewayRecord(7));
    await condition("east", "True");
    await east.says();
    await west.says(own("west", { endpoints: ["192.0.2.9"] }));
    await eventually(() => east.mail()?.view.entries[0]?.peer.gateways[0]?.endpoints[0] === "192.0.2.9");
    expect(await told(west, "east", ["a", "node-7"])).toHaveLength(2);
    await east.says(own("east"));
    await told(west, "east", ["a"]);
  });
});
