import type { NatsConnection } from "@nats-io/nats-core";
import { clusterKind } from "../crds/cluster.ts";
import { joinTokenKind } from "../crds/join-token.ts";
import { joinRequest } from "../crds/wire/join.ts";
import type { JoinRequest, RenewAnswer } from "../crds/wire/join.ts";
import { MeshError } from "../platform/errors.ts";
import { rawPublicKeyOfUser } from "../platform/identity/nkey.ts";
import type { Log } from "../platform/log.ts";
import { signAnswer } from "../platform/mailbox/answers.ts";
import { openSigned, parseSigned } from "../platform/mailbox/signed.ts";
import { joinSubject, leaveSubject, parseMeshSubject, renewSubject } from "../platform/nats/subjects.ts";
import type { ResourceStore } from "../platform/store/port.ts";
import { Budgets } from "./budget.ts";
import { redeemToken } from "./join.ts";
import type { JoinParts } from "./join.ts";
import type { HubKeys } from "./keys.ts";
import { beginRemoval, finishRemoval } from "./members.ts";
import type { MemberParts } from "./members.ts";
import { answer, serveSubject } from "./serve.ts";

export interface DoorParts extends JoinParts, MemberParts {
  readonly nc: NatsConnection;
  readonly keys: HubKeys;
  /** Lets one at a time come in or go out, whoever asks. */
  readonly oneAtATime: <T>(work: () => Promise<T>) => Promise<T>;
  readonly log: Log;
}

/** A join is said once and retried by a person; who knocks more often is not let hold up the others. */
const KNOCKS = { perSecond: 1, burst: 30 };

/**
 * Where members come in, renew and go out. NATS lets a credential ask only under its own name; the signatures say the
 * same without NATS. Each answer is signed by the hub and names the request.
 */
export async function serveDoors(parts: DoorParts, signal: AbortSignal): Promise<void> {
  const { nc, keys, ledger, oneAtATime, clock, log } = parts;
  const budgets = new Budgets(clock, KNOCKS);
  const door = (
    subject: string,
    event: string,
    work: (name: string, text: string) => Promise<Admission>,
  ): Promise<void> =>
    serveSubject(
      nc,
      subject,
      async (request) => {
        const name = parseMeshSubject(request.subject)?.name ?? "";
        if (!budgets.take(name)) return;
        await oneAtATime(async () => {
          const text = request.string();
          const outcome = await answer(log, event, async () => {
            await ledger.read();
            return work(name, text);
          });
          const said = outcome.ok ? { ok: true, value: outcome.value.answer } : outcome;
          request.respond(signAnswer(text, said, keys.signer));
          if (!outcome.ok) return;
          log.info({ event, name }, `${event} of "${name}" was granted`);
          if (outcome.value.after !== undefined) await answer(log, `${event}-afterwards`, outcome.value.after);
        });
      },
      signal,
    );
  await Promise.all([
    door(joinSubject("*"), "join", async (tokenID, text) => ({ answer: await join(parts, tokenID, text) })),
    door(renewSubject("*"), "renew", async (member, text) => ({ answer: await renew(parts, member, text) })),
    door(leaveSubject("*"), "leave", (member, text) => leave(parts, member, text)),
  ]);
}

interface Admission {
  readonly answer: unknown;
  /** Done when the answer is on its way. */
  readonly after?: () => Promise<unknown>;
}

/** The token's key signed the member's request, and the member's own key signed it before: neither can be put in another's place. */
async function join(parts: DoorParts, tokenID: string, text: string): Promise<unknown> {
  const token = await parts.store.get(joinTokenKind, tokenID);
  // An unknown token is told as such by redeemToken; there is no key to check it by.
  const inner =
    token === undefined
      ? parseSigned(text)?.payload
      : openSigned("join-token", text, rawPublicKeyOfUser(token.spec.publicKey));
  const request = inner === undefined ? undefined : readJoinRequest(inner);
  if (request === undefined)
    throw new MeshError("bad-signature", "the join request is not signed by its token's key and its own", {
      retry: false,
    });
  return redeemToken(parts, tokenID, request);
}

function readJoinRequest(inner: string): JoinRequest | undefined {
  const claimed = joinRequest.safeParse(parseJSON(parseSigned(inner)?.payload)).data;
  return claimed !== undefined && openSigned("join", inner, claimed.signingKey) !== undefined ? claimed : undefined;
}

async function renew(parts: DoorParts, member: string, text: string): Promise<RenewAnswer> {
  const { userKey } = await openMemberText(parts.store, "renew", member, text);
  return { userJWT: await parts.keys.issueMember(member, userKey) };
}

/** The credential is revoked last: the answer has to reach whoever left. */
async function leave(parts: DoorParts, member: string, text: string): Promise<Admission> {
  const { userKey } = await openMemberText(parts.store, "leave", member, text);
  await beginRemoval(parts, member);
  return { answer: {}, after: () => finishRemoval(parts, member, userKey) };
}

/** The member that said this, if it did. @throws MeshError `unknown-cluster`, `bad-signature` */
async function openMemberText(
  store: ResourceStore,
  context: "renew" | "leave",
  member: string,
  text: string,
): Promise<{ readonly userKey: string }> {
  const identity = (await store.get(clusterKind, member))?.status.identity;
  if (identity === undefined)
    throw new MeshError("unknown-cluster", `no cluster "${member}" is in this mesh`, { retry: false });
  if (openSigned(context, text, identity.signingKey) === undefined) {
    throw new MeshError("bad-signature", `the request is not signed by the key that "${member}" joined with`, {
      retry: false,
    });
  }
  return identity;
}

function parseJSON(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? "");
  } catch {
    return undefined;
  }
}
