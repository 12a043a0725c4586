import type { NatsConnection } from "@nats-io/nats-core";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { clusterLinkKind } from "../../crds/cluster-link.ts";
import { clusterKind } from "../../crds/cluster.ts";
import { credentialKind } from "../../crds/credential.ts";
import { joinTokenKind } from "../../crds/join-token.ts";
import { membershipKind } from "../../crds/membership.ts";
import { renewAnswer } from "../../crds/wire/join.ts";
import { askHub } from "../../member-agent/member/ask.ts";
import { connectAsMember } from "../../member-agent/member/connect.ts";
import type { ConnectNats } from "../../member-agent/member/connect.ts";
import { joinMesh } from "../../member-agent/member/join.ts";
import { leaveMesh } from "../../member-agent/member/leave.ts";
import { overlaps, parseCidr } from "../../mesh/cidr.ts";
import type { CredentialSpec } from "../../mesh/resources.ts";
import { systemClock } from "../../platform/clock.ts";
import type { JoinToken } from "../../platform/identity/join-token.ts";
import { openSigner } from "../../platform/identity/signature.ts";
import { signText } from "../../platform/mailbox/signed.ts";
import { inboxPrefix, leaveSubject, renewSubject } from "../../platform/nats/subjects.ts";
import { eventually } from "../../platform/testing/eventually.ts";
import { failingStore } from "../testing/failing-store.ts";
import { startTestHub } from "../testing/hub.ts";
import type { TestHub } from "../testing/hub.ts";
import { NO_WISHES, startTestMembers } from "../testing/members.ts";
import type { TestMember, TestMembers } from "../testing/members.ts";

/** Joins, leaves and what may cut them, against the real hub. */

let hub: TestHub;
let members: TestMembers;
beforeAll(async () => {
  [hub, members] = await Promise.all([startTestHub(), startTestMembers()]);
  await hub.pool("pods", "10.64.0.0/10", 18);
});
afterAll(async () => {
  await hub?.remove();
  await members?.remove();
});

const LOST = { "the answer": "hub-silent", "the connection": "connection-lost" } as const;

/** A way to the hub on which the next answer is lost. */
function losingAnswer(how: keyof typeof LOST): ConnectNats {
  return async (options) => {
    const nc = await members.connect(options);
    const request: NatsConnection["request"] = async (...words) => {
      if (how === "the connection") {
        nc.publish(words[0], words[1], { reply: `${options.inboxPrefix}.lost` });
        await nc.flush();
        await nc.close();
      } else await nc.request(...words);
      throw new Error("lost by the test");
    };
    return new Proxy(nc, {
      get: (target, key) => {
        const value: unknown = key === "request" ? request : Reflect.get(target, key);
        return typeof value === "function" ? (value.bind(target) as unknown) : value;
      },
    });
  };
}

async function credentialOf({ store }: TestMember): Promise<CredentialSpec> {
  const credential = await store.get(credentialKind, "mesh");
  if (credential === undefined) throw new Error("there is no credential");
  return credential.spec;
}

const rowsOf = async (cluster: string) => (await hub.ledger())?.rows.filter((row) => row.cluster === cluster) ?? [];

describe("a join", () => {
  test.each(["the answer", "the connection"] as const)(
    "that lost %s and is said again gets what it was given",
    async (how) => {
      const name = how === "the answer" ? "lost-a" : "lost-b";
      const token = await hub.token(name);
      const member = await members.make();
      await expect(
        joinMesh(member.store, losingAnswer(how), token, { ...NO_WISHES, cluster: name }),
      ).rejects.toMatchObject({ code: LOST[how], retry: true });
      await eventually(async () => (await rowsOf(name)).length > 0);
      const given = await rowsOf(name);
      const answer = await member.join(token);
      expect(await rowsOf(name)).toEqual(given);
      expect(given.map(({ prefix }) => prefix)).toEqual(
        expect.arrayContaining([...answer.podCIDRs, ...answer.meshPrefixes]),
      );
      // A third time changes nothing either, nor does it take the membership away meanwhile.
      expect(await member.join(token)).toMatchObject({ number: answer.number, podCIDRs: answer.podCIDRs });
      expect(await rowsOf(name)).toEqual(given);
    },
  );

  test("cut at each write into its own store, and said again, ends the same", async () => {
    const cuts: string[] = [];
    for (const when of ["before", "after"] as const) {
      for (let nth = 1; ; nth += 1) {
        const member = await members.make();
        const failing = failingStore(member.store, nth, when);
        const fresh = await hub.token(`cut-${when}-${nth}`);
        const cut = await joinMesh(failing, members.connect, fresh, { ...NO_WISHES, cluster: fresh.cluster }).catch(
          (error: unknown) => error,
        );
        if (!failing.failed()) break;
        expect(cut).toMatchObject({ code: "store-unreachable" });
        cuts.push(`${when} ${nth}`);
        const joined = await member.join(fresh);
        expect(await member.store.get(membershipKind, "mesh")).toMatchObject({
          spec: { phase: "Joined", cluster: fresh.cluster },
          status: { number: joined.number, podCIDRs: joined.podCIDRs, meshPrefixes: joined.meshPrefixes },
        });
        expect(await credentialOf(member)).toMatchObject({
          userJWT: joined.userJWT,
          renewJWT: joined.renewJWT,
          tokenID: fresh.id,
        });
        const nc = await connectAsMember(members.connect, await credentialOf(member));
        await nc.close();
      }
    }
    // Credential, Membership, then both again with what the hub answered, and the Membership's status.
    expect(cuts).toEqual(["before", "after"].flatMap((when) => [1, 2, 3, 4, 5].map((nth) => `${when} ${nth}`)));
  });

  test("of fifty at once: each gets ranges and a number that nobody else has", async () => {
    const crowd = Array.from({ length: 50 }, (_, index) => `crowd-${index}`);
    const tokens: JoinToken[] = [];
    for (const name of crowd) tokens.push(await hub.token(name));
    const joiners = await Promise.all(crowd.map(() => members.make()));
    const answers = await Promise.all(tokens.map(async (token, index) => joiners[index]?.join(token)));
    expect(new Set(answers.map((answer) => answer?.number)).size).toBe(50);
    for (const range of ["podCIDRs", "meshPrefixes"] as const) {
      const all = answers.flatMap((answer) => answer?.[range].map(parseCidr) ?? []);
      const clashes = all.flatMap((one, at) => all.slice(at + 1).filter((other) => overlaps(one, other)));
      expect({ range, clashes }).toEqual({ range, clashes: [] });
    }
    expect(answers.every((answer) => answer?.podCIDRs.length === 1 && answer.meshPrefixes.length === 2)).toBe(true);
    for (const [index, name] of crowd.entries()) {
      const { status } = (await hub.store.get(clusterKind, name)) ?? {};
      expect(status).toMatchObject({ number: answers[index]?.number, podCIDRs: answers[index]?.podCIDRs });
      expect((await hub.store.get(joinTokenKind, tokens[index]?.id ?? ""))?.status.usedBy).toBe(
        status?.identity?.userKey,
      );
    }
  });
});

describe("a member", () => {
  test("renews its credential by the renew-only user, by proof of its key, and so alone", async () => {
    const member = await members.make();
    const token = await hub.token("renewer");
    await member.join(token);
    const credential = await credentialOf(member);
    const { renewJWT: jwt = "", userSeed: seed, cluster, hubKey, natsURLs: servers, ca } = credential;
    const nc = await members.connect({
      servers,
      ca,
      credentials: { jwt, seed },
      inboxPrefix: inboxPrefix("renew", cluster),
    });
    const ask = (signingSeed: string) => {
      const text = signText(
        "renew",
        JSON.stringify({ mesh: credential.mesh, member: cluster }),
        openSigner(signingSeed),
      );
      return askHub(nc, { subject: renewSubject(cluster), text, hubKey, value: renewAnswer });
    };
    const { userJWT } = await ask(credential.signingSeed);
    const other = await credentialOf(await joined("renewer-2"));
    await expect(ask(other.signingSeed)).rejects.toMatchObject({ code: "bad-signature" });
    await nc.close();
    const again = await connectAsMember(members.connect, { ...credential, userJWT });
    await again.close();
  });

  test("that leaves frees its ranges and its name, and its credential is void within seconds", async () => {
    const member = await joined("leaver");
    const credential = await credentialOf(member);
    const given = await rowsOf("leaver");
    const open = await connectAsMember(members.connect, credential);
    await member.leave();
    // Who is connected is cut off, who knocks is refused; the renew-only user too.
    await eventually(
      async () =>
        open.isClosed() ||
        (await open.flush().then(
          () => "still connected",
          () => true,
        )),
    );
    await open.close();
    await expect(connectAsMember(members.connect, credential)).rejects.toMatchObject({ code: "nats-refused" });
    await expect(
      connectAsMember(members.connect, { ...credential, userJWT: credential.renewJWT }),
    ).rejects.toMatchObject({ code: "nats-refused" });
    expect(await rowsOf("leaver")).toEqual([]);
    // The hub lets it go after it voided the credential.
    await eventually(async () => (await hub.store.get(clusterKind, "leaver")) === undefined || "still there");
    expect((await member.everything()).flat()).toEqual([]);
    await joined("leaver");
    expect((await rowsOf("leaver")).map(({ prefix }) => prefix)).toEqual(given.map(({ prefix }) => prefix));
  });

  test("whose leave was cut at each write, or whose answer was lost, leaves when it says so again", async () => {
    const leave = (store: TestMember["store"], connect = members.connect) =>
      leaveMesh(
        { store, connect, clock: systemClock, onWaiting: () => undefined },
        { withoutHub: false, limitMs: 60_000 },
        new AbortController().signal,
      );
    const left = async (member: TestMember, name: string): Promise<void> => {
      expect((await member.everything()).flat()).toEqual([]);
      await eventually(async () => (await hub.store.get(clusterKind, name)) === undefined);
      expect(await rowsOf(name)).toEqual([]);
    };
    for (const how of ["the answer", "the connection"] as const) {
      const member = await joined("cut-leaver");
      await expect(leave(member.store, losingAnswer(how))).rejects.toMatchObject({ code: LOST[how] });
      await eventually(async () => (await hub.store.get(clusterKind, "cut-leaver")) === undefined);
      await leave(member.store);
      await left(member, "cut-leaver");
    }
    for (let nth = 1; ; nth += 1) {
      const member = await joined("cut-leaver");
      const failing = failingStore(member.store, nth, "before");
      await leave(failing).catch(() => undefined);
      if (failing.failed()) await leave(member.store);
      await left(member, "cut-leaver");
      if (!failing.failed()) break;
    }
  });

  test("does not leave by a word that another signed", async () => {
    const credential = await credentialOf(await joined("stayer"));
    const other = await credentialOf(await joined("stayer-2"));
    const nc = await connectAsMember(members.connect, credential);
    const text = signText(
      "leave",
      JSON.stringify({ mesh: credential.mesh, member: "stayer" }),
      openSigner(other.signingSeed),
    );
    const { hubKey } = credential;
    await expect(
      askHub(nc, { subject: leaveSubject("stayer"), text, hubKey, value: renewAnswer }),
    ).rejects.toMatchObject({ code: "bad-signature" });
    await nc.close();
    expect(await rowsOf("stayer")).not.toEqual([]);
  });
});

describe("an administrator who takes a cluster out", () => {
  test("is refused while it is linked, and insists with force; its credential is void, it can leave by itself after that", async () => {
    const [one] = [await joined("linked-1"), await joined("linked-2")];
    await hub.store.create(clusterLinkKind, {
      metadata: { name: "both" },
      spec: { members: { names: ["linked-1", "linked-2"] }, tunnel: "WireGuard" },
    });
    const before = await rowsOf("linked-1");
    await eventually(() =>
      hub.ask("deleteCluster", { cluster: "linked-1", force: false }).then(
        () => "deleted",
        (error: unknown) =>
          expect(error).toMatchObject({ code: "in-use", message: expect.stringContaining("both") }) === undefined,
      ),
    );
    expect(await rowsOf("linked-1")).toEqual(before);
    await hub.ask("deleteCluster", { cluster: "linked-1", force: true });
    expect(await rowsOf("linked-1")).toEqual([]);
    expect(await hub.store.get(clusterKind, "linked-1")).toBeUndefined();
    await expect(connectAsMember(members.connect, await credentialOf(one))).rejects.toMatchObject({
      code: "nats-refused",
    });
    await one.leave();
    expect((await one.everything()).flat()).toEqual([]);
    await hub.store.delete(clusterLinkKind, "both");
  });

  test("of a name that nobody has is told which there are", async () => {
    await expect(hub.ask("deleteCluster", { cluster: "nobody", force: true })).rejects.toMatchObject({
      code: "not-found",
      message: expect.stringContaining("joined are:"),
    });
  });
});

async function joined(name: string): Promise<TestMember> {
  const member = await members.make();
  await member.join(await hub.token(name));
  return member;
}
