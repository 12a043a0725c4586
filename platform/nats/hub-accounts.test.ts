import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { issueJoin, issueMember, issueRenew } from "../identity/credentials.ts";
import { revokeUser } from "../identity/hub-identity.ts";
import { makeUserKey } from "../identity/user-key.ts";
import { startTestHub } from "../testing/test-hub.ts";
import type { TestHub } from "../testing/test-hub.ts";
import { pushAccount } from "./account-push.ts";
import { membersAccount } from "./hub-accounts.ts";
import { joinSubject, leaveSubject, renewSubject, upSubject } from "./subjects.ts";

let hub: TestHub;
let hubSide: NatsConnection;

beforeAll(async () => {
  hub = await startTestHub();
  hubSide = await hub.connectAs("hub");
});
afterAll(() => hub.remove());

/** A hub that answers with the subject it was asked at. */
function echo(subject: string): void {
  hubSide.subscribe(subject, { callback: (_, message) => void message.respond(message.subject) });
}

describe("the accounts of a hub", () => {
  test("a member's requests cross to the hub and the answers come back", async () => {
    const east = await hub.connectMember("east");
    echo("mesh.*.up.>");
    echo("mesh.*.renew");
    echo("mesh.*.leave");
    await hubSide.flush();
    for (const subject of [
      upSubject("east", "gw1"),
      upSubject("east", "ip-10-0-0-1.internal"),
      renewSubject("east"),
      leaveSubject("east"),
    ]) {
      expect((await east.request(subject, "hello", { timeout: 5_000 })).string()).toBe(subject);
    }
  });

  test("the bearer of a join token reaches join, and one to renew reaches renew", async () => {
    echo("mesh.*.join");
    await hubSide.flush();
    const bearer = makeUserKey();
    const join = await issueJoin(hub.identity, "east", bearer.publicKey, Date.now() + 600_000);
    const joining = await hub.connectWith({ jwt: join, seed: bearer.seed }, "join", "east");
    expect((await joining.request(joinSubject("east"), "", { timeout: 5_000 })).string()).toBe("mesh.east.join");

    const late = makeUserKey();
    const renewing = await hub.connectWith(
      { jwt: await issueRenew(hub.identity, "east", late.publicKey), seed: late.seed },
      "renew",
      "east",
    );
    expect((await renewing.request(renewSubject("east"), "", { timeout: 5_000 })).string()).toBe("mesh.east.renew");
  });

  test("the admin may do anything in the HUB account, JetStream too", async () => {
    const admin = await hub.connectAs("admin");
    const manager = await jetstreamManager(admin);
    await manager.streams.add({ name: "anything", subjects: ["anything.>"] });
    expect(await manager.streams.delete("anything")).toBe(true);
  });

  test("what JetStream has answered is on disk", async () => {
    const system = await hub.connectAs("system");
    const reply = await system.request("$SYS.REQ.SERVER.PING.JSZ", "{}", { timeout: 5_000 });
    expect(reply.json()).toMatchObject({ data: { config: { sync_always: true } } });
  });

  test("the MEMBERS account has no JetStream", async () => {
    const east = await hub.connectMember("east");
    await expect(jetstreamManager(east)).rejects.toThrow(/permissions violation/i);
  });

  test("a revoked member is cut off in about a second and does not come back, the others stay", async () => {
    const east = makeUserKey();
    const jwt = await issueMember(hub.identity, "east", east.publicKey);
    const revoked = await hub.connectWith({ jwt, seed: east.seed }, "member", "east");
    const other = await hub.connectMember("west");
    const system = await hub.connectAs("system");
    await revoked.flush();

    const cut = Promise.withResolvers<void>();
    void (async () => {
      for await (const status of revoked.status()) if (status.type === "disconnect") cut.resolve();
    })();
    await pushAccount(system, await membersAccount(revokeUser(hub.identity, east.publicKey)));
    await cut.promise;
    await expect(hub.connectWith({ jwt, seed: east.seed }, "member", "east")).rejects.toMatchObject({
      code: "nats-refused",
    });
    await other.flush();
    expect(other.isClosed()).toBe(false);
  });

  test("what the server does not take is told, with its reason", async () => {
    const system = await hub.connectAs("system");
    const account = await membersAccount(hub.identity);
    const garbled = { ...account, jwt: account.jwt.slice(0, -10) };
    await expect(pushAccount(system, garbled)).rejects.toMatchObject({ code: "account-push-failed", retry: true });
    const member = await hub.connectMember("north");
    await expect(pushAccount(member, account)).rejects.toMatchObject({ code: "account-push-failed" });
  });
});
