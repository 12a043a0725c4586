import { encodeAccount, encodeOperator } from "@nats-io/jwt";
import type { Account, Export, Import, OperatorLimits, SigningKey, UserPermissionsLimits } from "@nats-io/jwt";
import type { KeyPair } from "@nats-io/nkeys";
import type { HubIdentity } from "../identity/hub-identity.ts";
import { openNkey } from "../identity/nkey.ts";
import {
  directGetSubject,
  downSubjects,
  inboxPrefix,
  joinSubject,
  leaveSubject,
  mailboxSubjects,
  renewSubject,
  upSubject,
} from "./subjects.ts";
import type { MemberRole } from "./subjects.ts";

/**
 * Two accounts. HUB owns JetStream and everything in it; MEMBERS has nothing and imports the few subjects below. In one
 * shared account a direct get with a forged reply subject would overwrite another member's head: here a reply lands in
 * MEMBERS, where no stream listens.
 */
export interface AccountJWTs {
  readonly operator: string;
  /** Public key and JWT of each account, `system` as the server's system account. */
  readonly system: AccountJWT;
  readonly hub: AccountJWT;
  readonly members: AccountJWT;
}

export interface AccountJWT {
  readonly publicKey: string;
  readonly jwt: string;
}

/** What the server puts into a permission where this stands: the name in the user's JWT. */
const NAME = "{{name()}}";

/** Requests that members may make of the hub, each told by the name in its subject. */
const SERVICES: readonly { readonly name: string; readonly subject: string }[] = [
  { name: "mailbox", subject: directGetSubject(mailboxSubjects("*")) },
  { name: "report", subject: upSubject("*", ">") },
  { name: "join", subject: joinSubject("*") },
  { name: "renew", subject: renewSubject("*") },
  { name: "leave", subject: leaveSubject("*") },
];

/** What a role may say and hear; bytes of its largest message. Nothing else is allowed. */
const ROLES: Readonly<
  Record<MemberRole, { readonly pub: string[]; readonly sub: string[]; readonly payload: number }>
> = {
  member: {
    pub: [directGetSubject(mailboxSubjects(NAME)), upSubject(NAME, ">"), renewSubject(NAME), leaveSubject(NAME)],
    sub: [downSubjects(NAME), `${inboxPrefix("member", NAME)}.>`],
    payload: 512 * 1024,
  },
  join: { pub: [joinSubject(NAME)], sub: [`${inboxPrefix("join", NAME)}.>`], payload: 64 * 1024 },
  renew: { pub: [renewSubject(NAME)], sub: [`${inboxPrefix("renew", NAME)}.>`], payload: 16 * 1024 },
};

/** One for replies, one for the mailbox; the rest is for a reconnect that overlaps. */
const MAX_SUBSCRIPTIONS = 8;

const NO_LIMITS: OperatorLimits = {
  subs: -1,
  data: -1,
  payload: -1,
  imports: -1,
  exports: -1,
  wildcards: true,
  conn: -1,
};
const UNLIMITED_JETSTREAM: OperatorLimits = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 };

/** The operator and its accounts, with what is revoked now. A later one of the same account wins in the server. */
export async function accountJWTs(identity: HubIdentity): Promise<AccountJWTs> {
  const operator = openNkey(identity.operatorSeed);
  const system = openNkey(identity.systemAccountSeed);
  const hub = openNkey(identity.hubAccountSeed);
  const members = await membersAccount(identity);
  const encode = async (name: string, account: KeyPair, claims: Account): Promise<AccountJWT> => ({
    publicKey: account.getPublicKey(),
    jwt: await encodeAccount(name, account, claims, { signer: operator }),
  });
  return {
    operator: await encodeOperator(`trestle-${identity.mesh}`, operator, { system_account: system.getPublicKey() }),
    system: await encode("SYS", system, { version: 2, limits: NO_LIMITS }),
    hub: await encode("HUB", hub, {
      version: 2,
      limits: { ...NO_LIMITS, ...UNLIMITED_JETSTREAM },
      exports: hubExports(),
    }),
    members,
  };
}

/** The MEMBERS account alone: what is pushed when a credential was revoked. */
export async function membersAccount(identity: HubIdentity): Promise<AccountJWT> {
  const members = openNkey(identity.membersAccountSeed);
  const hubKey = openNkey(identity.hubAccountSeed).getPublicKey();
  const claims: Account = {
    version: 2,
    // No leaf nodes, no JetStream, no bearer tokens: programs that show a signed nonce, one by one.
    limits: { ...NO_LIMITS, leaf: 0, disallow_bearer: true },
    imports: memberImports(hubKey),
    signing_keys: (["member", "join", "renew"] as const).map((role) => roleKey(role, identity)),
    revocations: identity.revocations,
  };
  const signer = openNkey(identity.operatorSeed);
  return { publicKey: members.getPublicKey(), jwt: await encodeAccount("MEMBERS", members, claims, { signer }) };
}

function hubExports(): Export[] {
  return [
    { name: "down", subject: downSubjects("*"), type: "stream" },
    ...SERVICES.map(({ name, subject }) => ({ name, subject, type: "service", response_type: "Singleton" }) as const),
  ];
}

function memberImports(account: string): Import[] {
  return [
    { name: "down", subject: downSubjects("*"), account, type: "stream" },
    ...SERVICES.map(({ name, subject }) => ({ name, subject, account, type: "service" }) as const),
  ];
}

function roleKey(role: MemberRole, { roleSeeds }: HubIdentity): SigningKey {
  const { pub, sub, payload } = ROLES[role];
  const template: Partial<UserPermissionsLimits> = {
    pub: { allow: pub },
    sub: { allow: sub },
    subs: MAX_SUBSCRIPTIONS,
    data: -1,
    payload,
    allowed_connection_types: ["STANDARD"],
  };
  return { kind: "user_scope", key: openNkey(roleSeeds[role]).getPublicKey(), role, template };
}
