import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { setTimeout as delay } from "node:timers/promises";
import { clusterKind } from "../../crds/cluster.ts";
import { membershipKind } from "../../crds/membership.ts";
import type { JoinWishes } from "../../member-agent/member/join.ts";
import { decodeJoinToken, encodeJoinToken } from "../../platform/identity/join-token.ts";
import type { JoinToken } from "../../platform/identity/join-token.ts";
import { generateSeed, openSigner } from "../../platform/identity/signature.ts";
import { eventually } from "../../platform/testing/eventually.ts";
import { freePort } from "../../platform/testing/free-port.ts";
import { startTestNats } from "../../platform/testing/nats.ts";
import { startTestHub as startServerOnly } from "../../platform/testing/test-hub.ts";
import { issueJoin } from "../../platform/identity/credentials.ts";
import { makeUserKey, publicKeyOfUser } from "../../platform/identity/user-key.ts";
import { startTestHub } from "../testing/hub.ts";
import type { TestHub } from "../testing/hub.ts";
import { settled } from "../testing/settled.ts";
import { startTestMembers } from "../testing/members.ts";
import type { TestMember, TestMembers } from "../testing/members.ts";

/** Every join that must be refused: by its code, in words that say whose fault and what to do, and with nothing changed. */

let hub: TestHub;
let members: TestMembers;
beforeAll(async () => {
  [hub, members] = await Promise.all([startTestHub(), startTestMembers()]);
  await hub.pool("pods", "10.64.0.0/14", 16);
  await (await members.make()).join(await hub.token("east"));
  const declared = { podCIDRs: ["172.30.0.0/16"], localCIDRs: ["192.168.7.0/24"] };
  await (await members.make()).join(await hub.token("west", { podCIDRs: declared.podCIDRs }), declared);
});
afterAll(async () => {
  await hub?.remove();
  await members?.remove();
});

/** Takes out whoever joined besides east and west; resolves when the hub has finished with them. */
async function onlyEastAndWest(): Promise<void> {
  await eventually(async () => {
    const others = (await hub.store.list(clusterKind))
      .map(({ metadata }) => metadata.name)
      .filter((name) => name !== "east" && name !== "west");
    for (const cluster of others) await hub.ask("deleteCluster", { cluster, force: true }).catch(() => undefined);
    return others.length === 0 || others;
  });
}
afterEach(onlyEastAndWest);

/** RFC 1918. */
const PRIVATE = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"];

interface Refused {
  readonly code: string;
  readonly message: RegExp;
}

/** Joins with `token` and expects the refusal, no trace of it at the hub, and no membership at the member. */
async function expectRefused(
  token: JoinToken,
  wishes: Partial<JoinWishes>,
  { code, message }: Refused,
): Promise<TestMember> {
  const member = await members.make();
  const before = await settled(() => hub.everything(), 250);
  await expect(member.join(token, wishes)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  expect(await hub.everything()).toEqual(before);
  expect((await member.store.list(membershipKind)).map(({ spec }) => spec.phase)).not.toContain("Joined");
  return member;
}

/** The refused join has left nothing that stands in the way of a good one. */
async function expectWelcome(member: TestMember): Promise<void> {
  expect((await member.join(await hub.token("later"))).podCIDRs).toEqual([
    expect.stringMatching(/^10\.6[5-7]\.0\.0\/16$/),
  ]);
}

describe("what is asked for", () => {
  test.each<[string, Partial<JoinWishes>, Refused]>([
    [
      "a range that is assigned",
      { podCIDRs: ["10.64.128.0/17"] },
      {
        code: "cidr-overlap",
        message: /asks for 10\.64\.128\.0\/17, which overlaps 10\.64\.0\.0\/16 of cluster "east"; pick another/,
      },
    ],
    [
      "a range that is declared",
      { podCIDRs: ["172.16.0.0/12"] },
      { code: "cidr-overlap", message: /overlaps 172\.30\.0\.0\/16 of cluster "west"/ },
    ],
    [
      "a range of another site",
      { podCIDRs: ["192.168.0.0/16"] },
      { code: "cidr-overlap", message: /overlaps 192\.168\.7\.0\/24 on the site of cluster "west"/ },
    ],
    [
      "the very range of another",
      { podCIDRs: ["10.64.0.0/16"] },
      { code: "cidr-overlap", message: /of cluster "east"/ },
    ],
    [
      "to announce what another has",
      { allowedCIDRs: ["172.30.7.0/24"] },
      { code: "cidr-overlap", message: /wants to announce 172\.30\.7\.0\/24.*"west".*leave it out of allowedCIDRs/ },
    ],
    [
      "a site that overlaps another's pods",
      { localCIDRs: ["10.64.0.0/24"] },
      { code: "cidr-overlap", message: /on its own site 10\.64\.0\.0\/24.*"east"/ },
    ],
    [
      "two ranges that overlap each other",
      { podCIDRs: ["10.9.0.0/16", "10.9.1.0/24"] },
      { code: "cidr-overlap", message: /its own 10\.9\.0\.0\/16/ },
    ],
    [
      "host bits set",
      { podCIDRs: ["10.9.0.1/16"] },
      { code: "host-bits-set", message: /10\.9\.0\.1\/16 has host bits set; did you mean 10\.9\.0\.0\/16/ },
    ],
    [
      "host bits set in what it announces",
      { allowedCIDRs: ["10.9.0.1/24"] },
      { code: "host-bits-set", message: /did you mean 10\.9\.0\.0\/24/ },
    ],
    [
      "host bits set in its site",
      { localCIDRs: ["fd00::1/64"] },
      { code: "host-bits-set", message: /did you mean fd00::\/64/ },
    ],
    ["no range at all", { podCIDRs: ["ten"] }, { code: "bad-cidr", message: /"ten"/ }],
    [
      "to announce a range with a meaning of its own",
      { allowedCIDRs: ["127.0.0.0/8"] },
      { code: "bad-cidr", message: /loopback/ },
    ],
    [
      "a /27",
      { prefixLength: 27 },
      { code: "prefix-too-long", message: /asks for a \/27; the longest IPv4 block is \/26/ },
    ],
    [
      "a /123",
      { families: [6], prefixLength: 123 },
      { code: "prefix-too-long", message: /the longest IPv6 block is \/122/ },
    ],
    [
      "more than the pool holds",
      { prefixLength: 13 },
      { code: "prefix-too-short", message: /a \/13 is more than any Pods pool of IPv4 holds: "pods"/ },
    ],
    [
      "a length and a range",
      { podCIDRs: ["10.9.0.0/16"], prefixLength: 20 },
      { code: "bad-spec", message: /leave it out/ },
    ],
    ["no family", { families: [] }, { code: "bad-spec", message: /asks for no address family/ }],
    [
      "a family without a pool",
      { families: [4, 6] },
      { code: "pool-exhausted", message: /there is no Pods pool of IPv6; create one with "trestle pool create"/ },
    ],
  ])("%s is refused", async (_, wishes, refused) => {
    await expectRefused(await hub.token("north", { podCIDRs: PRIVATE }), wishes, refused);
  });

  test("a range is refused when the token allows none", async () => {
    const refused = {
      code: "cidr-not-allowed",
      message: /this token allows no pod CIDRs of the cluster's own, so 10\.10\.0\.0\/16/,
    };
    await expectRefused(await hub.token("north"), { podCIDRs: ["10.10.0.0/16"] }, refused);
  });

  test("a range that the token does not allow is refused", async () => {
    const token = await hub.token("north", { podCIDRs: ["10.9.0.0/16"] });
    const refused = {
      code: "cidr-not-allowed",
      message: /this token allows the pod CIDRs 10\.9\.0\.0\/16, not 10\.10\.0\.0\/16/,
    };
    await expectRefused(token, { podCIDRs: ["10.10.0.0/16"] }, refused);
  });

  test("a block when the pool has none left is refused, naming the pool", async () => {
    const fillers = ["10.65.0.0/16", "10.66.0.0/16", "10.67.0.0/16"];
    const filler = await members.make();
    await filler.join(await hub.token("filler", { podCIDRs: fillers }), { podCIDRs: fillers });
    const member = await members.make();
    const token = await hub.token("north");
    const before = await settled(() => hub.everything(), 250);
    await expect(member.join(token)).rejects.toMatchObject({
      code: "pool-exhausted",
      message: expect.stringMatching(
        /cluster "north" gets no block: no Pods pool of IPv4 has room for a block: "pods" \(10\.64\.0\.0\/14\); create another pool/,
      ),
    });
    expect(await hub.everything()).toEqual(before);
    await filler.leave();
    // The token was not used up by the refusal.
    expect((await member.join(token)).podCIDRs).toEqual(["10.65.0.0/16"]);
    await member.leave();
  });
});

describe("a name", () => {
  test.each(["*", ">", "East", "a.b", "-a", "a".repeat(64), ""])("%j gets no token", async (name) => {
    const before = await settled(() => hub.everything(), 250);
    await expect(hub.ask("createToken", { cluster: name, podCIDRs: [], ttlSeconds: 60 })).rejects.toMatchObject({
      code: "bad-name",
      message: expect.stringMatching(/is not a name: use at most 63 lower-case letters/),
    });
    expect(await hub.everything()).toEqual(before);
  });

  test("that another cluster has by now is refused", async () => {
    const [first, second] = [await hub.token("twin"), await hub.token("twin")];
    const twin = await members.make();
    await twin.join(first);
    await expectWelcome(
      await expectRefused(
        second,
        {},
        {
          code: "name-taken",
          message: /a cluster named "twin" has already joined; choose another name, or take the old one out first/,
        },
      ),
    );
  });

  test("of a cluster that joined gets no token", async () => {
    await expect(hub.token("east")).rejects.toMatchObject({
      code: "name-taken",
      message: expect.stringContaining("trestle cluster delete east"),
    });
  });

  test("that is not the token's is refused", async () => {
    const refused = {
      code: "token-other-name",
      message: /this token is for cluster "north", not for "south"; ask for one with: trestle token create south/,
    };
    await expectWelcome(await expectRefused(await hub.token("north"), { cluster: "south" }, refused));
  });

  test("is one cluster's for good: a cluster that has joined does not join again", async () => {
    const member = await members.make();
    await member.join(await hub.token("north"));
    const token = await hub.token("south");
    const [before, there] = [await settled(() => hub.everything(), 250), await member.everything()];
    await expect(member.join(token)).rejects.toMatchObject({
      code: "already-joined",
      message: expect.stringMatching(/as "north" already; take it out first with: trestle leave/),
    });
    expect(await hub.everything()).toEqual(before);
    expect(await member.everything()).toEqual(there);
    await member.leave();
  });
});

describe("a token", () => {
  test("that was used is refused", async () => {
    const token = await hub.token("north");
    const north = await members.make();
    await north.join(token);
    await expectRefused(
      token,
      {},
      {
        code: "token-used",
        message:
          /this token was used at \d{4}-.*; a token joins once, ask for another with: trestle token create north/,
      },
    );
    await north.leave();
    await onlyEastAndWest();
    await expectRefused(token, {}, { code: "token-used", message: /this token was used/ });
  });

  test("that expired is refused by NATS already", async () => {
    const token = await hub.token("north", { ttlSeconds: 1 });
    await delay(2_100);
    await expectWelcome(
      await expectRefused(
        token,
        {},
        {
          code: "token-refused",
          message: /it has expired or was revoked; ask for another with: trestle token create north/,
        },
      ),
    );
  });

  test("whose object expired is refused by the hub, whatever its credential says", async () => {
    const token = await hub.token("north", { ttlSeconds: 1 });
    const userJWT = await issueJoin(
      await hub.identity(),
      token.id,
      publicKeyOfUser(token.userSeed),
      Date.now() + 600_000,
    );
    await delay(1_100);
    await expectRefused(
      { ...token, userJWT },
      {},
      { code: "token-expired", message: /this token expired at \d{4}-.*; ask for another/ },
    );
  });

  test("that was revoked is refused by NATS within seconds", async () => {
    const token = await hub.token("north");
    await hub.ask("revokeToken", { name: token.id });
    await expectRefused(token, {}, { code: "token-refused", message: /was revoked/ });
  });

  test("with a wrong hub key in it is not redeemed", async () => {
    const token = { ...(await hub.token("north")), hubKey: openSigner(generateSeed()).publicKey };
    await expectWelcome(
      await expectRefused(
        token,
        {},
        { code: "wrong-hub-key", message: /not signed by the hub key that is pinned here/ },
      ),
    );
  });
});

test.each([
  ["nothing", ""],
  ["another word", "hello"],
  ["half a token", undefined],
])("%s is no token, and that is said before anything is asked", async (_, text) => {
  const whole = encodeJoinToken(await hub.token("north"));
  expect(() => decodeJoinToken(text ?? whole.slice(0, 300))).toThrow(expect.objectContaining({ code: "bad-token" }));
});

describe("a hub", () => {
  test("that is not there is told by every address that was tried", async () => {
    const url = `tls://127.0.0.1:${await freePort()}`;
    await expectRefused(
      { ...(await hub.token("north")), urls: [url] },
      {},
      { code: "nats-unreachable", message: new RegExp(`NATS at ${url} can't be reached`) },
    );
  });

  test("whose NATS is there without it is told as such", async () => {
    const alone = await startServerOnly();
    try {
      const user = makeUserKey();
      const userJWT = await issueJoin(alone.identity, "north-1", user.publicKey, Date.now() + 600_000);
      const token = {
        ...(await hub.token("north")),
        id: "north-1",
        urls: [alone.url],
        ca: alone.identity.ca.certPEM,
        userJWT,
        userSeed: user.seed,
      };
      await expectWelcome(
        await expectRefused(
          token,
          {},
          { code: "hub-silent", message: /is there, but no hub answers .*is `trestle hub` running\?/ },
        ),
      );
    } finally {
      await alone.remove();
    }
  });

  test("of another CA is not spoken to", async () => {
    const alone = await startServerOnly();
    try {
      await expectRefused(
        { ...(await hub.token("north")), urls: [alone.url] },
        {},
        { code: "nats-untrusted", message: /certificate that the pinned CA did not issue/ },
      );
    } finally {
      await alone.remove();
    }
  });

  test("of another kind than NATS with TLS is told so", async () => {
    const plain = await startTestNats();
    try {
      await expectRefused(
        { ...(await hub.token("north")), urls: [plain.url.replace("nats:", "tls:")] },
        {},
        { code: "nats-unreachable", message: /can't be reached/ },
      );
    } finally {
      await plain.remove();
    }
  });
});
