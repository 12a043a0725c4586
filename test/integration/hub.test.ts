import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { cp, readdir, rm } from "node:fs/promises";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { cidrPoolKind } from "../../crds/cidr-pool.ts";
import { clusterLinkKind } from "../../crds/cluster-link.ts";
import { clusterKind } from "../../crds/cluster.ts";
import { credentialKind } from "../../crds/credential.ts";
import { hubCalls } from "../../crds/wire/hub-api.ts";
import { answerOf } from "../../crds/wire/join.ts";
import { runHub } from "../../hub/hub.ts";
import { hubSettings } from "../../hub/settings.ts";
import { connectAsMember } from "../../member-agent/member/connect.ts";
import { systemClock } from "../../platform/clock.ts";
import { hasCode } from "../../platform/errors.ts";
import { createLog } from "../../platform/log.ts";
import { judgeHead } from "../../platform/mailbox/head.ts";
import { openSigner } from "../../platform/identity/signature.ts";
import { eventually } from "../../platform/testing/eventually.ts";
import { freePort } from "../../platform/testing/free-port.ts";
import { findTool } from "../../platform/tools.ts";
import { ViewBucket } from "../../platform/mailbox/view-bucket.ts";
import { startTestHub } from "../testing/hub.ts";
import type { TestHub } from "../testing/hub.ts";
import { startTestMembers } from "../testing/members.ts";
import type { TestMember, TestMembers } from "../testing/members.ts";
import { z } from "zod";

/** The hub as a process among others: how it starts, stops, forgets, and what it makes of nonsense. */

let hub: TestHub;
let members: TestMembers;
beforeEach(async () => {
  [hub, members] = await Promise.all([startTestHub(), startTestMembers()]);
  await hub.pool("pods", "10.64.0.0/12", 16);
});
afterEach(async () => {
  await hub?.remove();
  await members?.remove();
});

async function joined(name: string): Promise<TestMember> {
  const member = await members.make();
  await member.join(await hub.token(name));
  return member;
}

const epochs = (): unknown[] => hub.log.filter(({ event }) => event === "hub-active").map(({ epoch }) => epoch);
const jetstream = (): string => path.join(hub.state, "jetstream");
const AMNESIA = {
  code: "hub-amnesia",
  message: expect.stringMatching(/gives out no prefix.*Restore NATS' JetStream folder/),
};

/** A stalled machine keeps this; what waits for somebody who does not come takes longer. */
const STOP_LIMIT_MS = 30_000;

describe("a hub that starts and stops", () => {
  test("has nothing to complain of", () => {
    const complaints = hub.log.filter(
      ({ level, event }) => (level === "warn" || level === "error") && event !== "nats-server-log",
    );
    expect(complaints).toEqual([]);
  });

  test("is soon gone, with its nats-server and without a lock, and comes back with the next epoch", async () => {
    await joined("east");
    const before = await hub.ledger();
    const started = performance.now();
    await hub.stop();
    const tookMs = Math.round(performance.now() - started);
    console.log(`a hub was gone after ${tookMs} ms; five seconds are promised`);
    expect(tookMs).toBeLessThan(STOP_LIMIT_MS);
    expect(await hub.natsPID()).toBeUndefined();
    expect(await readdir(hub.state)).not.toContain("lock");
    await hub.start();
    expect(epochs()).toEqual([1, 2]);
    expect(await hub.ledger()).toEqual(before);
  });

  test.each([0, 50, 150, 300, 600])(
    "stops in the middle of its start, %i ms after it began, as quietly",
    async (ms) => {
      await hub.stop();
      const settings = hubSettings.parse({ state: `${hub.state}-2`, listen: `127.0.0.1:${await freePort()}` });
      const end = new AbortController();
      const natsServer = (): string => findTool("nats-server", process.env["PATH"] ?? "");
      const done = runHub(
        { settings, machine: [], natsServer, clock: systemClock, log: createLog({ level: "silent", pretty: false }) },
        end.signal,
      );
      await delay(ms);
      const started = performance.now();
      end.abort();
      await done;
      expect(performance.now() - started).toBeLessThan(STOP_LIMIT_MS);
      await hub.start();
    },
  );

  test("whose nats-server dies starts another, and knows what it knew: its members, and whose credential is void", async () => {
    const [east, west] = [await joined("east"), await joined("west")];
    const [stays, goes] = [await east.store.get(credentialKind, "mesh"), await west.store.get(credentialKind, "mesh")];
    await west.leave();
    const ledger = await hub.ledger();
    await hub.killNats();
    await eventually(async () => (await hub.natsPID()) !== undefined);
    await eventually(() =>
      hub.ask("status", {}).then(({ clusters }) => clusters.map(({ name }) => name).join() === "east", String),
    );
    expect(await hub.ledger()).toEqual(ledger);
    if (stays === undefined || goes === undefined) throw new Error("both have joined");
    await (await connectAsMember(members.connect, stays.spec)).close();
    await eventually(() =>
      connectAsMember(members.connect, goes.spec).then(
        (nc) => nc.close().then(() => "still accepted"),
        (error: unknown) => hasCode(error, "nats-refused") || String(error),
      ),
    );
  });
});

describe("a hub whose NATS lost what it stored", () => {
  test("while it was down gives nothing out, goes on above its last epoch, and begins anew when it is told to", async () => {
    await joined("east");
    const token = await hub.token("west");
    await hub.stop();
    await rm(jetstream(), { recursive: true });
    await hub.start();
    expect(epochs()).toEqual([1, 2]);
    expect(hub.log.filter(({ event }) => event === "hub-amnesia").map(({ level }) => level)).toEqual(["error"]);
    const west = await members.make();
    await expect(west.join(token)).rejects.toMatchObject(AMNESIA);
    await expect(hub.token("north")).rejects.toMatchObject(AMNESIA);
    // Not even its pools and an empty ledger: a restored backup finds no stranger.
    expect(await hub.everything()).toEqual([[], [], [], [], []]);
    expect(await hub.ask("status", {})).toMatchObject({ clusters: [], pairs: [] });

    await hub.stop();
    await rm(path.join(hub.state, "ledger.json"));
    await hub.start();
    expect(epochs()).toEqual([1, 2, 3]);
    await hub.pool("pods", "10.64.0.0/12", 16);
    expect(await west.join(await hub.token("west"))).toMatchObject({ number: 1 });
  });

  test("while it was running gives nothing out either, and its epoch does not go back", async () => {
    const east = await joined("east");
    const token = await hub.token("west");
    await hub.killNats(() => rm(jetstream(), { recursive: true }));
    await eventually(() => epochs().length > 1 || epochs(), 60_000);
    expect(epochs()).toEqual([1, 2]);
    await expect((await members.make()).join(token)).rejects.toMatchObject(AMNESIA);
    // Who wants to leave waits too: the backup would bring it back.
    await expect(east.leave()).rejects.toMatchObject(AMNESIA);
    expect(await hub.everything()).toEqual([[], [], [], [], []]);
  });

  test("and came back from an older backup gives nothing out until it has a newer one", async () => {
    const backup = `${jetstream()}-backup`;
    const newest = `${jetstream()}-newest`;
    await joined("east");
    await hub.stop();
    await cp(jetstream(), backup, { recursive: true });
    await hub.start();
    await joined("west");
    const ledger = await hub.ledger();
    await hub.stop();
    await cp(jetstream(), newest, { recursive: true });
    const restore = async (from: string): Promise<void> => {
      await rm(jetstream(), { recursive: true });
      await cp(from, jetstream(), { recursive: true });
      await hub.start();
    };
    await restore(backup);
    await expect(hub.token("north")).rejects.toMatchObject({
      ...AMNESIA,
      message: expect.stringMatching(/remembers a ledger at change \d+ and finds it at change \d+/),
    });
    await hub.stop();
    await restore(newest);
    expect(await hub.ledger()).toEqual(ledger);
    expect(epochs()).toEqual([1, 2, 3, 4]);
    expect(await (await members.make()).join(await hub.token("north"))).toMatchObject({ number: 3 });
  });
});

describe("what a Cluster announces", () => {
  const ranges = async (use: string) =>
    (await hub.ledger())?.rows.filter((row) => row.use === use).map(({ prefix, cluster }) => `${prefix} ${cluster}`);

  /** What peers of `member` are told that it announces. */
  async function published(member: string): Promise<readonly string[]> {
    const identity = await hub.identity();
    const pins = { mesh: identity.mesh, member, hubKey: openSigner(identity.signingSeed).publicKey };
    const bucket = await ViewBucket.open(hub.connection, { clock: systemClock, signal: new AbortController().signal });
    const head = judgeHead((await bucket.readHead(member))?.text ?? "", pins, undefined).accepted;
    const page = await hub.connection.request(`$JS.API.DIRECT.GET.KV_view.$KV.view.v.${member}.pg.${head?.pages[0]}`);
    return z.object({ self: z.object({ announcedCIDRs: z.array(z.string()) }) }).parse(page.json()).self.announcedCIDRs;
  }

  test("is entered into the ledger when an administrator adds it, and only then is it told to peers", async () => {
    await joined("east");
    await joined("west");
    await change("east", ["192.168.5.0/24"]);
    await eventually(async () => (await ranges("announced"))?.join() === "192.168.5.0/24 east" || ranges("announced"));
    await eventually(async () => (await published("east")).join() === "192.168.5.0/24" || published("east"));
    // Another cluster can't have it any more, neither by a join nor by a change.
    await expect(change("west", ["192.168.5.0/25"])).rejects.toMatchObject({
      code: "cidr-overlap",
      message: expect.stringContaining('"east"'),
    });
    await change("east", []);
    await eventually(async () => (await ranges("announced"))?.length === 0 || ranges("announced"));
    await eventually(async () => (await published("east")).length === 0 || published("east"));
  });

  async function change(name: string, allowedCIDRs: readonly string[]): Promise<void> {
    for (;;) {
      const cluster = await hub.store.get(clusterKind, name);
      if (cluster === undefined) throw new Error(`there is no ${name}`);
      const changed = await hub.store
        .update(clusterKind, { ...cluster, spec: { ...cluster.spec, allowedCIDRs } })
        .catch((error: unknown) => error);
      if (changed instanceof Error && "code" in changed && changed.code === "conflict") continue;
      if (changed instanceof Error) throw changed;
      return;
    }
  }
});

test("a link that names a cluster which has yet to join says so, and that it is well once it has", async () => {
  await joined("east");
  await hub.store.create(clusterLinkKind, {
    metadata: { name: "pair" },
    spec: { members: { names: ["east", "west"] }, tunnel: "WireGuard" },
  });
  const reason = async () =>
    (await hub.store.get(clusterLinkKind, "pair"))?.status.conditions
      .map(({ status, reason: why }) => `${status} ${why}`)
      .join();
  await eventually(async () => (await reason()) === "False ClusterNotFound" || reason());
  await joined("west");
  await eventually(async () => (await reason()) === "True Resolved" || reason());
  await expect(
    hub.store.create(clusterLinkKind, {
      metadata: { name: "second" },
      spec: { members: { names: ["west", "east"] }, tunnel: "VXLAN" },
    }),
  ).rejects.toMatchObject({
    code: "link-conflict",
    message: expect.stringContaining('which link "pair" does already'),
  });
  const { pairs } = await hub.ask("status", {});
  expect(pairs.map(({ from, to, state }) => `${from} ${to} ${state}`).toSorted()).toEqual([
    "east west Pending",
    "west east Pending",
  ]);
});

describe("nonsense", () => {
  test.each(Object.values(hubCalls).map(({ subject }) => subject))(
    "on %s is answered as such, and the next call is served",
    async (subject) => {
      const texts =
        subject === "hub.api.status" ? ["", "{", "[]", "null"] : ["", "{", "[]", "null", "{}", '{"cluster":7}'];
      for (const text of texts) {
        const reply = answerOf(z.unknown()).parse(
          (await hub.connection.request(subject, text, { timeout: 60_000 })).json(),
        );
        expect(reply).toMatchObject({ ok: false, code: "bad-request", retry: false });
      }
      expect(await hub.ask("status", {})).toMatchObject({ hub: { connected: true } });
    },
  );

  test("at the doors is refused, and the next join is served", async () => {
    await eventually(async () => (await hub.store.get(cidrPoolKind, "pods"))?.status.total === 16);
    const before = await hub.everything();
    const token = await hub.token("east");
    for (const subject of ["join", "renew", "leave"].map((door) => `mesh.${token.id}.${door}`)) {
      for (const text of ["", "\n", "x", "x\ny", "{}\n{}", `${"A".repeat(86)}\n{}`]) {
        const reply = (await hub.connection.request(subject, text, { timeout: 60_000 })).string();
        expect(reply).toMatch(/"ok":false,"code":"(bad-signature|unknown-cluster)"/);
      }
    }
    await hub.ask("revokeToken", { name: token.id });
    expect(await hub.everything()).toEqual(before);
    await joined("west");
  });

  test("a token that shall live ten years is refused", async () => {
    await expect(hub.token("east", { ttlSeconds: 10 * 365 * 86_400 })).rejects.toMatchObject({ code: "bad-ttl" });
    await expect(hub.token("east", { ttlSeconds: Number.MAX_SAFE_INTEGER })).rejects.toMatchObject({ code: "bad-ttl" });
  });
});
